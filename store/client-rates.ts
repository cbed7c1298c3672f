/** Commands per second of the clients of caches: what a share of a cache is of. */
import type { CacheRates } from '../core/hot-keys/merge-nodes.ts'
import { query, type Store } from './client.ts'
import { Prisma } from './generated/client.ts'
import { currentSpan } from './hot-key-records.ts'
import { nodeCondition } from './samples.ts'

/** The reports whose shares are added up, and how long one of them counts. */
type Reports = { table: 'hot_key_sample' | 'hot_pattern_sample'; lastsMs?: number }

/**
 * Of every node that is up: the rate that its newest report's shares are of; without one, all its commands. A
 * replica's are mostly those of its primary again, so without a report it adds nothing.
 * @throws CachescopeError store-unreachable
 */
export async function readClientRates(
  store: Store,
  filter: { cacheId?: string },
  now: number,
  { table, lastsMs }: Reports = { table: 'hot_key_sample' },
): Promise<CacheRates> {
  const { after, until } = currentSpan(now, lastsMs)
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ cacheId: string; rate: number }[]>`
      SELECT n.cache_id AS "cacheId",
        sum(coalesce(r.rate, CASE WHEN n.role <> 'replica' THEN s.ops_per_sec END, 0))::double precision AS rate
      FROM node n
      JOIN cache c ON c.cache_id = n.cache_id AND c.removed_at IS NULL
      LEFT JOIN node_sample s ON s.node_id = n.node_id AND s.at = n.sampled_at
      LEFT JOIN LATERAL (
        SELECT ops_per_sec::double precision / share AS rate FROM ${Prisma.raw(table)}
        WHERE node_id = n.node_id AND at >= ${after} AND at <= ${until} AND share > 0
        ORDER BY at DESC, ops_per_sec DESC LIMIT 1
      ) r ON TRUE
      WHERE n.removed_at IS NULL AND n.state = 'up' AND ${nodeCondition('n', { cacheId: filter.cacheId })}
      GROUP BY 1`,
  )
  return new Map(rows.map(({ cacheId, rate }) => [cacheId, rate]))
}
