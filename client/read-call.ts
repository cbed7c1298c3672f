/** A read as the application called it: `get(key)`, `hgetBuffer(key, field, callback)`, `call('get', [key])`. */

export type Callback = (error: unknown, value?: unknown) => void

export type ReadCall = {
  /** Of the client: `get`, `getBuffer`, `call`, … */
  readonly method: string
  /** Flat, without the callback. */
  readonly args: unknown[]
  /** Where the key stands in `args`. */
  readonly keyAt: number
  readonly callback: Callback | undefined
}

const MAX_ID_LENGTH = 2_048

export const isCallback = (value: unknown): value is Callback => typeof value === 'function'

/** Names a reply by its method and arguments, never two by one name; null for arguments that are not plain values. */
export function nameCall(call: ReadCall): string | null {
  let id = call.method
  for (const [at, arg] of call.args.entries()) {
    if (at === call.keyAt) continue
    const text = textOf(arg)
    if (text === null) return null
    id += ` ${text.length}:${text}`
    if (id.length > MAX_ID_LENGTH) return null
  }
  return id
}

/** Text and bytes are told apart, even where they are the same argument to the server. */
function textOf(arg: unknown): string | null {
  if (typeof arg === 'string') return `s${arg}`
  if (typeof arg === 'number' || typeof arg === 'bigint' || typeof arg === 'boolean') return `s${String(arg)}`
  if (arg === null || arg === undefined) return 's'
  return arg instanceof Buffer ? `b${arg.toString('latin1')}` : null
}

/** What a key that is not there gives, or a field of one: which of them cannot be told from the reply. */
export function isEmptyReply(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === false) return true
  if (value === 0 || value === -1) return true
  if (value instanceof Buffer) return value.length === 0
  if (Array.isArray(value)) return value.every(isEmptyReply)
  if (value instanceof Map || value instanceof Set) return value.size === 0
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** As standard-as-callback, which ioredis uses: what the callback throws is thrown later, out of the promise. */
export function asCallback(reading: Promise<unknown>, callback: Callback | undefined): Promise<unknown> {
  if (callback === undefined) return reading
  const tell = (...result: [unknown, unknown?]) => {
    try {
      callback(...result)
    } catch (error) {
      setTimeout(() => {
        throw error
      }, 0)
    }
  }
  reading.then(
    (value) => (value === undefined ? tell(null) : tell(null, value)),
    (error: unknown) => tell(error),
  )
  return reading
}
