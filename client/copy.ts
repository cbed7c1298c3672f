/** Replies are given out as copies: what one caller changes, no other one sees. */

const CONTAINER_BYTES = 32
const VALUE_BYTES = 8

/** What cannot change, and may be shared as it is. */
export const isShareable = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function')

/**
 * @returns the bytes of the reply, as they are sent and with a little for each part; null when it has something in it that cannot be
 * copied faithfully
 */
export function measure(value: unknown): number | null {
  if (typeof value === 'string') return Buffer.byteLength(value) + VALUE_BYTES
  if (isShareable(value)) return typeof value === 'symbol' ? null : VALUE_BYTES
  if (value instanceof Buffer) return value.length + CONTAINER_BYTES
  if (Array.isArray(value)) return sum(value)
  if (value instanceof Map) return sum([...value.keys(), ...value.values()])
  if (value instanceof Set) return sum([...value])
  if (!isPlain(value)) return null
  return sum([...Object.keys(value), ...Object.values(value)])
}

/** Of what `measure` has measured. */
export function copy(value: unknown): unknown {
  if (isShareable(value)) return value
  if (value instanceof Buffer) return Buffer.from(value)
  if (Array.isArray(value)) return value.map(copy)
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [copy(key), copy(item)]))
  if (value instanceof Set) return new Set([...value].map(copy))
  const fields = value as Record<string, unknown>
  const copied: Record<string, unknown> = Object.getPrototypeOf(value) === null ? Object.create(null) : {}
  for (const key of Object.keys(fields)) {
    const field = copy(fields[key])
    // Defined, where an assignment would do something else.
    if (key === '__proto__')
      Object.defineProperty(copied, key, {
        ...{ value: field, configurable: true, enumerable: true, writable: true },
      })
    else copied[key] = field
  }
  return copied
}

function sum(values: unknown[]): number | null {
  let bytes = CONTAINER_BYTES
  for (const value of values) {
    const more = measure(value)
    if (more === null) return null
    bytes += more
  }
  return bytes
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
