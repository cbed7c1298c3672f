/** Hot keys as they are now: the newest report of every node. */
import type { HotKey } from '../core/model.ts'
import { query, type Store } from './client.ts'
import {
  currentRows,
  type HotKeyFilter,
  type HotKeyRecord,
  RECORD_COLUMNS,
  readCurrent,
  toHotKey,
} from './hot-key-records.ts'
import { decodeCursor, type Page, toPage } from './page.ts'
import type { NodeFilter } from './samples.ts'

export { getHotKey, type HotKeyDetail } from './hot-key-history.ts'
export { listHotKeyRows } from './hot-key-rows.ts'

/**
 * The currently hot keys, of reports not older than 60 s, the busiest first.
 * @throws CachescopeError invalid-parameter (cursor), store-unreachable
 */
export async function listHotKeys(
  store: Store,
  options: HotKeyFilter & { limit: number; cursor?: string; now: number },
): Promise<Page<HotKey>> {
  const { limit, now } = options
  const after = decodeCursor(options.cursor, 3)
  const rows = await readCurrent(store, options, { now, limit: limit + 1, after })
  return toPage(rows, limit, toHotKey, (row) => [row.opsPerSec, row.nodeId, String(row.keyId)])
}

/**
 * The hottest key of every shard that has one, by commands per second.
 * @throws CachescopeError store-unreachable
 */
export async function listHottestKeys(store: Store, filter: NodeFilter, now: number): Promise<HotKey[]> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<HotKeyRecord[]>`
      SELECT DISTINCT ON (h.shard_id) ${RECORD_COLUMNS} ${currentRows(filter, now)}
      ORDER BY h.shard_id, s.ops_per_sec DESC`,
  )
  return rows.map(toHotKey)
}
