/** Cursor paging: a cursor is where the last page ended, so rows that arrive meanwhile neither repeat nor shift. */
import { CachescopeError } from '../core/errors.ts'

export type Page<T> = { items: T[]; nextCursor: string | null }

function encodeCursor(position: (number | string)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

const INT4_MAX = 2_147_483_647
const INT8_MAX = 9_223_372_036_854_775_807n
/** The end of the year 9999, which every client can write. */
const TIME_MAX = 253_402_300_799_999
/** What a real of PostgreSQL holds at its full precision. */
const REAL_MIN = 1.2e-38
const REAL_MAX = 3.4e38

/** What a part of a cursor may be: epoch ms, ids, and a figure that is not negative. */
const PARTS = {
  time: (text: string) => isWhole(text) && Number(text) <= TIME_MAX,
  int4: (text: string) => isWhole(text) && Number(text) <= INT4_MAX,
  int8: (text: string) => isWhole(text) && BigInt(text) <= INT8_MAX,
  real: (text: string) => {
    const value = /^\d{1,39}(\.\d{1,60})?(e[+-]?\d{1,2})?$/.test(text) ? Number(text) : Number.NaN
    return value === 0 || (value >= REAL_MIN && value <= REAL_MAX)
  },
}
type CursorPart = keyof typeof PARTS

function isWhole(text: string): boolean {
  return /^(0|[1-9]\d{0,18})$/.test(text)
}

/**
 * @returns the position, each part as text that its type in PostgreSQL can hold; null without a cursor
 * @throws CachescopeError invalid-parameter
 */
export function decodeCursor(cursor: string | undefined, parts: CursorPart[]): string[] | null {
  if (cursor === undefined) return null
  let position: unknown
  try {
    position = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw malformed()
  }
  if (!Array.isArray(position) || position.length !== parts.length) throw malformed()
  const texts = position.map((value) =>
    typeof value === 'number' || typeof value === 'string' ? String(value) : '',
  )
  if (!parts.every((part, index) => PARTS[part](texts[index] as string))) throw malformed()
  return texts
}

function malformed(): CachescopeError {
  return new CachescopeError(
    'invalid-parameter',
    'cursor is not one that this server gave out. Leave it out to begin at the first page.',
    { where: 'cursor' },
  )
}

/** Cuts the row that was asked for beyond the limit, and points the cursor at the last one kept. */
export function toPage<Row, T>(
  rows: Row[],
  limit: number,
  toItem: (row: Row) => T,
  position: (row: Row) => (number | string)[],
): Page<T> {
  const kept = rows.slice(0, limit)
  const last = kept.at(-1)
  return {
    items: kept.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null,
  }
}
