/**
 * A key for reading, and a key in a URL. Keys are any bytes: what is printable UTF-8 stays as it is, everything that
 * could hide, reorder or break a line is escaped, so two different keys never read the same.
 */

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Control and format characters (bidi controls, zero-width), line separators, unassigned and private ones, and all
 * spaces but the plain one.
 */
const UNPRINTABLE = /^[\p{C}\p{Zl}\p{Zp}]$|^(?! )\p{Zs}$/u

const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Printable UTF-8 stays; a backslash is doubled; the rest is `\n`, `\r`, `\t` or `\xHH` for each byte. */
export function formatKey(bytes: Uint8Array): string {
  let text: string
  try {
    text = strictDecoder.decode(bytes)
  } catch {
    return formatMixed(bytes)
  }
  return formatText(text)
}

function formatText(text: string): string {
  let out = ''
  for (const character of text) {
    out += ESCAPES[character] ?? (UNPRINTABLE.test(character) ? hex(encoder.encode(character)) : character)
  }
  return out
}

/** Valid sequences between invalid bytes stay readable. */
function formatMixed(bytes: Uint8Array): string {
  let out = ''
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    const sequence = bytes.subarray(at, at + Math.max(1, length))
    out += length === 0 ? hex(sequence) : formatText(strictDecoder.decode(sequence))
    at += sequence.length
  }
  return out
}

/** The length of the valid UTF-8 sequence that begins at `at`; 0 where none does. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  if (length < 2) return length
  if (at + length > bytes.length) return 0
  try {
    strictDecoder.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}

function hex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += `\\x${byte.toString(16).padStart(2, '0')}`
  return out
}

/** base64url without padding: the key, exactly, for a URL. */
export function keyToBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** @returns null where the text is not base64url */
export function keyFromBase64Url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

const PATTERN_ESCAPES: Record<string, number> = { n: 10, r: 13, t: 9 }
const BACKSLASH = 0x5c
const LIKE_SPECIAL: ReadonlySet<number> = new Set([BACKSLASH, 0x25, 0x5f])

/**
 * A glob over keys as a SQL LIKE pattern in bytes: `*` is any run of bytes, `?` any one byte. What formatKey escapes
 * is read back (`\n`, `\\`, `\xHH`), so a key copied from a page matches itself; `\*` and `\?` are literal.
 */
export function globToLike(glob: string): Uint8Array {
  const like: number[] = []
  const literal = (byte: number) => {
    if (LIKE_SPECIAL.has(byte)) like.push(BACKSLASH)
    like.push(byte)
  }
  for (const token of glob.match(/\\x[0-9a-fA-F]{2}|\\[\s\S]|[\s\S]/gu) ?? []) {
    if (token === '*') like.push(0x25)
    else if (token === '?') like.push(0x5f)
    else if (/^\\x../.test(token)) literal(Number.parseInt(token.slice(2), 16))
    else if (token.length > 1 && token.startsWith('\\')) {
      const escaped = token.slice(1)
      const byte = PATTERN_ESCAPES[escaped]
      if (byte === undefined) for (const each of encoder.encode(escaped)) literal(each)
      else literal(byte)
    } else for (const each of encoder.encode(token)) literal(each)
  }
  return Uint8Array.from(like)
}
