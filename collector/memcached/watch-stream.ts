/** A connection in Memcached's watch mode, until it is closed: it always settles, and never throws. */
import { connect } from 'node:net'
import { type MemcachedFailure, silent, socketFailure, watchRefusal } from './failure.ts'
import type { MemcachedPlace } from './memcached-connection.ts'
import { type WatchHandler, WatchLines } from './watch-lines.ts'

const OPEN_TIMEOUT_MS = 2_000
const REQUEST = 'watch fetchers mutations\r\n'

export type WatchResult = {
  /** null: it was closed by us. */
  failure: MemcachedFailure | null
  /** From the server's OK to the end, milliseconds; 0 when it never watched. */
  windowMs: number
  /** Sent and received; 0 when it never connected. */
  bytes: number
}
export type WatchStream = {
  done: Promise<WatchResult>
  /** By the monotonic clock; null before the server's OK. */
  readonly openedAt: number | null
  /** Sent and received so far. */
  readonly bytes: number
  close(): void
}

/** @param onOpen the server said OK */
export function openWatchStream(
  place: MemcachedPlace,
  handler: WatchHandler,
  onOpen: () => void,
): WatchStream {
  const { promise, resolve } = Promise.withResolvers<WatchResult>()
  const { host, port, address } = place
  const lines = new WatchLines(handler)
  let openedAt: number | null = null
  let isSettled = false
  let bytes = 0
  const socket = connect({ host, port, noDelay: true, keepAlive: true })
  const timer = setTimeout(() => finish(silent(address)), OPEN_TIMEOUT_MS)
  socket.once('connect', () => {
    bytes += REQUEST.length
    socket.write(REQUEST)
  })
  socket.on('data', (chunk: Buffer) => {
    if (isSettled) return
    bytes += chunk.length
    lines.feed(chunk)
    if (openedAt !== null) return
    const { opening } = lines
    if (opening.kind === 'refused') finish(watchRefusal(opening.line, address))
    else if (opening.kind === 'open') {
      clearTimeout(timer)
      openedAt = performance.now()
      onOpen()
    }
  })
  socket.on('error', (error: NodeJS.ErrnoException) => finish(socketFailure(error.code, address)))
  socket.on('close', () => finish(socketFailure('ECONNRESET', address)))
  return {
    done: promise,
    get openedAt() {
      return openedAt
    },
    get bytes() {
      return bytes
    },
    close: () => finish(null),
  }

  function finish(failure: MemcachedFailure | null): void {
    if (isSettled) return
    isSettled = true
    clearTimeout(timer)
    socket.destroy()
    resolve({ failure, windowMs: openedAt === null ? 0 : performance.now() - openedAt, bytes })
  }
}
