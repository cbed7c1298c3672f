/** Figures of a cache that a single shard or a cache without replicas does not have. Pure. */
import type { Cache } from '../../core/model.ts'
import { formatDuration, formatTimes, UNKNOWN } from './format.ts'

type Counts = Pick<Cache, 'nodeCount' | 'shardCount'>

/** The busiest shard against the mean; before its shards are known, nothing is. */
export function skewText({
  shardCount,
  hottestOverMean,
}: Pick<Cache, 'shardCount' | 'hottestOverMean'>): string {
  if (shardCount === 0) return UNKNOWN
  return shardCount > 1 ? formatTimes(hottestOverMean) : 'one shard'
}

/** Of the replica that is furthest behind. */
export function worstLagText(cache: Counts & Pick<Cache, 'worstLagSeconds'>): string {
  if (cache.shardCount === 0) return UNKNOWN
  return isReplicated(cache) ? formatDuration(cache.worstLagSeconds) : 'no replica'
}

export function isReplicated({ nodeCount, shardCount }: Counts): boolean {
  return nodeCount > shardCount
}
