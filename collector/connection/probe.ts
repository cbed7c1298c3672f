/**
 * What is behind a port that did not answer as a Redis: asked once on a plain socket and once with TLS, after a
 * failure that has more than one possible cause.
 */
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Failure } from './failure.ts'

const PROBE_TIMEOUT_MS = 700

/** @param usedTls how the connection that failed was made */
export async function probe(
  host: string,
  port: number,
  address: string,
  usedTls: boolean,
): Promise<Failure | null> {
  const plain = await firstBytes(connectPlain({ host, port }), 'connect')
  if (plain !== null && /^[+-]/.test(plain)) {
    if (!usedTls) return null
    return {
      state: 'tls-mismatch',
      message: `${address} speaks Redis without TLS. Write redis:// instead of rediss://.`,
    }
  }
  const other = plain === null || plain === '' ? null : nameOf(plain)
  if (other !== null) {
    return {
      state: 'not-redis',
      message: `${other} answers at ${address}, not a Redis. Correct the host or port.`,
    }
  }
  if (!usedTls && (await speaksTls(host, port))) {
    return { state: 'tls-mismatch', message: `${address} wants TLS. Write rediss:// instead of redis://.` }
  }
  return null
}

function nameOf(answer: string): string | null {
  // A TLS server answers plain text with an alert record.
  if (answer.charCodeAt(0) === 0x15) return null
  if (answer.startsWith('HTTP/')) return 'A web server'
  if (/^(ERROR|CLIENT_ERROR|SERVER_ERROR)\b/.test(answer)) return 'A memcached'
  if (answer.startsWith('SSH-')) return 'An SSH server'
  return 'Something else'
}

/** What a socket says to PING: null when it cannot be connected, empty when it is silent. */
function firstBytes(socket: Socket, ready: 'connect' | 'secureConnect'): Promise<string | null> {
  return new Promise((resolve) => {
    let connected = false
    const done = (value: string | null) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(value)
    }
    const timer = setTimeout(() => done(connected ? '' : null), PROBE_TIMEOUT_MS)
    socket.once(ready, () => {
      connected = true
      socket.write('PING\r\n')
    })
    socket.once('data', (data) => done(data.toString('latin1', 0, 64)))
    socket.once('error', () => done(connected ? '' : null))
    socket.once('close', () => done(connected ? '' : null))
  })
}

async function speaksTls(host: string, port: number): Promise<boolean> {
  // Whoever it is, only whether a handshake begins matters here: nothing secret is sent.
  const socket = connectTls({ host, port, rejectUnauthorized: false })
  return new Promise((resolve) => {
    const done = (value: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(value)
    }
    const timer = setTimeout(() => done(false), PROBE_TIMEOUT_MS)
    socket.once('secureConnect', () => done(true))
    // An alert such as "certificate required" is TLS as well; a wrong version number is not.
    socket.once('error', (error: NodeJS.ErrnoException) => done(/ALERT/i.test(error.code ?? '')))
    socket.once('close', () => done(false))
  })
}
