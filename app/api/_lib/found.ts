import { CachescopeError } from '../../../core/errors.ts'
import { getCache } from '../../../store/caches.ts'
import type { Store } from '../../../store/client.ts'
import { getNode } from '../../../store/nodes.ts'

/** @throws CachescopeError not-found where `thing` is null */
export function found<T>(thing: T | null, what: string): T {
  if (thing === null) throw new CachescopeError('not-found', `There is no ${what}.`)
  return thing
}

export const cacheNamed = (cacheId: string) => `cache named ${cacheId}; /api/v1/caches lists them`
export const nodeNumbered = (nodeId: number) => `node ${nodeId}; /api/v1/nodes lists them`
export const mitigationNumbered = (mitigationId: number) =>
  `mitigation ${mitigationId}; /api/v1/mitigations lists them`

/**
 * An empty list is an answer only about things that exist: a misspelt cache is not a cache without news.
 *
 * @throws CachescopeError not-found
 */
export async function explainEmpty(
  store: Store,
  items: unknown[],
  filters: { cacheId?: string; nodeId?: number },
  now: number,
): Promise<void> {
  if (items.length > 0) return
  if (filters.cacheId !== undefined)
    found(await getCache(store, filters.cacheId, now), cacheNamed(filters.cacheId))
  if (filters.nodeId !== undefined) found(await getNode(store, filters.nodeId), nodeNumbered(filters.nodeId))
}
