/** Caches with their shards, nodes and hottest keys: what the fleet's and a cache's summaries are made of. */
import type { CacheKind } from '../core/model.ts'
import type { CacheInput } from '../core/summary.ts'
import { query, type Store } from './client.ts'
import { listHottestKeys } from './hot-keys.ts'
import { listNodes } from './nodes.ts'

/** @throws CachescopeError store-unreachable */
export async function readFleet(
  store: Store,
  cacheId: string | undefined,
  now: number,
): Promise<CacheInput[]> {
  const filter = cacheId === undefined ? {} : { cacheId }
  const [caches, nodes, hottest] = await Promise.all([
    query(store, (prisma) =>
      prisma.cache.findMany({
        where: { removedAt: null, ...filter },
        orderBy: { cacheId: 'asc' },
        include: { shards: { where: { removedAt: null }, orderBy: { ordinal: 'asc' } } },
      }),
    ),
    listNodes(store, filter, now),
    listHottestKeys(store, filter, now),
  ])
  const nodesOf = Map.groupBy(nodes, (node) => node.shardId)
  const hottestOf = new Map(hottest.map((hotKey) => [hotKey.shardId, hotKey]))
  return caches.map((cache) => ({
    cacheId: cache.cacheId,
    kind: cache.kind as CacheKind,
    intervalMs: cache.intervalMs,
    shards: cache.shards.map((shard) => ({
      shardId: shard.shardId,
      ordinal: shard.ordinal,
      slots: shard.slots as [number, number][] | null,
      nodes: nodesOf.get(shard.shardId) ?? [],
      hottestKey: hottestOf.get(shard.shardId) ?? null,
    })),
  }))
}
