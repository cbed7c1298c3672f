/** Drops what is past its retention: whole partitions of samples, and keys that nothing has named for long. */
import type { PoolClient } from 'pg'
import { maintain, type Store } from './client.ts'
import { HOUR_TABLES, listPartitions, MINUTE_TABLES, RAW_ONLY_TABLES, RAW_TABLES } from './partitions.ts'

const DAY_MS = 86_400_000
const COLLECTOR_KEPT_MS = DAY_MS
const LOCK_NOT_AVAILABLE = '55P03'

/** How long each resolution, and a key that is not seen any more, is kept. */
export type Retention = { rawMs: number; minutesMs: number; hoursMs: number; keysMs: number }

/**
 * Drops the partitions that end before their retention, except where the next resolution has not been computed from
 * them yet, and prunes keys, events and dead collectors.
 * @throws CachescopeError store-unreachable
 */
export async function dropExpired(store: Store, now: number, retention: Retention): Promise<void> {
  await maintain(store, async (client) => {
    const { rows } = await client.query<{ resolution: string; doneAt: Date }>(
      `SELECT resolution, done_at AS "doneAt" FROM rollup_watermark`,
    )
    const done = (resolution: string) =>
      rows.find((row) => row.resolution === resolution)?.doneAt.getTime() ?? 0
    const rawBefore = Math.min(now - retention.rawMs, done('1m'))
    const minutesBefore = Math.min(now - retention.minutesMs, done('1h'))
    for (const table of RAW_TABLES) await dropBefore(client, table, rawBefore, '1m')
    for (const table of RAW_ONLY_TABLES) await dropBefore(client, table, now - retention.rawMs, null)
    for (const table of MINUTE_TABLES) await dropBefore(client, table, minutesBefore, '1h')
    for (const table of HOUR_TABLES) await dropBefore(client, table, now - retention.hoursMs, null)
    await dropBefore(client, 'slowlog_entry', now - retention.minutesMs, null)
    await client.query('DELETE FROM key WHERE last_seen_at < from_ms($1)', [now - retention.keysMs])
    await client.query('DELETE FROM event WHERE at < from_ms($1)', [now - retention.hoursMs])
    // With their revisions, steps and samples; one that runs is kept however long ago it began, and so is the newest
    // of a cache: applications pass over a document of a lower revision than they have seen.
    await client.query(
      `DELETE FROM mitigation m WHERE phase = 'off' AND phase_since < from_ms($1)
         AND rev < (SELECT max(rev) FROM mitigation o WHERE o.cache_id = m.cache_id)`,
      [now - retention.hoursMs],
    )
    await client.query('DELETE FROM app_instance WHERE seen_at < from_ms($1)', [now - DAY_MS])
    await client.query('DELETE FROM collector WHERE heartbeat_at < from_ms($1)', [now - COLLECTOR_KEPT_MS])
  })
}

/** @param feeds the resolution that is computed from this table: its buckets become final with the input's end */
async function dropBefore(
  client: PoolClient,
  table: string,
  before: number,
  feeds: '1m' | '1h' | null,
): Promise<void> {
  for (const partition of await listPartitions(client, table)) {
    const end = partition.from + DAY_MS
    if (end > before) return
    await client.query('BEGIN')
    try {
      // Dropping needs the whole table for an instant; ticks must not queue behind a long query for it.
      await client.query(`SET LOCAL lock_timeout = '1s'`)
      if (feeds !== null) {
        await client.query(
          'UPDATE rollup_watermark SET final_at = greatest(final_at, from_ms($2)) WHERE resolution = $1',
          [feeds, end],
        )
      }
      await client.query(`DROP TABLE IF EXISTS ${client.escapeIdentifier(partition.name)}`)
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {})
      // Somebody reads it: the next round tries again.
      if ((error as { code?: string }).code === LOCK_NOT_AVAILABLE) return
      throw error
    }
  }
}
