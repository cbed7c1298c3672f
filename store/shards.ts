/** The shards of a cache, with their nodes and their share of the load. */
import type { Shard } from '../core/model.ts'
import { summarizeShards } from '../core/summary.ts'
import type { Store } from './client.ts'
import { readFleet } from './fleet.ts'

/**
 * In the order of their ordinals; none for a cache that is not known.
 * @throws CachescopeError store-unreachable
 */
export async function listShards(store: Store, cacheId: string, now: number): Promise<Shard[]> {
  const cache = (await readFleet(store, cacheId, now))[0]
  return cache === undefined ? [] : summarizeShards(cache, now)
}
