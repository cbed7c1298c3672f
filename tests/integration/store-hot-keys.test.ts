import { afterEach, beforeEach, expect, test } from 'vitest'
import type { HotPatternSample } from '../../core/sample.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { getHotKey, listCacheHotKeys, listHotKeyRows, listHotKeys } from '../../store/hot-keys.ts'
import { listHotPatterns } from '../../store/hot-patterns.ts'
import { dropExpired, rollUp } from '../../store/maintenance.ts'
import { listNodes } from '../../store/nodes.ts'
import { listPartitions } from '../../store/partitions.ts'
import { saveTick } from '../../store/tick.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { seedWatching } from '../support/seed-hot-keys.ts'
import { collector, emptyTick, hotKey, NODE, REPLICA, sample, saveShop, status } from '../support/tick.ts'

const NOW = Date.UTC(2026, 0, 31, 12, 0, 10)
const DAY_MS = 86_400_000
const NO_RATE = {
  share: null,
  shareLow: null,
  shareHigh: null,
  opsPerSec: null,
  opsPerSecLow: null,
  opsPerSecHigh: null,
  readsPerSec: null,
  writesPerSec: null,
  topCommand: null,
  sampledCommands: null,
}
let database: TestDatabase
let store: Store

beforeEach(async () => {
  database = await createTestDatabase()
  store = openStore(database.url)
  await saveShop(store, NOW - 1_000)
  await saveTick(
    store,
    emptyTick(NOW, {
      statuses: [status(NOW), status(NOW, REPLICA)],
      samples: [sample(NOW, { opsPerSec: 1_000 }), sample(NOW, { opsPerSec: 500 }, REPLICA)],
    }),
    collector(NOW),
  )
})
afterEach(async () => {
  await closeStore(store)
  await database.drop()
})

function save(rows: Parameters<typeof emptyTick>[1], at = NOW): Promise<void> {
  return saveTick(store, emptyTick(at, rows), collector(at))
}

const pattern = (
  name: string | null,
  opsPerSec: number,
  over: Partial<HotPatternSample> = {},
): HotPatternSample => ({
  ...NODE,
  at: NOW,
  windowFrom: NOW - 10_000,
  sampledCommands: 2_000,
  source: 'monitor',
  rank: 1,
  pattern: name,
  share: opsPerSec / 1_000,
  shareLow: opsPerSec / 1_100,
  shareHigh: opsPerSec / 900,
  opsPerSec,
  opsPerSecLow: opsPerSec - 30,
  opsPerSecHigh: opsPerSec + 30,
  readsPerSec: opsPerSec,
  writesPerSec: 0,
  keysSeen: 7,
  ...over,
})

test('a row without a rate keeps what it has, stands last by its rank, and is never 0', async () => {
  await save({
    hotKeys: [
      hotKey(NOW, 'counted', 0.4, { rank: 3, ...NO_RATE, source: 'lfu', lfuCounter: 181 }),
      hotKey(NOW, 'timed', 0.4, { rank: 2, ...NO_RATE, source: 'lfu', lfuCounter: 200, cpuShare: 0.25 }),
      hotKey(NOW, 'rated', 0.1, { rank: 1 }),
    ],
  })
  const { items } = await listHotKeys(store, { limit: 10, now: NOW })
  expect(items.map(({ key }) => key)).toEqual(['rated', 'timed', 'counted'])
  expect(items[2]).toMatchObject({
    share: null,
    opsPerSec: null,
    topCommand: null,
    bytesPerSec: null,
    lfuCounter: 181,
    rank: 3,
    window: { sampledCommands: null },
  })
  expect(items[1]).toMatchObject({ cpuShare: 0.25, source: 'lfu' })
  const pages = await listHotKeys(store, { limit: 2, now: NOW })
  const rest = await listHotKeys(store, { limit: 2, now: NOW, cursor: pages.nextCursor ?? '' })
  expect([...pages.items, ...rest.items]).toEqual(items)
})

test('every command that was seen is kept with its row, and none with a minute', async () => {
  const at = NOW - 60_000
  await save({ hotKeys: [hotKey(at, 'views', 0.5, { commands: ['GET', 'INCR'] })] }, at)
  await save({
    hotKeys: [
      hotKey(NOW, 'views', 0.5, { rank: 1, commands: ['GET', 'INCR'] }),
      hotKey(NOW, 'views', 0.1, { ...REPLICA, rank: 1, commands: ['GET', 'STRLEN'] }),
      hotKey(NOW, 'counted', 0.4, { rank: 2, ...NO_RATE, commands: [], source: 'lfu' }),
      hotKey(NOW, 'before', 0.3, { rank: 3, topCommand: 'HGET', commands: [] }),
    ],
  })
  const { items } = await listHotKeys(store, { nodeId: 1, limit: 10, now: NOW })
  expect(Object.fromEntries(items.map(({ key, commands }) => [key, commands]))).toEqual({
    views: ['GET', 'INCR'],
    counted: [],
    before: ['HGET'],
  })
  const merged = await listCacheHotKeys(store, { cacheId: 'shop', limit: 1, now: NOW })
  expect(merged.items[0]?.commands).toEqual(['GET', 'INCR', 'STRLEN'])
  await rollUp(store, NOW + 3_600_000)
  const range = { name: 'custom' as const, from: NOW - 30 * DAY_MS, to: NOW + 3_600_000 }
  const past = await listHotKeyRows(store, { range, limit: 1, now: NOW + 3_600_000 })
  expect(past[0]).toMatchObject({ key: 'views', topCommand: 'GET', commands: ['GET'] })
})

test('what a probe found: by bytes, missing, and neither where nothing was asked', async () => {
  const probed = { probedAt: NOW - 3_000, isMissing: false }
  await save({
    hotKeys: [
      hotKey(NOW, 'small', 0.5, { rank: 1, ...probed, sizeBytes: 100 }),
      hotKey(NOW, 'big', 0.1, { rank: 2, ...probed, sizeBytes: 5_000_000_000 }),
      hotKey(NOW, 'gone', 0.2, { rank: 3, isMissing: true, probedAt: NOW - 2_000 }),
      hotKey(NOW, 'unasked', 0.3, { rank: 4 }),
    ],
  })
  const keys = async (over: object) =>
    (await listHotKeys(store, { limit: 10, now: NOW, ...over })).items.map(({ key }) => key)
  expect(await keys({ by: 'bytes' })).toEqual(['big', 'small', 'gone', 'unasked'])
  expect(await keys({ missing: true })).toEqual(['gone'])
  expect(await keys({ missing: false })).toEqual(['small', 'big'])
  const { items } = await listHotKeys(store, { limit: 1, by: 'bytes', now: NOW })
  expect(items[0]?.bytesPerSec).toBeCloseTo(100 * 5_000_000_000, -4)
  expect(items[0]?.probedAt).toBe(new Date(NOW - 3_000).toISOString())
})

test('over the nodes of a cache: rates add, intervals add in quadrature, shares are of the cache', async () => {
  await save({
    hotKeys: [
      hotKey(NOW, 'both', 0.3, { rank: 1, isMissing: true, probedAt: NOW - 1_000 }),
      hotKey(NOW, 'both', 0.4, { ...REPLICA, rank: 1 }),
      hotKey(NOW, 'half', 0.2, { rank: 2, isMissing: true, probedAt: NOW - 1_000 }),
      hotKey(NOW, 'half', 0.1, { ...REPLICA, rank: 2, isMissing: false, sizeBytes: 90, probedAt: NOW }),
    ],
  })
  const { items } = await listCacheHotKeys(store, { cacheId: 'shop', limit: 10, now: NOW })
  const [both, half] = items
  expect(items).toHaveLength(2)
  // Each report is of a node that does 1,000 commands a second.
  expect(both).toMatchObject({ key: 'both', rank: 1, isMissing: true })
  expect(both?.nodeIds).toHaveLength(2)
  expect(both?.opsPerSec).toBeCloseTo(700, 2)
  expect(both?.share).toBeCloseTo(0.35, 4)
  expect(both?.opsPerSecHigh).toBeCloseTo(700 + Math.hypot(30, 40), 2)
  expect(both?.shareLow).toBeCloseTo((700 - Math.hypot(30, 40)) / 2_000, 4)
  expect(half).toMatchObject({ key: 'half', rank: 2, isMissing: false, sizeBytes: 90 })
  const missing = await listCacheHotKeys(store, { cacheId: 'shop', missing: true, limit: 10, now: NOW })
  expect(missing.items.map(({ key }) => key)).toEqual(['both'])
  const written = await listCacheHotKeys(store, { heat: 'write-hot', limit: 10, now: NOW })
  expect(written.items).toEqual([])
})

test('patterns of a cache, and saved twice they are there once', async () => {
  const hotPatterns = [
    pattern('article:*', 300),
    pattern(null, 100, { rank: 2 }),
    pattern('article:*', 400, REPLICA),
    pattern('\\xff:*', 50, { ...REPLICA, rank: 2 }),
  ]
  await save({ hotPatterns, hotKeys: [hotKey(NOW, 'a', 0.1), hotKey(NOW, 'a', 0.1, REPLICA)] })
  await save({ hotPatterns })
  const { items } = await listHotPatterns(store, { cacheId: 'shop', limit: 10, now: NOW })
  expect(items.map((row) => [row.pattern, Math.round(row.opsPerSec), row.keysSeen])).toEqual([
    ['article:*', 700, 14],
    ['\\xff:*', 50, 7],
    [null, 100, 7],
  ])
  expect(items[0]?.share).toBeCloseTo(0.35, 4)
  expect(items[0]?.opsPerSecHigh).toBeCloseTo(700 + Math.hypot(30, 30), 2)
  expect(items[0]?.window.sampledCommands).toBe(4_000)
  expect((await listHotPatterns(store, { limit: 10, now: NOW + 120_000 })).items).toEqual([])
})

test('roll-ups of reports with and without rates: what is unknown is neither 0 nor thins the known', async () => {
  const from = NOW - 60_000
  for (let at = from - (from % 60_000); at < NOW; at += 5_000) {
    const blind = (at / 5_000) % 2 === 0
    const key = blind
      ? hotKey(at, 'k', 0, { ...NO_RATE, source: 'lfu', lfuCounter: 90, rank: 2 })
      : hotKey(at, 'k', 0.5, { rank: 1, sizeBytes: 4_096, isMissing: false, probedAt: at })
    const unrated = hotKey(at, 'u', 0, { ...NO_RATE, source: 'lfu', lfuCounter: 80, rank: 3 })
    await save({ hotKeys: [key, unrated], samples: [sample(at, { opsPerSec: 1_000 })] }, at)
  }
  await rollUp(store, NOW + 3_600_000)
  for (const table of ['hot_key_sample_1m', 'hot_key_sample_1h']) {
    const { rows } = await store.pool.query(
      `SELECT encode(k.bytes, 'escape') AS key, s.* FROM ${table} s JOIN key k USING (key_id) ORDER BY 1, at`,
    )
    const known = rows.find((row) => row.key === 'k')
    expect(known?.ops_per_sec).toBeCloseTo(500, 0)
    expect(known).toMatchObject({ rank: 1, lfu_counter: 90, size_bytes: '4096', is_missing: false })
    expect(rows.find((row) => row.key === 'u')).toMatchObject({ ops_per_sec: null, share: null, rank: 3 })
  }
  const range = { name: 'custom' as const, from: NOW - 3_600_000, to: NOW + 3_600_000 }
  const past = await listHotKeyRows(store, { range, limit: 10, now: NOW + 3_600_000 })
  expect(past.map(({ key, opsPerSec }) => [key, opsPerSec === null])).toEqual([
    ['k', false],
    ['u', true],
  ])
  const key = new TextEncoder().encode('u')
  const detail = await getHotKey(store, { cacheId: 'shop', db: 0, key, range, now: NOW + 3_600_000 })
  expect(detail?.history.opsPerSec.every((value) => value === null)).toBe(true)
})

test('how a node is watched comes back as it was told, and null where it is not', async () => {
  const watching = seedWatching(NOW)
  await save({ statuses: [status(NOW + 1, { watching }), status(NOW + 1, { ...REPLICA, watching: null })] })
  const nodes = await listNodes(store, { cacheId: 'shop' })
  expect(nodes.find(({ address }) => address === NODE.address)?.watching).toEqual(watching)
  expect(nodes.find(({ address }) => address === REPLICA.address)?.watching).toBeNull()
})

test('patterns leave with the raw samples', async () => {
  await save({ hotPatterns: [pattern('article:*', 300)] })
  const retention = { rawMs: 2 * DAY_MS, minutesMs: 30 * DAY_MS, hoursMs: 90 * DAY_MS, keysMs: 90 * DAY_MS }
  const days = async () => {
    const client = await store.pool.connect()
    try {
      return (await listPartitions(client, 'hot_pattern_sample')).map(({ from }) => from)
    } finally {
      client.release()
    }
  }
  const today = NOW - (NOW % DAY_MS)
  expect(await days()).toContain(today)
  await dropExpired(store, NOW + 4 * DAY_MS, retention)
  expect(await days()).not.toContain(today)
})
