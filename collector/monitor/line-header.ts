/** The part of a MONITOR line between its `+` and its first quote: `<sec>.<µs> [<db> <address>] `. */

/** A Unix socket's path has at most 108 bytes. */
export const MAX_HEADER_BYTES = 512

export type LineHeader = { db: number; addressStart: number; addressEnd: number }

/** Fills `header` and says whether it is one. An address may hold any byte but a quote: it ends at the last `] `. */
export function parseHeader(bytes: Uint8Array, length: number, header: LineHeader): boolean {
  let at = skipDigits(bytes, 0, length)
  if (at === 0 || bytes[at] !== 46) return false
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

function skipDigits(bytes: Uint8Array, from: number, length: number): number {
  let at = from
  while (at < length && (bytes[at] as number) >= 48 && (bytes[at] as number) <= 57) at++
  return at
}
