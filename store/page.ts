/** Cursor paging: a cursor is where the last page ended, so rows that arrive meanwhile neither repeat nor shift. */
import { CachescopeError } from '../core/errors.ts'

export type Page<T> = { items: T[]; nextCursor: string | null }

function encodeCursor(position: (number | string)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/**
 * @returns the position, `length` whole or decimal numbers as text; null without a cursor
 * @throws CachescopeError invalid-parameter
 */
export function decodeCursor(cursor: string | undefined, length: number): string[] | null {
  if (cursor === undefined) return null
  let position: unknown
  try {
    position = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw malformed()
  }
  if (!Array.isArray(position) || position.length !== length) throw malformed()
  const texts = position.map(String)
  if (!texts.every((text) => /^-?\d{1,19}(\.\d{1,20})?(e[+-]?\d{1,2})?$/.test(text))) throw malformed()
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
