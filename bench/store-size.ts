/**
 * Bytes of a node and day in every sample table, measured on tables that real ticks and the real roll-up filled, and
 * bytes of a key in the dictionary.
 */
import type { Store } from '../store/client.ts'
import { rollUp } from '../store/maintenance.ts'
import { listNodes } from '../store/nodes.ts'
import { RAW_ONLY_TABLES, RAW_TABLES } from '../store/partitions.ts'
import { saveTick } from '../store/tick.ts'
import { seedFleet } from '../tests/support/seed.ts'
import { collector, emptyTick, hotKey } from '../tests/support/tick.ts'
import { type BenchResult, describeMachine } from './result.ts'
import { withBenchStore } from './support/postgres.ts'

const MINUTES = 30
const MINUTE_MS = 60_000
const STEP_MS = 2_000
const SHARDS = 12
const NODES = SHARDS * 2
const HOURS_OF_A_DAY = 24
const KEYS = 20_000
const KEY_BYTES = [20, 512]
const KEYS_PER_TICK = 1_000

export function run(): Promise<BenchResult> {
  return withBenchStore(async (store) => {
    // The last tick of a minute: whole minutes are rolled up, so that a day's rows follow from these.
    const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - STEP_MS
    await seedFleet(store, {
      shardsPerCache: SHARDS,
      replicas: 1,
      minutes: MINUTES,
      now,
      stepMs: STEP_MS,
    })
    await rollUp(store, now + MINUTE_MS)
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
    for (const table of RAW_ONLY_TABLES) {
      const raw = await sizeOf(store, table)
      rows.push(row(table, raw, (raw.rows / NODES / MINUTES) * 60 * HOURS_OF_A_DAY))
    }
    rows.push(row('slowlog_entry', await sizeOf(store, 'slowlog_entry'), HOURS_OF_A_DAY * 60))
    for (const keyBytes of KEY_BYTES) rows.push(await measureKeys(store, now, keyBytes))
    return {
      name: 'store-size: bytes of a node and day',
      machine: describeMachine(),
      rows,
      notes: [
        `${MINUTES} minutes of ${NODES} nodes (half of them replicas) at 2 s through saveTick and rollUp; sizes are pg_total_relation_size: heap, indexes, maps.`,
        'Six commands and one database a node; 20 hot keys and four patterns a report of a primary, none of a replica; one slow log entry a minute. A row of an hour is a row of a minute.',
        `The dictionary: ${KEYS} keys with names of one length through saveTick, all seen again once before a vacuum, which is the most that they take; a key is stored once, however often it is hot.`,
      ],
    }
  })
}

/** Into an empty dictionary; the second tick updates every row, as being seen again does. */
async function measureKeys(store: Store, now: number, keyBytes: number) {
  await store.pool.query('TRUNCATE key')
  await store.pool.query('VACUUM FULL key')
  const names = Array.from({ length: KEYS }, (_, index) => Buffer.from(String(index).padStart(keyBytes, 'k')))
  const [node] = await listNodes(store, {})
  if (node === undefined) throw new Error('The fleet has no node.')
  for (const at of [now + 5_000, now + 3_600_000]) {
    for (let from = 0; from < KEYS; from += KEYS_PER_TICK) {
      const keys = names.slice(from, from + KEYS_PER_TICK)
      const hotKeys = keys.map((key) =>
        hotKey(at, key, 0.1, { cacheId: node.cacheId, address: node.address }),
      )
      await saveTick(store, emptyTick(at, { hotKeys }), collector(at, 'bench'))
    }
  }
  await store.pool.query('VACUUM key')
  const { rows } = await store.pool.query<{ bytes: string; rows: string }>(
    `SELECT pg_total_relation_size('key') AS bytes, (SELECT count(*) FROM key) AS rows`,
  )
  const bytesPerRow = Number(rows[0]?.bytes) / Number(rows[0]?.rows)
  return { table: `key (${keyBytes} B names)`, 'bytes a row': Math.round(bytesPerRow) }
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
