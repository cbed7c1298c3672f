/**
 * The replies that come before MONITOR's own: of AUTH, HELLO, CLIENT and SUBSCRIBE. Of a reply only its first word
 * and, for HELLO and CLIENT ID, a number is kept: the rest can repeat what was sent, and that was a password.
 */

/** `error`: the first word of a refusal (`NOPERM`). `id`: the connection's, where the reply tells it. */
export type PreludeReply = { error: string | null; id: number | null }

/** No Redis answers at greater length: HELLO lists the server's modules. */
const MAX_BYTES = 64 * 1024
const LINE_END = Buffer.from('\r\n')

export class Prelude {
  /** One for each reply so far. */
  readonly replies: PreludeReply[] = []
  /** What answers speaks another protocol. */
  isForeign = false
  readonly #expected: number
  #pending = Buffer.alloc(0)

  constructor(expected: number) {
    this.#expected = expected
  }

  get isComplete(): boolean {
    return this.replies.length >= this.#expected
  }

  /** @returns what follows the last reply of the prelude: a part of `chunk`, or a copy of it */
  feed(chunk: Uint8Array): Uint8Array {
    if (this.isComplete) return chunk
    const bytes =
      this.#pending.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#pending, chunk])
    let at = 0
    while (!this.isComplete && !this.isForeign) {
      const reply = readReply(bytes, at)
      if (reply === 'foreign') this.isForeign = true
      if (reply === 'foreign' || reply === null) break
      this.replies.push(reply.value)
      at = reply.end
    }
    if (this.isComplete) {
      this.#pending = Buffer.alloc(0)
      return bytes.subarray(at)
    }
    // A copy: the chunk is the socket's buffer, and the next read overwrites it.
    this.#pending = Buffer.from(bytes.subarray(at))
    if (this.#pending.length > MAX_BYTES) this.isForeign = true
    return new Uint8Array(0)
  }
}

type Read<T> = { value: T; end: number } | 'foreign' | null

function readReply(bytes: Buffer, start: number): Read<PreludeReply> {
  const first = bytes[start]
  if (first === undefined) return null
  const type = String.fromCharCode(first)
  if (!'+-:$*%>~_#,(=|!'.includes(type)) return 'foreign'
  const end = skip(bytes, start)
  if (end === 'foreign' || end === null) return end
  const text = bytes.toString('latin1', start, end.value)
  const error = type === '-' ? (/^-(\S{1,32})/.exec(text)?.[1] ?? '?') : null
  const id = type === ':' ? text.slice(1) : /\$2\r\nid\r\n:(\d+)\r\n/.exec(text)?.[1]
  return {
    value: { error, id: id === undefined || error !== null ? null : Number.parseInt(id, 10) },
    end: end.value,
  }
}

/** @returns where the value that begins at `start` ends */
function skip(bytes: Buffer, start: number): { value: number } | 'foreign' | null {
  const line = bytes.indexOf(LINE_END, start)
  if (line < 0) return bytes.length - start > MAX_BYTES ? 'foreign' : null
  const next = line + LINE_END.length
  const type = String.fromCharCode(bytes[start] ?? 0)
  const count = Number.parseInt(bytes.toString('latin1', start + 1, Math.min(line, start + 12)), 10)
  if ('+-:_#,('.includes(type)) return { value: next }
  if (Number.isNaN(count) || count > MAX_BYTES) return 'foreign'
  if ('$=!'.includes(type)) {
    const end = count < 0 ? next : next + count + LINE_END.length
    return end > bytes.length ? null : { value: end }
  }
  if (!'*%>~|'.includes(type)) return 'foreign'
  let at = next
  for (let left = type === '%' || type === '|' ? count * 2 : count; left > 0; left--) {
    const item = skip(bytes, at)
    if (item === 'foreign' || item === null) return item
    at = item.value
  }
  return { value: at }
}
