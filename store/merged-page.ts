/** Pages of lists that are merged here and not in the database, with the same cursors. */
import { createHash } from 'node:crypto'
import { decodeCursor, type Page, toPage } from './page.ts'

const MAX_RANK = 1_000_000_000

/** Where an item stands: those with a figure first, by it, then by rank. */
export type Place = { figure: number | null; rank: number; name: string }

/** @throws CachescopeError invalid-parameter (cursor) */
export function pageByPlace<T>(
  items: readonly T[],
  options: { limit: number; cursor?: string; placeOf: (item: T) => Place },
): Page<T> {
  const after = decodeCursor(options.cursor, ['int4', 'real', 'int4', 'int4'])?.map(Number) ?? null
  const rows = items
    .map((item) => ({ item, position: positionOf(options.placeOf(item)) }))
    .sort((a, b) => compare(b.position, a.position))
    .filter(({ position }) => after === null || compare(position, after) < 0)
  return toPage(
    rows,
    options.limit,
    ({ item }) => item,
    ({ position }) => position,
  )
}

/** Numbers that are not negative, as a cursor holds them; the name's digest tells equals apart. */
function positionOf({ figure, rank, name }: Place): number[] {
  const digest = createHash('sha256').update(name).digest().readUInt32BE() >>> 1
  return [figure === null ? 0 : 1, figure ?? 0, MAX_RANK - rank, digest]
}

function compare(a: number[], b: number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
