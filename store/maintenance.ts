/** What keeps the sample tables in shape: partitions ahead of time, roll-ups, retention. */
import { maintain, type Store } from './client.ts'
import { ensurePartitionsFor, PARTITIONED_TABLES } from './partitions.ts'

export { dropExpired } from './retention.ts'
export { rollUp } from './rollup.ts'

const DAY_MS = 86_400_000

/**
 * Makes the partitions from the day of `now` to two days ahead, for every sample table.
 * @throws CachescopeError store-unreachable
 */
export async function ensurePartitions(store: Store, now: number): Promise<void> {
  await maintain(store, async (client) => {
    for (const table of PARTITIONED_TABLES) await ensurePartitionsFor(client, table, now, now + 2 * DAY_MS)
  })
}
