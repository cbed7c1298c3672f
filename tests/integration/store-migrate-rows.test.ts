/** A database with rows of the first version: migrated on, everything that it held reads as before. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { connect } from '../../store/connection.ts'
import { getHotKey, listHotKeyRows, listHotKeys } from '../../store/hot-keys.ts'
import { ensurePartitions, rollUp } from '../../store/maintenance.ts'
import { migrate } from '../../store/migrate.ts'
import { listNodes } from '../../store/nodes.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'
import { NODE } from '../support/tick.ts'

const FIRST = '20261123000000_init'
const NOW = Date.UTC(2026, 0, 31, 12, 0, 10)
let database: TestDatabase
let store: Store

afterEach(async () => {
  await closeStore(store)
  await database.drop()
})

/** As the first version's migrate() leaves it. */
async function migrateToFirst(url: string): Promise<void> {
  const sql = await readFile(
    new URL(`../../prisma/migrations/${FIRST}/migration.sql`, import.meta.url),
    'utf8',
  )
  const client = await connect(url)
  try {
    await client.query(sql)
    await client.query(
      `CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL,
         finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
         started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`,
    )
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ('first', $1, $2, now(), 1)`,
      [createHash('sha256').update(sql).digest('hex'), FIRST],
    )
  } finally {
    await client.end()
  }
}

/** The JSON of a tick as the first version's collector writes it. */
function oldTick(at: number, rates: Record<string, number>): string {
  const names = Object.keys(rates)
  return JSON.stringify({
    nodes: [['shop', '10.0.0.1:7000']],
    keys: names.map((name) => ({ cacheId: 'shop', db: 0, bytes: btoa(name), firstAt: at, lastAt: at })),
    samples: [{ node: 1, at, opsPerSec: 1_000 }],
    statuses: [
      {
        node: 1,
        at,
        sampledAt: at,
        state: 'up',
        message: null,
        role: 'primary',
        version: '7.0.15',
        engine: 'redis',
        uptimeSeconds: 9,
        maxMemoryPolicy: 'noeviction',
        maxClients: 10_000,
        hotKeysRefusal: null,
      },
    ],
    commands: [],
    keyspaces: [],
    hotKeys: names.map((name, index) => ({
      node: 1,
      key: index + 1,
      at,
      windowFrom: at - 10_000,
      sampledCommands: 20_000,
      share: (rates[name] ?? 0) / 1_000,
      shareLow: 0.01,
      shareHigh: 0.9,
      opsPerSec: rates[name],
      opsPerSecLow: 10,
      opsPerSecHigh: 900,
      readsPerSec: rates[name],
      writesPerSec: 0,
      topCommand: 'GET',
      source: 'monitor',
    })),
    slowlog: [],
    events: [],
    infos: [],
    earliestAt: at,
    notices: [],
  })
}

/** The cache `shop` with NODE, in the columns of the first version. */
async function saveOldShop(): Promise<void> {
  await store.pool.query(
    `WITH c AS (
       INSERT INTO cache (cache_id, kind, interval_ms, seeds, first_seen_at)
       VALUES ('shop', 'cluster', 2000, ARRAY[$1::text], now()) RETURNING cache_id
     ), s AS (
       INSERT INTO shard (cache_id, ordinal, slots) SELECT cache_id, 1, '[[0, 16383]]' FROM c RETURNING *
     )
     INSERT INTO node (cache_id, shard_id, address, role, state_since, first_seen_at)
     SELECT cache_id, shard_id, $1, 'primary', now(), now() FROM s`,
    [NODE.address],
  )
}

async function saveOld(at: number, rates: Record<string, number>): Promise<void> {
  const status = { collectorId: 'old', host: 'h', pid: 1, version: '0.1.0', startedAt: 0, at, nodes: 1 }
  await store.pool.query('SELECT save_tick($1::jsonb, $2::jsonb)', [
    oldTick(at, rates),
    JSON.stringify({ ...status, bufferedTicks: 0, droppedTicks: 0 }),
  ])
}

test('rows of the old shape stay as they are, in the order of their rate; an old collector can still save', async () => {
  database = await createEmptyDatabase()
  await migrateToFirst(database.url)
  store = openStore(database.url)
  await saveOldShop()
  await store.pool.query(
    `SELECT ensure_partitions(t, from_ms($1), from_ms($1))
    FROM unnest(ARRAY['node_sample', 'hot_key_sample']) AS t`,
    [NOW],
  )
  for (let at = NOW - 7_200_000; at <= NOW; at += 600_000)
    await saveOld(at, { warm: 100, hot: 300, cool: 50 })

  const versions = 'SELECT ctid::text, xmin::text, node_id, key_id, at FROM hot_key_sample ORDER BY 3, 4, 5'
  const before = await store.pool.query(versions)
  expect((await migrate(database.url)).applied).toEqual([
    '20261124000000_hot_key_engine',
    '20261125000000_mitigations',
    '20261125010000_told_waits',
  ])
  // Millions of rows may be there, and all wait for the lock of this migration.
  expect((await store.pool.query(versions)).rows).toEqual(before.rows)
  const now = await listHotKeys(store, { limit: 10, now: NOW })
  expect(now.items.map(({ key, rank, opsPerSec }) => [key, rank, opsPerSec])).toEqual([
    ['hot', 20, 300],
    ['warm', 20, 100],
    ['cool', 20, 50],
  ])
  expect(now.items[0]).toMatchObject({
    share: expect.closeTo(0.3),
    sizeBytes: null,
    isMissing: null,
    probedAt: null,
    topCommand: 'GET',
    commands: ['GET'],
    window: { sampledCommands: 20_000 },
  })
  expect((await listNodes(store, { cacheId: 'shop' }))[0]?.watching).toBeNull()

  await ensurePartitions(store, NOW)
  await saveOld(NOW + 5_000, { cool: 500, hot: 200 })
  const later = await listHotKeys(store, { limit: 10, now: NOW + 5_000 })
  expect(later.items.map(({ key, rank }) => [key, rank])).toEqual([
    ['cool', 1],
    ['hot', 2],
  ])

  await rollUp(store, NOW + 7_200_000)
  const range = { name: 'custom' as const, from: NOW - 7_200_000, to: NOW + 60_000 }
  const past = await listHotKeyRows(store, { range, limit: 10, now: NOW + 3_600_000 })
  expect(past.map(({ key }) => key)).toEqual(['cool', 'hot', 'warm'])
  const key = new TextEncoder().encode('hot')
  const detail = await getHotKey(store, { cacheId: 'shop', db: 0, key, range, now: NOW })
  expect(detail?.history.opsPerSec.filter((value) => value !== null).length).toBeGreaterThan(5)
})
