/**
 * One burst: a connection of its own, MONITOR, the stream into the parser until a stop is reached, and the socket
 * destroyed (which frees what the server holds for it; RESET would not sign out cleanly on every version).
 * Always settles, never throws, and leaves no timer and no socket.
 */
import net from 'node:net'
import tls from 'node:tls'
import type { MonitorConnection } from '../hot-keys/source-types.ts'
import type { ParserSession, StreamEngine } from './parser-types.ts'
import { encodeCommand } from './resp.ts'

const CONNECT_TIMEOUT_MS = 2_000
const CLOSE_TIMEOUT_MS = 500
/** How often the event loop is looked at. */
const LAG_CHECK_MS = 5

/**
 * The node keeps in its memory what it printed and we have not read. While our event loop is on time we read all
 * that the network brings, so a flood meets `maxBytes` and a slow network holds back one window's print at most;
 * `maxLagMs` ends the burst when the loop is late, and the closed socket frees the rest.
 */
export type BurstStops = {
  windowMs: number
  maxLines: number
  maxBytes: number
  maxLagMs: number
}

export type BurstEnd =
  | { kind: 'window' | 'lines' | 'bytes' | 'lag' | 'aborted' }
  /** The node answered with an error: its first word, and whether to AUTH. */
  | { kind: 'refused'; code: string; toAuth: boolean }
  /** A system error's code (`ECONNREFUSED`), a TLS error's, `timeout`, or `closed`. */
  | { kind: 'failed'; code: string }

export type BurstResult = {
  end: BurstEnd
  /** From the node's OK to the end, milliseconds; 0 when it never monitored. */
  windowMs: number
  /** Commands and bytes that we sent. */
  sentCommands: number
  sentBytes: number
}

export type Burst = {
  done: Promise<BurstResult>
  /** Ends it at once; `done` still settles. */
  abort(): void
}

export function startBurst(
  connection: MonitorConnection,
  parser: Pick<StreamEngine, 'begin' | 'feed' | 'end' | 'state' | 'counts'>,
  session: Omit<ParserSession, 'replies'>,
  stops: BurstStops,
  now: () => number,
): Burst {
  const { promise, resolve } = Promise.withResolvers<BurstResult>()
  const { username, password } = connection
  const commands = [encodeCommand('MONITOR')]
  if (password !== null) {
    commands.unshift(
      username === null ? encodeCommand('AUTH', password) : encodeCommand('AUTH', username, password),
    )
  }
  const request = Buffer.concat(commands)
  let sent = false
  let openedAt: number | null = null
  let closedAt = 0
  let end: BurstEnd | null = null
  let lagTimer: NodeJS.Timeout | null = null
  let timer = setTimeout(() => finish({ kind: 'failed', code: 'timeout' }), CONNECT_TIMEOUT_MS)
  parser.begin({ ...session, replies: commands.length })

  const socket = openSocket(connection, () => {
    sent = true
    socket.write(request)
  })
  socket.on('data', read)
  socket.on('error', (error: NodeJS.ErrnoException) =>
    finish({ kind: 'failed', code: error.code ?? 'unknown' }),
  )
  socket.on('end', () => finish({ kind: 'failed', code: 'closed' }))
  socket.on('close', () => {
    finish({ kind: 'failed', code: 'closed' })
    settle()
  })
  return { done: promise, abort: () => finish({ kind: 'aborted' }) }

  function read(chunk: Buffer): void {
    if (end !== null) return
    parser.feed(chunk, now())
    if (openedAt === null) {
      const state = parser.state
      if (state.kind === 'pending') return
      if (state.kind === 'refused') {
        finish({ kind: 'refused', code: state.code, toAuth: state.reply < commands.length - 1 })
        return
      }
      open()
    }
    if (parser.counts.lines >= stops.maxLines) finish({ kind: 'lines' })
    else if (parser.counts.bytes >= stops.maxBytes) finish({ kind: 'bytes' })
  }

  function open(): void {
    openedAt = performance.now()
    clearTimeout(timer)
    timer = setTimeout(() => finish({ kind: 'window' }), stops.windowMs)
    let expected = openedAt + LAG_CHECK_MS
    lagTimer = setInterval(() => {
      const now = performance.now()
      if (now - expected > stops.maxLagMs) finish({ kind: 'lag' })
      expected = now + LAG_CHECK_MS
    }, LAG_CHECK_MS)
  }

  function finish(reason: BurstEnd): void {
    if (end !== null) return
    end = reason
    closedAt = performance.now()
    clearTimeout(timer)
    if (lagTimer !== null) clearInterval(lagTimer)
    parser.end()
    timer = setTimeout(settle, CLOSE_TIMEOUT_MS)
    socket.destroy()
  }

  function settle(): void {
    clearTimeout(timer)
    resolve({
      end: end ?? { kind: 'failed', code: 'closed' },
      windowMs: openedAt === null ? 0 : closedAt - openedAt,
      sentCommands: sent ? commands.length : 0,
      sentBytes: sent ? request.length : 0,
    })
  }
}

function openSocket(connection: MonitorConnection, onOpen: () => void): net.Socket {
  const target = { host: connection.host, port: connection.port, noDelay: true }
  return connection.tls === null
    ? net.connect(target, onOpen)
    : tls.connect({ ...connection.tls, ...target }, onOpen)
}
