/** Saves what a tick brings, in one round trip: the work is done by save_tick() in the database. */
import type { CollectorStatus, Tick } from '../core/sample.ts'
import { maintain, query, type Store } from './client.ts'
import { errorCode, errorText } from './errors.ts'
import { ensurePartitionsFor } from './partitions.ts'
import { encodeTick } from './tick-encoding.ts'

const DAY_MS = 86_400_000
/** What a node's slow log still holds from before is not history worth a partition. */
const SLOWLOG_MAX_AGE_MS = 7 * DAY_MS
const ATTEMPTS = 3

/**
 * Saves one tick and the collector's heartbeat in one transaction, and notifies the dashboards. A tick saved twice
 * changes nothing; rows of nodes that are not known are left out.
 * @throws CachescopeError store-unreachable
 */
export async function saveTick(store: Store, tick: Tick, collector: CollectorStatus): Promise<void> {
  const oldest = tick.at - SLOWLOG_MAX_AGE_MS
  const slowlog = tick.slowlog.filter((entry) => entry.at >= oldest)
  const kept = slowlog.length === tick.slowlog.length ? tick : { ...tick, slowlog }
  const tickJson = encodeTick(kept)
  const collectorJson = JSON.stringify(collector)
  for (let attempt = 1; ; attempt++) {
    try {
      await query(
        store,
        (prisma) =>
          prisma.$executeRaw`SELECT save_tick(${tickJson}::text::jsonb, ${collectorJson}::text::jsonb)`,
      )
      return
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      if (isMissingPartition(error)) await ensureTickPartitions(store, kept)
      else if (!isTransient(error)) throw error
    }
  }
}

function isMissingPartition(error: unknown): boolean {
  return /no partition of relation/i.test(errorText(error))
}

/** Deadlock or serialisation failure: the same statement again succeeds. */
function isTransient(error: unknown): boolean {
  const code = errorCode(error)
  return code === '40P01' || code === '40001'
}

async function ensureTickPartitions(store: Store, tick: Tick): Promise<void> {
  const days = (rows: { at: number }[]) => [
    ...new Set(rows.map((row) => Math.floor(row.at / DAY_MS) * DAY_MS)),
  ]
  const wanted: [string, number[]][] = [
    ['node_sample', days(tick.samples)],
    ['command_sample', days(tick.commands)],
    ['keyspace_sample', days(tick.keyspaces)],
    ['hot_key_sample', days(tick.hotKeys)],
    ['hot_pattern_sample', days(tick.hotPatterns)],
    ['slowlog_entry', days(tick.slowlog)],
  ]
  await maintain(store, async (client) => {
    for (const [table, at] of wanted) for (const day of at) await ensurePartitionsFor(client, table, day, day)
  })
}
