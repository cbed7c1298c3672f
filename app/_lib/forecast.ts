/** The shards of a forecast: those whose load moves, and those that carry the most. Pure. */
import type { ShardLoad } from '../../core/mitigations/measures.ts'

const MAX_ROWS = 12
const SHOWN_OF_MANY = 8

export type ForecastRow = { shardId: number; ordinal: number; before: number | null; after: number | null }

/** @returns at most a dozen rows by ordinal, how many are left out, and the highest figure of all */
export function forecastRows(
  before: ShardLoad[],
  after: ShardLoad[] | null,
): { rows: ForecastRow[]; others: number; maxOpsPerSec: number } {
  const afterOf = new Map(after?.map(({ shardId, opsPerSec }) => [shardId, opsPerSec]))
  const rows = before.map(({ shardId, ordinal, opsPerSec }) => ({
    shardId,
    ordinal,
    before: opsPerSec,
    after: afterOf.get(shardId) ?? null,
  }))
  const kept =
    rows.length <= MAX_ROWS ? rows : rows.toSorted((a, b) => weight(b) - weight(a)).slice(0, SHOWN_OF_MANY)
  return {
    rows: kept.toSorted((a, b) => a.ordinal - b.ordinal),
    others: rows.length - kept.length,
    maxOpsPerSec: rows.reduce((high, row) => Math.max(high, row.before ?? 0, row.after ?? 0), 0),
  }
}

function weight({ before, after }: ForecastRow): number {
  return Math.max(before ?? 0, after ?? 0)
}
