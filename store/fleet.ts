/** Caches with their shards, nodes and hottest keys: what the fleet's and a cache's summaries are made of. */
import type { CacheKind } from '../core/model.ts'
import type { CacheInput } from '../core/summary.ts'
import { query, type Store } from './client.ts'
import { Prisma } from './generated/client.ts'
import { listHottestKeys } from './hot-keys.ts'
import { listNodes } from './nodes.ts'

/** @throws CachescopeError store-unreachable */
export async function readFleet(
  store: Store,
  cacheId: string | undefined,
  now: number,
): Promise<CacheInput[]> {
  const filter = cacheId === undefined ? {} : { cacheId }
  const [caches, nodes, hottest, down] = await Promise.all([
    query(store, (prisma) =>
      prisma.cache.findMany({
        where: { removedAt: null, ...filter },
        orderBy: { cacheId: 'asc' },
        include: { shards: { where: { removedAt: null }, orderBy: { ordinal: 'asc' } } },
      }),
    ),
    listNodes(store, filter),
    listHottestKeys(store, filter, now),
    readClustersDown(store, cacheId),
  ])
  const nodesOf = Map.groupBy(nodes, (node) => node.shardId)
  const hottestOf = new Map(hottest.map((hottestKey) => [hottestKey.hotKey.shardId, hottestKey]))
  return caches.map((cache) => ({
    cacheId: cache.cacheId,
    kind: cache.kind as CacheKind,
    intervalMs: cache.intervalMs,
    clusterDown: down.get(cache.cacheId) ?? null,
    shards: cache.shards.map((shard) => ({
      shardId: shard.shardId,
      ordinal: shard.ordinal,
      slots: shard.slots as [number, number][] | null,
      nodes: nodesOf.get(shard.shardId) ?? [],
      hottestKey: hottestOf.get(shard.shardId)?.hotKey ?? null,
      hottestKeyOpsPerSec: hottestOf.get(shard.shardId)?.shardOpsPerSec ?? null,
    })),
  }))
}

/** The messages of the clusters that, by the collector that holds them now, do not serve. */
async function readClustersDown(store: Store, cacheId: string | undefined): Promise<Map<string, string>> {
  // A collector that takes a cache over tells anew that it is down, but not that it is well: older news is void.
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ cacheId: string; message: string }[]>`
      SELECT c.cache_id AS "cacheId", e.message
      FROM cache c
      LEFT JOIN lease l ON l.cache_id = c.cache_id
      CROSS JOIN LATERAL (
        SELECT event_id, kind, message FROM event
        WHERE cache_id = c.cache_id AND kind IN ('cluster-down', 'cluster-ok')
        ORDER BY at DESC, event_id DESC LIMIT 1
      ) e
      WHERE c.removed_at IS NULL AND e.kind = 'cluster-down' AND e.event_id > coalesce(l.last_event_id, 0)
        ${cacheId === undefined ? Prisma.empty : Prisma.sql`AND c.cache_id = ${cacheId}`}`,
  )
  return new Map(rows.map((row) => [row.cacheId, row.message]))
}
