/** Hot keys of caches: each key once, over all nodes on which it is hot. */
import { heatOf } from '../core/hot-keys/heat.ts'
import { mergeHotKeys } from '../core/hot-keys/merge-nodes.ts'
import type { CacheHotKey } from '../core/model.ts'
import type { Store } from './client.ts'
import { readClientRates } from './client-rates.ts'
import { figureOf, type HotKeyFilter, type HotKeyOrder, readCurrent, toHotKey } from './hot-key-records.ts'
import { pageByPlace } from './merged-page.ts'
import type { Page } from './page.ts'

/** The reports of some hundred nodes. */
const MAX_ROWS = 20_000

/**
 * The currently hot keys, merged over the nodes of their cache. A key is missing where every node that was asked
 * says so.
 * @throws CachescopeError invalid-parameter (cursor), store-unreachable
 */
export async function listCacheHotKeys(
  store: Store,
  options: HotKeyFilter & { by?: HotKeyOrder; limit: number; cursor?: string; now: number },
): Promise<Page<CacheHotKey>> {
  const { limit, cursor, now, by = 'rate', missing, heat, ...filter } = options
  const [rows, rates] = await Promise.all([
    readRows(store, { ...filter, ...(missing === undefined ? {} : { missing }) }, now),
    readClientRates(store, filter, now),
  ])
  const keys = mergeHotKeys(rows.map(toHotKey), rates).filter(
    (key) =>
      (missing === undefined || key.isMissing === missing) && (heat === undefined || heatOf(key) === heat),
  )
  return pageByPlace(keys, {
    limit,
    ...(cursor === undefined ? {} : { cursor }),
    placeOf: (key) => ({
      figure: figureOf(key, by),
      rank: key.rank,
      name: `${key.cacheId} ${key.db} ${key.keyBase64}`,
    }),
  })
}

/** All rows of the keys in question: of a key that one node says is missing, the other nodes' rows too. */
async function readRows(store: Store, filter: HotKeyFilter, now: number) {
  const found = await readCurrent(store, filter, { now, limit: MAX_ROWS })
  if (filter.missing === undefined || found.length === 0) return found
  const { missing: _, ...others } = filter
  const keyIds = [...new Set(found.map(({ keyId }) => keyId))]
  return readCurrent(store, { ...others, keyIds }, { now, limit: MAX_ROWS })
}
