import { createConnection, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { parseRange } from '../../core/range.ts'
import { listCaches } from '../../store/caches.ts'
import { closeStore, openStore } from '../../store/client.ts'
import { connect } from '../../store/connection.ts'
import { acquireLeases } from '../../store/leases.ts'
import { ensurePartitions, rollUp } from '../../store/maintenance.ts'
import { subscribe } from '../../store/notifications.ts'
import { getSeries } from '../../store/samples.ts'
import { saveTick } from '../../store/tick.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/redis.ts'
import { collector, emptyTick, saveShop } from '../support/tick.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
let database: TestDatabase | undefined
afterEach(async () => {
  await database?.drop()
  database = undefined
})

const calls = (store: ReturnType<typeof openStore>): [string, () => Promise<unknown>][] => [
  ['listCaches', () => listCaches(store, NOW)],
  [
    'getSeries',
    () => getSeries(store, { cacheId: 'shop', metrics: ['opsPerSec'], range: parseRange({}, NOW) }),
  ],
  ['saveTick', () => saveTick(store, emptyTick(NOW), collector(NOW))],
  ['rollUp', () => rollUp(store, NOW)],
]

test('nothing listens: every call says so at once', async () => {
  const store = openStore('postgres://u:secret@127.0.0.1:1/db')
  for (const [name, call] of calls(store)) {
    const error = await call().catch((thrown: unknown) => thrown)
    expect(error, name).toMatchObject({
      code: 'store-unreachable',
      message: expect.stringMatching(/127\.0\.0\.1:1\/db/),
    })
    expect(String(error)).not.toContain('secret')
  }
  await closeStore(store)
})

test('a process that stands still in a transaction keeps its locks for seconds only', async () => {
  database = await createTestDatabase()
  const store = openStore(database.url)
  const frozen = await store.pool.connect()
  frozen.on('error', () => {})
  await frozen.query('BEGIN')
  await frozen.query('SELECT pg_advisory_xact_lock(4)')
  const begun = Date.now()
  await store.pool.query('SELECT pg_advisory_xact_lock(4)')
  // Else it would be twenty, when the query is given up.
  expect(Date.now() - begun).toBeLessThan(15_000)
  frozen.release(true)
  await closeStore(store)
})

/** A proxy that can fall silent: connections stay open, nothing passes. */
async function silenceable(target: URL): Promise<{ url: string; silence(): void; close(): void }> {
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((socket) => {
    const upstream = createConnection(Number(target.port), target.hostname)
    for (const each of [socket, upstream]) {
      sockets.add(each)
      each.on('error', () => {})
    }
    if (!silent) socket.pipe(upstream).pipe(socket)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const url = new URL(target)
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0)
  return {
    url: url.href,
    silence: () => {
      silent = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('Postgres that falls silent is said to be away without waiting for it', async () => {
  database = await createTestDatabase()
  const proxy = await silenceable(new URL(database.url))
  const store = openStore(proxy.url)
  expect(await listCaches(store, NOW)).toEqual([])
  proxy.silence()
  const before = Date.now()
  await expect(listCaches(store, NOW)).rejects.toMatchObject({ code: 'store-unreachable' })
  // Of a busy machine: else it would be twenty.
  expect(Date.now() - before).toBeLessThan(10_000)
  await database.drop()
  proxy.close()
  await closeStore(store)
})

test('a Postgres that takes no writes is away for ticks, and says what to do', async () => {
  database = await createTestDatabase()
  const before = openStore(database.url)
  await saveShop(before, NOW)
  await before.pool.query(`
    DO $$ BEGIN
      EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
    END $$`)
  const store = openStore(database.url)
  const writes: [string, () => Promise<unknown>][] = [
    ['saveTick', () => saveTick(store, emptyTick(NOW), collector(NOW))],
    ['acquireLeases', () => acquireLeases(store, 'a', ['shop'], 1_000)],
    ['ensurePartitions', () => ensurePartitions(store, NOW + 40 * 86_400_000)],
  ]
  for (const [name, write] of writes) {
    await expect(write(), name).rejects.toMatchObject({
      code: 'store-unreachable',
      message: expect.stringMatching(/takes no writes: .* Point DATABASE_URL at the primary/),
    })
  }
  expect(await listCaches(store, NOW)).toHaveLength(1)
  await closeStore(store)
  await closeStore(before)
})

test.each([
  ['53100', /no disk space left\. Free some/],
  ['53200', /out of memory\. Give/],
  ['53300', /no connection free\. Raise/],
  ['57014', /cancelled a query.* Raise statement_timeout/],
  ['57P03', /starting, stopping or recovering\. Wait/],
])('SQLSTATE %s: away, with a sentence of its own', async (code, sentence) => {
  database = await createTestDatabase()
  const store = openStore(database.url)
  await store.pool.query(`
    CREATE OR REPLACE FUNCTION save_tick(tick jsonb, collector_status jsonb) RETURNS void LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '${code}'; END $$`)
  const error = await saveTick(store, emptyTick(NOW), collector(NOW)).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'store-unreachable', message: expect.stringMatching(sentence) })
  await closeStore(store)
})

test('a query after a restart works on the same store', async () => {
  database = await createTestDatabase()
  const store = openStore(database.url)
  await saveShop(store, NOW)
  const killer = await connect(database.url)
  await killer.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`)
  await killer.end()
  await until('its connections are known to be gone', () => store.pool.totalCount === 0)
  expect(await listCaches(store, NOW)).toHaveLength(1)
  await closeStore(store)
})

test('notifications reconnect by themselves after the backend is terminated', async () => {
  database = await createTestDatabase()
  const store = openStore(database.url)
  const states: boolean[] = []
  const messages: string[][] = []
  const subscription = subscribe(
    database.url,
    (cacheIds) => messages.push(cacheIds),
    (connected) => states.push(connected),
  )
  await until('it listens', () => states.length === 1)
  await saveShop(store, NOW)
  await until('it is told', () => messages.length === 1)
  await store.pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'cachescope listen'`)
  await until('it listens again', () => states.length >= 3 && states.at(-1) === true)
  expect(states).toEqual([true, false, true])
  await saveShop(store, NOW + 1)
  await until('it is told again', () => messages.length === 2)
  expect(messages).toEqual([['shop'], ['shop']])
  await subscription.close()
  await subscription.close()
  await closeStore(store)
})
