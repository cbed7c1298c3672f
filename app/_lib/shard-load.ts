import type { Shard } from '../../core/model.ts'
import { formatRate, formatShare, formatTimes } from './format.ts'

export type ShardLoadRow = {
  shardId: number
  ordinal: number
  opsPerSec: number | null
  loadShare: number | null
  /** Its load ÷ the mean of the shards that are known; null where either is unknown. */
  overMean: number | null
  hottest: boolean
}
export type ShardLoads = { rows: ShardLoadRow[]; meanOpsPerSec: number | null; maxOpsPerSec: number }

/** The load of every shard beside the mean, in the order of their ordinals. */
export function shardLoads(shards: Shard[]): ShardLoads {
  const known = shards.map((shard) => shard.opsPerSec).filter((ops) => ops !== null)
  const mean = known.length === 0 ? null : known.reduce((total, ops) => total + ops, 0) / known.length
  const max = known.reduce((high, ops) => Math.max(high, ops), 0)
  const hottestId = max > 0 ? shards.find((shard) => shard.opsPerSec === max)?.shardId : undefined
  const rows = shards
    .toSorted((a, b) => a.ordinal - b.ordinal)
    .map(({ shardId, ordinal, opsPerSec, loadShare }) => ({
      shardId,
      ordinal,
      opsPerSec,
      loadShare,
      overMean: opsPerSec === null || !mean ? null : opsPerSec / mean,
      hottest: shardId === hottestId && shards.length > 1,
    }))
  return { rows, meanOpsPerSec: mean, maxOpsPerSec: max }
}

/** A shard's load in one sentence, for those who cannot see its column. */
export function shardLoadText({ ordinal, opsPerSec, loadShare, overMean }: ShardLoadRow): string {
  if (opsPerSec === null) return `Shard ${ordinal}: its load is unknown`
  const parts = [formatRate(opsPerSec)]
  if (loadShare !== null) parts.push(`${formatShare(loadShare)} of the load`)
  if (overMean !== null) parts.push(`${formatTimes(overMean)} the mean`)
  return `Shard ${ordinal}: ${parts.join(', ')}`
}
