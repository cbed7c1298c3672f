/** The lists beside the hottest keys of a cache: those that do not exist, those that move the most bytes. */
import type { CacheHotKey } from '../core/model.ts'
import { listCacheHotKeys } from './cache-hot-keys.ts'
import type { Store } from './client.ts'

type Options = { cacheId: string; limit: number; now: number }

/**
 * The hottest first.
 * @throws CachescopeError store-unreachable
 */
export async function listMissingKeys(store: Store, options: Options): Promise<CacheHotKey[]> {
  return (await listCacheHotKeys(store, { ...options, missing: true })).items
}

/**
 * The most bytes per second first; keys whose size or rate is not known are left out.
 * @throws CachescopeError store-unreachable
 */
export async function listBigKeys(store: Store, options: Options): Promise<CacheHotKey[]> {
  const { items } = await listCacheHotKeys(store, { ...options, by: 'bytes' })
  return items.filter(({ bytesPerSec }) => bytesPerSec !== null)
}
