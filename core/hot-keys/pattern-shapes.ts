/**
 * A key as what its shape is learned from: levels (`:user`, `:42`, `}:cart`), with numbers, dates, UUIDs and other
 * generated parts as variables already. Bytes that are not UTF-8 are carried through and written as \xHH at the end.
 */
import { formatKey } from '../key-text.ts'

/** Stands for any characters. Half a surrogate pair: no key that is text has one. */
export const ANY = '\ud800'
/** A key has no more levels than this: what is behind the last is part of it. */
export const MAX_LEVELS = 12
const BYTE = 0xdc00

/** What separates a level from the one before, with it. */
export type Level = { separator: string; text: string }

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** @param isCut the key goes on: what its last level is cannot be told */
export function levelsOf(key: Uint8Array, isCut: boolean): Level[] {
  const text = withoutGenerated(decode(key))
  const levels = split(text, separatorsOf(text))
  const last = levels.at(-1)
  if (isCut && last !== undefined) last.text = ANY
  return levels
}

export function textOf(levels: readonly Level[]): string {
  let text = ''
  for (const level of levels) text += level.separator + level.text
  return text
}

/** A shape's text for reading. */
export function formatShape(text: string): string {
  return text
    .split(new RegExp(`${ANY}+`))
    .map((part) => formatKey(encode(part)))
    .join('*')
}

/** A level with the digits that end its words as variables: `user12` is `user*`. */
export function withoutDigits(text: string): string {
  return DIGIT.test(text) ? text.replace(/\d+/g, ANY) : text
}

function decode(key: Uint8Array): string {
  // Nearly all keys: the decoder's call costs more than the letters.
  let ascii = ''
  let at = 0
  for (let byte = key[0]; byte !== undefined && byte < 0x80; byte = key[++at])
    ascii += String.fromCharCode(byte)
  if (at === key.length) return ascii
  try {
    return decoder.decode(key)
  } catch {
    let text = ''
    for (const byte of key) text += String.fromCharCode(byte < 0x80 ? byte : BYTE + byte)
    return text
  }
}

function encode(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text)
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 0xff)
}

const DIGIT = /\d/
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
const TIME = /\d{4}-\d\d-\d\d(?:[T_ ]\d\d[:.]?\d\d(?:[:.]?\d\d(?:\.\d+)?)?Z?)?(?!\d)/g
const WORD = /[0-9A-Za-z]+/g

function withoutGenerated(text: string): string {
  if (!DIGIT.test(text)) return text
  const plain = text.includes('-') ? text.replace(UUID, ANY).replace(TIME, ANY) : text
  return plain.replace(WORD, (word) => (isGenerated(word) ? ANY : word))
}

/** Numbers, hexadecimal digests, and what mixes digits and letters as no name does. */
function isGenerated(word: string): boolean {
  if (!DIGIT.test(word)) return false
  if (/^\d+$/.test(word)) return true
  if (word.length >= 8 && /^(?:[0-9a-f]+|[0-9A-F]+)$/.test(word)) return true
  const changes = (word.match(/\d+/g) ?? []).length
  return (changes >= 3 && word.length >= 6) || (changes >= 2 && word.length >= 16) || word.length >= 20
}

const USUAL = /[:/|#{}]+/g
const NONE = /$^/g
const others = new Map(
  [...'-._,;=&?@~+ '].map((one) => [one, new RegExp(`[${one === '-' ? '\\-' : one}]+`, 'g')]),
)

/** Where none of the usual ones is, the first of the others that the key has. */
function separatorsOf(text: string): RegExp {
  if (text.search(USUAL) >= 0) return USUAL
  const first = /[-._,;=&?@~+ ]/.exec(text)?.[0]
  return (first === undefined ? undefined : others.get(first)) ?? NONE
}

function split(text: string, separators: RegExp): Level[] {
  const levels: Level[] = []
  let separator = ''
  let from = 0
  for (const match of text.matchAll(separators)) {
    if (levels.length === MAX_LEVELS - 1) break
    if (match.index > from || from > 0) levels.push({ separator, text: text.slice(from, match.index) })
    separator = match[0]
    from = match.index + match[0].length
  }
  levels.push({ separator, text: levels.length === MAX_LEVELS - 1 ? ANY : text.slice(from) })
  return levels
}
