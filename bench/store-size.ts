/** Bytes of a node and day in every sample table, measured on tables that real ticks and the real roll-up filled. */
import type { Store } from '../store/client.ts'
import { RAW_TABLES } from '../store/partitions.ts'
import { seedFleet } from '../tests/support/seed.ts'
import { type BenchResult, describeMachine } from './result.ts'
import { withBenchStore } from './support/postgres.ts'

const MINUTES = 30
const SHARDS = 12
const NODES = SHARDS * 2
const HOURS_OF_A_DAY = 24

export function run(): Promise<BenchResult> {
  return withBenchStore(async (store) => {
    const now = Date.now()
    await seedFleet(store, { shardsPerCache: SHARDS, replicas: 1, minutes: MINUTES, now })
    const rows: BenchResult['rows'] = []
    for (const table of RAW_TABLES) {
      const raw = await sizeOf(store, table)
      const minute = await sizeOf(store, `${table}_1m`)
      rows.push(
        row(table, raw, (raw.rows / NODES / MINUTES) * 60 * HOURS_OF_A_DAY),
        row(`${table}_1m`, minute, (minute.rows / NODES / MINUTES) * 60 * HOURS_OF_A_DAY),
        row(`${table}_1h`, minute, (minute.rows / NODES / MINUTES) * HOURS_OF_A_DAY),
      )
    }
    rows.push(row('slowlog_entry', await sizeOf(store, 'slowlog_entry'), HOURS_OF_A_DAY * 60))
    return {
      name: 'store-size: bytes of a node and day',
      machine: describeMachine(),
      rows,
      notes: [
        `${MINUTES} minutes of ${NODES} nodes (half of them replicas) at 2 s through saveTick and rollUp; sizes are pg_total_relation_size: heap, indexes, maps.`,
        'Six commands and one database a node; 20 hot keys a report of a primary, none of a replica; one slow log entry a minute. A row of an hour is a row of a minute.',
      ],
    }
  })
}

type Size = { rows: number; bytes: number }

async function sizeOf(store: Store, table: string): Promise<Size> {
  const { rows } = await store.pool.query<{ bytes: string; rows: string }>(
    // Tomorrow's partition is empty: what it weighs is not the rows'.
    `SELECT (SELECT sum(size) - min(size) * count(*) FROM (
         SELECT pg_total_relation_size(inhrelid) AS size FROM pg_inherits WHERE inhparent = $1::regclass
       ) AS partitions) AS bytes,
       (SELECT count(*) FROM ${table}) AS rows`,
    [table],
  )
  return { rows: Number(rows[0]?.rows), bytes: Number(rows[0]?.bytes) }
}

function row(table: string, { rows, bytes }: Size, rowsPerNodeAndDay: number) {
  const bytesPerRow = bytes / rows
  return {
    table,
    'bytes a row': Math.round(bytesPerRow),
    'rows a node and day': Math.round(rowsPerNodeAndDay),
    'KiB a node and day': Math.round((bytesPerRow * rowsPerNodeAndDay) / 1_024),
  }
}
