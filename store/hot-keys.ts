/** Hot keys as they are now: the newest report of every node. */
import type { HotKey } from '../core/model.ts'
import { query, type Store } from './client.ts'
import {
  currentRows,
  type HotKeyFilter,
  type HotKeyOrder,
  type HotKeyRecord,
  positionOf,
  RECORD_COLUMNS,
  readCurrent,
  toHotKey,
} from './hot-key-records.ts'
import { decodeCursor, type Page, toPage } from './page.ts'
import type { NodeFilter } from './samples.ts'

export { listCacheHotKeys } from './cache-hot-keys.ts'
export { getHotKey, type HotKeyDetail } from './hot-key-history.ts'
export { listHotKeyRows } from './hot-key-rows.ts'

/**
 * The currently hot keys: of the newest report of every node that is up, not older than HOT_KEY_CURRENT_MS; the
 * busiest first, or those that move the most bytes.
 * @throws CachescopeError invalid-parameter (cursor), store-unreachable
 */
export async function listHotKeys(
  store: Store,
  options: HotKeyFilter & { by?: HotKeyOrder; limit: number; cursor?: string; now: number },
): Promise<Page<HotKey>> {
  const { limit, now, by = 'rate' } = options
  const after = decodeCursor(options.cursor, ['int4', 'real', 'int4', 'int4', 'int8'])
  const rows = await readCurrent(store, options, { now, limit: limit + 1, by, after })
  return toPage(rows, limit, toHotKey, (row) => positionOf(row, by))
}

/**
 * The hottest key of every shard that has one, by its commands per second on all nodes of the shard.
 * @returns the key as it is on the node where it is hottest, and that sum; null where no node tells a rate
 * @throws CachescopeError store-unreachable
 */
export async function listHottestKeys(
  store: Store,
  filter: NodeFilter,
  now: number,
): Promise<{ hotKey: HotKey; shardOpsPerSec: number | null }[]> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<(HotKeyRecord & { shardOpsPerSec: number | null })[]>`
      SELECT DISTINCT ON ("shardId") * FROM (
        SELECT ${RECORD_COLUMNS}, sum(s.ops_per_sec) OVER (PARTITION BY h.shard_id, k.key_id) AS "shardOpsPerSec"
        ${currentRows(filter, now)}
      ) reports
      ORDER BY "shardId", "shardOpsPerSec" DESC NULLS LAST, rank, "keyId", "opsPerSec" DESC NULLS LAST`,
  )
  return rows.map((row) => ({ hotKey: toHotKey(row), shardOpsPerSec: row.shardOpsPerSec }))
}
