/** The part of a MONITOR line between its `+` and its first quote: `<sec>.<µs> [<db> <address>] `. */

/** A Unix socket's path has at most 108 bytes. */
export const MAX_HEADER_BYTES = 512

export type LineHeader = { db: number; addressStart: number; addressEnd: number }

/** Fills `header` and says whether `bytes[from, length)` is one: its address ends at the last `] `, whatever is in it. */
export function parseHeader(bytes: Uint8Array, from: number, length: number, header: LineHeader): boolean {
  let at = skipDigits(bytes, from, length)
  if (at === from || bytes[at] !== 46) return false
  const micros = skipDigits(bytes, at + 1, length)
  if (micros === at + 1 || bytes[micros] !== 32 || bytes[micros + 1] !== 91) return false
  at = micros + 2
  const dbEnd = skipDigits(bytes, at, length)
  if (dbEnd === at || dbEnd - at > 9 || bytes[dbEnd] !== 32) return false
  if (length < dbEnd + 3 || bytes[length - 1] !== 32 || bytes[length - 2] !== 93) return false
  let db = 0
  for (; at < dbEnd; at++) db = db * 10 + (bytes[at] as number) - 48
  header.db = db
  header.addressStart = dbEnd + 1
  header.addressEnd = length - 2
  return true
}

/**
 * Of a line that begins at `from` with a `+`: where its first quote stands, or -1 where the chunk does not show it
 * or the line does not begin as all do. Then it is to be read byte by byte.
 */
export function findQuote(chunk: Uint8Array, from: number): number {
  // `+1700000000.123456 [`: where those are, and parseHeader finds digits between them, no quote stands before.
  if (chunk[from + 11] !== 46 || chunk[from + 18] !== 32 || chunk[from + 19] !== 91) return -1
  const end = Math.min(chunk.length, from + MAX_HEADER_BYTES)
  for (let at = from + 20; at < end; at++) {
    const byte = chunk[at]
    if (byte === 34) return at
    if (byte === 10) return -1
  }
  return -1
}

function skipDigits(bytes: Uint8Array, from: number, length: number): number {
  let at = from
  while (at < length && (bytes[at] as number) >= 48 && (bytes[at] as number) <= 57) at++
  return at
}
