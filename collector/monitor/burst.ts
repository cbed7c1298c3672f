/**
 * One burst: a connection of its own, MONITOR, the stream into the engine, and our end of the socket closed when the
 * window is over (RESET would not sign out cleanly on every version). A busy server prints for many commands before
 * it sends or reads anything: what it still sends is read until it closes its end. Where a stop is reached the socket
 * is destroyed at once, which frees what the server holds for it. Always settles, never throws, and leaves no timer and no socket.
 */
import net from 'node:net'
import tls from 'node:tls'
import type { MonitorConnection } from '../hot-keys/source-types.ts'
import type { ParserSession, StreamEngine } from './parser-types.ts'
import { Prelude } from './prelude.ts'
import { encodeCommand } from './resp.ts'

const CONNECT_TIMEOUT_MS = 2_000
const CLOSE_TIMEOUT_MS = 500
/** A server that is in the middle of its work sends what it printed and sees our end within this time. */
const DRAIN_MS = 300
/** How often the event loop is looked at. */
const LAG_CHECK_MS = 5
const NAME = 'cachescope-monitor'

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

/** What the connection says before MONITOR. */
export type BurstOpening = {
  /**
   * It subscribes to a channel that nobody publishes to. The node then holds it to the output limit of subscribers
   * (32 MB unless configured), also while our process is stopped; to that of other clients there is none.
   */
  limited: boolean
  /** It gives its name and asks for its id, where `limited` has not done so. */
  named: boolean
}

export type BurstEnd =
  | { kind: 'window' | 'lines' | 'bytes' | 'lag' | 'memory' | 'guard' | 'aborted' }
  /** The node answered with an error: its first word, and whether to AUTH. */
  | { kind: 'refused'; code: string; toAuth: boolean }
  /** A system error's code (`ECONNREFUSED`), a TLS error's, `timeout`, or `closed`. */
  | { kind: 'failed'; code: string }

export type BurstResult = {
  end: BurstEnd
  /** From the node's OK to the end of its stream, milliseconds; 0 when it never monitored. */
  windowMs: number
  /** Commands that we sent, by the name of commandstats; empty when it never connected. */
  sent: string[]
  /** The commands of `sent` that the node refused, MONITOR and AUTH left out. */
  refused: string[]
}

export type Burst = {
  done: Promise<BurstResult>
  /** Of the connection, as CLIENT LIST has it; null until it is known. */
  readonly clientId: number | null
  readonly isOpen: boolean
  /** Ends it at once; `done` still settles. */
  abort(kind?: 'aborted' | 'memory' | 'guard'): void
}

type BurstReader = Pick<StreamEngine, 'input' | 'begin' | 'feed' | 'end' | 'state' | 'counts'>

/**
 * @param now epoch milliseconds: when what is read arrived
 * @param onSent its commands, by the names of commandstats, are on their way: the node counts them from now on
 */
export function startBurst(
  connection: MonitorConnection,
  engine: BurstReader,
  session: Omit<ParserSession, 'replies'>,
  stops: BurstStops,
  now: () => number,
  opening: BurstOpening = { limited: false, named: false },
  onSent: (names: string[], bytes: number) => void = () => {},
): Burst {
  const { promise, resolve } = Promise.withResolvers<BurstResult>()
  const commands = openingCommands(connection, opening)
  const request = Buffer.concat(commands.map(({ words }) => encodeCommand(...words)))
  const prelude = new Prelude(commands.length - 1)
  let sent = false
  let openedAt: number | null = null
  let closedAt = 0
  let end: BurstEnd | null = null
  /** The window is over, and what the server still sends is read. */
  let isDraining = false
  let lagTimer: NodeJS.Timeout | null = null
  let timer = setTimeout(() => finish({ kind: 'failed', code: 'timeout' }), CONNECT_TIMEOUT_MS)
  engine.begin({ ...session, replies: 1 })

  const socket = openSocket(connection, engine.input, read, () => {
    sent = true
    socket.write(request)
    onSent(
      commands.map(({ name }) => name),
      request.length,
    )
  })
  socket.on('error', (error: NodeJS.ErrnoException) => finish(ended(error.code ?? 'unknown')))
  socket.on('end', () => finish(ended('closed')))
  socket.on('close', () => {
    finish(ended('closed'))
    settle()
  })
  return {
    done: promise,
    get clientId() {
      return prelude.replies.find(({ id }) => id !== null)?.id ?? null
    },
    get isOpen() {
      return openedAt !== null && end === null
    },
    abort: (kind = 'aborted') => finish({ kind }),
  }

  function read(chunk: Uint8Array): void {
    if (end !== null) return
    const stream = prelude.feed(chunk)
    if (prelude.isForeign) finish({ kind: 'refused', code: '?', toAuth: false })
    if (stream.length === 0 || prelude.isForeign) return
    engine.feed(stream, now())
    if (openedAt === null) {
      const { state } = engine
      if (state.kind === 'pending') return
      if (state.kind === 'refused') {
        finish(refusalOf(state.code))
        return
      }
      open()
    }
    if (engine.counts.lines >= stops.maxLines) finish({ kind: 'lines' })
    else if (engine.counts.bytes >= stops.maxBytes) finish({ kind: 'bytes' })
  }

  /** A server without a password objects to AUTH, and then monitors all the same: only with MONITOR's it counts. */
  function refusalOf(code: string): BurstEnd {
    const toAuth = commands[0]?.name === 'auth' ? (prelude.replies[0]?.error ?? null) : null
    return { kind: 'refused', code: toAuth ?? code, toAuth: toAuth !== null }
  }

  function open(): void {
    openedAt = performance.now()
    clearTimeout(timer)
    timer = setTimeout(drain, stops.windowMs)
    let expected = openedAt + LAG_CHECK_MS
    lagTimer = setInterval(() => {
      const at = performance.now()
      if (at - expected > stops.maxLagMs) finish({ kind: 'lag' })
      expected = at + LAG_CHECK_MS
    }, LAG_CHECK_MS)
  }

  function drain(): void {
    isDraining = true
    if (lagTimer !== null) clearInterval(lagTimer)
    socket.end()
    timer = setTimeout(() => finish({ kind: 'window' }), DRAIN_MS)
  }

  /** The server closes its end: as it was to, or by itself. */
  function ended(code: string): BurstEnd {
    return isDraining ? { kind: 'window' } : { kind: 'failed', code }
  }

  function finish(reason: BurstEnd): void {
    if (end !== null) return
    end = reason
    closedAt = performance.now()
    clearTimeout(timer)
    if (lagTimer !== null) clearInterval(lagTimer)
    engine.end()
    timer = setTimeout(settle, CLOSE_TIMEOUT_MS)
    socket.destroy()
  }

  function settle(): void {
    clearTimeout(timer)
    resolve({
      end: end ?? { kind: 'failed', code: 'closed' },
      windowMs: openedAt === null ? 0 : closedAt - openedAt,
      sent: sent ? commands.map(({ name }) => name) : [],
      refused: commands
        .filter(({ name }, index) => name !== 'auth' && prelude.replies[index]?.error != null)
        .map(({ name }) => name),
    })
  }
}

function openingCommands(
  { username, password }: MonitorConnection,
  { limited, named }: BurstOpening,
): { name: string; words: string[] }[] {
  const auth = password === null ? [] : [username === null ? [password] : [username, password]]
  return [
    ...auth.map((words) => ({ name: 'auth', words: ['AUTH', ...words] })),
    ...(limited
      ? [
          { name: 'hello', words: ['HELLO', '3', 'SETNAME', NAME] },
          { name: 'subscribe', words: ['SUBSCRIBE', NAME] },
        ]
      : named
        ? [
            { name: 'client|setname', words: ['CLIENT', 'SETNAME', NAME] },
            { name: 'client|id', words: ['CLIENT', 'ID'] },
          ]
        : []),
    { name: 'monitor', words: ['MONITOR'] },
  ]
}

/** A plain socket is read straight into the engine's memory; TLS brings buffers of its own. */
function openSocket(
  connection: MonitorConnection,
  input: Uint8Array,
  onChunk: (chunk: Uint8Array) => void,
  onOpen: () => void,
): net.Socket {
  const target = { host: connection.host, port: connection.port, noDelay: true }
  if (connection.tls !== null) {
    return tls.connect({ ...connection.tls, ...target }, onOpen).on('data', onChunk)
  }
  const callback = (bytes: number, buffer: Uint8Array) => {
    onChunk(buffer.subarray(0, bytes))
    return true
  }
  return net.connect({ ...target, onread: { buffer: input, callback } }, onOpen)
}
