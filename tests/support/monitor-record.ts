/** MONITOR's own bytes from a real server, line by line, with each line's arguments as they were sent. */
import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { encodeCommand } from '../../collector/monitor/resp.ts'
import { type RedisProcess, until } from './redis.ts'

/** `words` as latin1. */
export type RecordedLine = { line: string; words: string[] }

/** @param options the server's password; `tls`: its own port and options, where it is to be read over TLS */
export async function recordMonitor(
  server: RedisProcess,
  options: { password?: string; tls?: ConnectionOptions & { port: number } } = {},
) {
  const { password, tls } = options
  let text = ''
  const socket: Socket = tls
    ? connectTls({ ...tls, host: server.host })
    : connect({ port: server.port, host: server.host })
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  if (password !== undefined) socket.write(encodeCommand('AUTH', password))
  const opening = '+OK\r\n'.repeat(password === undefined ? 1 : 2)
  socket.write('MONITOR\r\n')
  await until('monitoring', () => text.startsWith(opening))
  return {
    /** All lines up to now. */
    async stop(): Promise<RecordedLine[]> {
      const marker = randomUUID()
      await server.command('ECHO', marker)
      await until('the end of the recording', () => text.includes(`"${marker}"\r\n`))
      socket.destroy()
      const lines = text.slice(opening.length).split('\r\n').slice(0, -1)
      return lines
        .filter((line) => !line.includes(marker))
        .map((line) => ({ line: `${line}\r\n`, words: wordsOf(line) }))
    },
  }
}

const NAMED: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' }

function wordsOf(line: string): string[] {
  const quoted = line.slice(line.indexOf('"')).match(/"(?:[^"\\]|\\.)*"/g) ?? []
  return quoted.map((word) =>
    word
      .slice(1, -1)
      .replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, named: string) =>
        hex === undefined ? (NAMED[named] ?? named) : String.fromCharCode(Number.parseInt(hex, 16)),
      ),
  )
}
