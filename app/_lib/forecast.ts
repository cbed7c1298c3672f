/** The shards of a forecast: those whose load moves, and those that carry the most. Pure. */
import type { ShardLoad } from '../../core/mitigations/measures.ts'

const MAX_ROWS = 12
const SHOWN_OF_MANY = 8

export type ForecastRow = { shardId: number; ordinal: number; before: number | null; after: number | null }

/** @returns at most a dozen rows by ordinal, how many are left out with less load and with one that is unknown, and the highest figure */
export function forecastRows(
  before: ShardLoad[],
  after: ShardLoad[] | null,
): { rows: ForecastRow[]; others: number; unknown: number; maxOpsPerSec: number } {
  const afterOf = new Map(after?.map(({ shardId, opsPerSec }) => [shardId, opsPerSec]))
  const rows = before.map(({ shardId, ordinal, opsPerSec }) => ({
    shardId,
    ordinal,
    before: opsPerSec,
    after: afterOf.get(shardId) ?? null,
  }))
  const ranked = rows.toSorted((a, b) => weight(b) - weight(a))
  const shown = rows.length <= MAX_ROWS ? rows.length : SHOWN_OF_MANY
  const left = ranked.slice(shown)
  const unknown = left.filter(isUnknown).length
  return {
    rows: ranked.slice(0, shown).toSorted((a, b) => a.ordinal - b.ordinal),
    others: left.length - unknown,
    unknown,
    maxOpsPerSec: rows.reduce((high, row) => Math.max(high, row.before ?? 0, row.after ?? 0), 0),
  }
}

const isUnknown = ({ before, after }: ForecastRow): boolean => before === null && after === null

/** What is unknown gives way to every figure. */
function weight({ before, after }: ForecastRow): number {
  return Math.max(before ?? -1, after ?? -1)
}
