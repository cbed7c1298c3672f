/** Caches with their health and the figures of the whole. */
import type { Cache } from '../core/model.ts'
import { summarizeCache } from '../core/summary.ts'
import type { Store } from './client.ts'
import { readFleet } from './fleet.ts'

/**
 * The configured caches, by name.
 * @throws CachescopeError store-unreachable
 */
export async function listCaches(store: Store, now: number): Promise<Cache[]> {
  return (await readFleet(store, undefined, now)).map((cache) => summarizeCache(cache, now))
}

/**
 * @returns null for a cache that is not known or not configured any more
 * @throws CachescopeError store-unreachable
 */
export async function getCache(store: Store, cacheId: string, now: number): Promise<Cache | null> {
  const cache = (await readFleet(store, cacheId, now))[0]
  return cache === undefined ? null : summarizeCache(cache, now)
}
