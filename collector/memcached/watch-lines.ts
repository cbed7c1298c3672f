/**
 * The stream of Memcached's `watch fetchers mutations`, in chunks cut anywhere, as events. Keys come as they are
 * written there: URI-encoded. Values are not in the stream.
 */

export type WatchEvent = {
  /** Epoch milliseconds by the server's clock. */
  at: number
  /** Grows with every line that the server writes; lines of several workers come out of order. */
  gid: number
  kind: 'get' | 'store'
  /** URI-encoded, of bytes. */
  key: string
  /** `found`, `not_found`, `flushed`, `expired`; of a store `stored`, `not_stored`, `exists`, `not_found`, … */
  status: string
  /** The connection's number within the server; null where the version does not tell. */
  connection: number | null
  /** Of a store: `set`, `add`, `replace`, `append`, `prepend`, `cas`. */
  command: string | null
  /** The value's bytes; null where the version does not tell. */
  sizeBytes: number | null
}

export type WatchHandler = {
  onEvent(event: WatchEvent): void
  /** So many lines were left out of our stream, for we or the network were too slow. */
  onSkipped(count: number): void
}

export type WatchOpening = { kind: 'pending' } | { kind: 'open' } | { kind: 'refused'; line: string }

/** A key has at most 250 bytes, so a line has at most about 900. */
const MAX_LINE = 4_096
/** The microseconds are not padded: `.80760` is 80,760 of them. */
const EVENT = /^ts=(\d+)\.(\d{1,6}) gid=(\d+) type=(item_get|item_store) key=(\S*) status=(\w+)(.*)$/
const SKIPPED = /^\[?skipped[=:] ?(\d+)/
const FIELD = / (cfd|size|cmd)=(\w+)/g

export class WatchLines {
  opening: WatchOpening = { kind: 'pending' }
  /** Lines that are no event and nothing else that is known. */
  malformed = 0
  readonly #handler: WatchHandler
  #carry = ''
  #skipsLine = false

  constructor(handler: WatchHandler) {
    this.#handler = handler
  }

  /** Never throws on what the bytes are. */
  feed(chunk: Buffer): void {
    const text = this.#carry + chunk.toString('latin1')
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const line = text.slice(from, text.charCodeAt(end - 1) === 13 ? end - 1 : end)
      from = end + 1
      if (this.#skipsLine) this.#skipsLine = false
      else this.#line(line)
    }
    this.#carry = text.slice(from)
    if (this.#carry.length <= MAX_LINE) return
    this.#carry = ''
    if (!this.#skipsLine) this.malformed++
    this.#skipsLine = true
  }

  #line(line: string): void {
    if (this.opening.kind === 'pending') {
      this.opening = line === 'OK' ? { kind: 'open' } : { kind: 'refused', line: line.slice(0, 120) }
      return
    }
    if (this.opening.kind === 'refused') return
    const event = parseWatchEvent(line)
    if (event !== null) {
      this.#handler.onEvent(event)
      return
    }
    const skipped = SKIPPED.exec(line)
    if (skipped) this.#handler.onSkipped(Number(skipped[1]))
    // Newer versions have more kinds of lines than were asked for.
    else if (!/^ts=\d+\.\d+ gid=\d+ type=\w+/.test(line)) this.malformed++
  }
}

/** @returns null for a line of another kind */
export function parseWatchEvent(line: string): WatchEvent | null {
  const match = EVENT.exec(line)
  if (match === null) return null
  const [, seconds, micros, gid, type, key = '', status = '', rest = ''] = match
  const event: WatchEvent = {
    at: Number(seconds) * 1_000 + Number(micros) / 1_000,
    gid: Number(gid),
    kind: type === 'item_get' ? 'get' : 'store',
    key,
    status,
    connection: null,
    command: null,
    sizeBytes: null,
  }
  for (const [, name, value = ''] of rest.matchAll(FIELD)) {
    if (name === 'cfd') event.connection = Number(value)
    else if (name === 'size') event.sizeBytes = Number(value)
    else event.command = value
  }
  return event
}

/** The bytes of a key as the stream writes it. A percent sign that is not one of the encoding stands for itself. */
export function decodeKey(encoded: string): Buffer {
  if (!encoded.includes('%')) return Buffer.from(encoded, 'latin1')
  const text = encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(text, 'latin1')
}
