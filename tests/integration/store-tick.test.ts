import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { parseRange } from '../../core/range.ts'
import { getCache, listCaches } from '../../store/caches.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { listCollectors } from '../../store/collectors.ts'
import { connect } from '../../store/connection.ts'
import { listEvents } from '../../store/events.ts'
import { getHotKey, listHotKeys } from '../../store/hot-keys.ts'
import { acquireLeases, releaseLeases } from '../../store/leases.ts'
import { getNodeInfo, listNodes } from '../../store/nodes.ts'
import { listShards } from '../../store/shards.ts'
import { listSlowlog } from '../../store/slowlog.ts'
import { saveTick } from '../../store/tick.ts'
import { listTopologies, saveCaches, saveTopology } from '../../store/topology.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { collector, emptyTick, hotKey, NODE, REPLICA, sample, saveShop, status } from '../support/tick.ts'

const NOW = Date.UTC(2026, 0, 31, 12, 0, 10)
const DAY_MS = 86_400_000
let database: TestDatabase
let store: Store

beforeEach(async () => {
  database = await createTestDatabase()
  store = openStore(database.url)
  await saveShop(store, NOW - 1_000)
})
afterEach(async () => {
  await closeStore(store)
  await database.drop()
})

async function counts(): Promise<Record<string, number>> {
  const tables = ['node_sample', 'command_sample', 'keyspace_sample', 'hot_key_sample', 'slowlog_entry']
  const result: Record<string, number> = {}
  for (const table of [...tables, 'event', 'key', 'node_info', 'collector']) {
    const { rows } = await store.pool.query(`SELECT count(*)::integer AS n FROM ${table}`)
    result[table] = rows[0].n
  }
  return result
}

const fullTick = (at: number) =>
  emptyTick(at, {
    statuses: [status(at), status(at, { ...REPLICA, role: 'replica' })],
    samples: [sample(at, { opsPerSec: 100, usedMemoryBytes: 5e12 }), sample(at, { lagSeconds: 1 }, REPLICA)],
    commands: [
      {
        ...NODE,
        at,
        command: 'get',
        callsPerSec: 90,
        usPerCall: 2.5,
        failedPerSec: 0,
        rejectedPerSec: null,
        p50Us: null,
        p99Us: null,
        p999Us: null,
      },
    ],
    keyspaces: [{ ...NODE, at, db: 0, keys: 10, expires: 5, avgTtlMs: null }],
    hotKeys: [hotKey(at, 'article:42', 0.6), hotKey(at, 'article:7', 0.1)],
    slowlog: [
      {
        ...NODE,
        at: at - 500,
        entryId: 7,
        runId: 'r1',
        durationUs: 12_345,
        command: 'GET',
        keys: [new TextEncoder().encode('article:42')],
        argumentCount: 2,
        clientAddress: null,
      },
    ],
    events: [
      { at, cacheId: 'shop', address: NODE.address, shardOrdinal: 1, kind: 'restart', message: 'Restarted.' },
    ],
    infos: [{ ...NODE, at, info: 'redis_version:7.0.15' }],
  })

test('a tick saved twice, and once more with an older heartbeat, changes nothing', async () => {
  await saveTick(store, fullTick(NOW), collector(NOW))
  const before = await counts()
  expect(before).toEqual({
    node_sample: 2,
    command_sample: 1,
    keyspace_sample: 1,
    hot_key_sample: 2,
    slowlog_entry: 1,
    event: 1,
    key: 2,
    node_info: 1,
    collector: 1,
  })
  await saveTick(store, fullTick(NOW), { ...collector(NOW - 5_000), bufferedTicks: 9 })
  expect(await counts()).toEqual(before)
  expect(await listCollectors(store, NOW)).toMatchObject([{ bufferedTicks: 0 }])
  const [node] = await listNodes(store, { cacheId: 'shop' })
  expect(node).toMatchObject({
    state: 'up',
    latest: { opsPerSec: 100, usedMemoryBytes: 5e12, hitsPerSec: null },
  })
})

test('an older tick that comes late adds its rows and leaves the node as it is', async () => {
  await saveTick(
    store,
    emptyTick(NOW, { statuses: [status(NOW, { state: 'refused', message: 'No.' })] }),
    collector(NOW),
  )
  await saveTick(store, fullTick(NOW - 4_000), collector(NOW - 4_000))
  const [node] = await listNodes(store, { cacheId: 'shop' })
  expect(node).toMatchObject({
    state: 'refused',
    stateMessage: 'No.',
    stateSince: new Date(NOW).toISOString(),
  })
  expect((await counts()).node_sample).toBe(2)
})

test('rows of unknown nodes and caches are left out, the rest is saved', async () => {
  const stranger = { cacheId: 'shop', address: '9.9.9.9:1' }
  const tick = fullTick(NOW)
  tick.samples.push(sample(NOW, {}, stranger), sample(NOW, {}, { cacheId: 'nowhere', address: 'x:1' }))
  tick.hotKeys.push(hotKey(NOW, 'k', 0.1, stranger), hotKey(NOW, 'k', 0.1, { cacheId: 'nowhere' }))
  tick.events.push({
    at: NOW,
    cacheId: 'nowhere',
    address: null,
    shardOrdinal: null,
    kind: 'restart',
    message: '-',
  })
  await saveTick(store, tick, collector(NOW))
  expect(await counts()).toMatchObject({ node_sample: 2, hot_key_sample: 2, event: 1 })
})

test('a node that is not up has a gap, not a sample', async () => {
  const tick = emptyTick(NOW, {
    statuses: [status(NOW, { state: 'loading', message: 'Loading.' })],
    samples: [sample(NOW, { opsPerSec: 0 })],
  })
  await saveTick(store, tick, collector(NOW))
  expect((await counts()).node_sample).toBe(0)
})

test('a day without a partition loses no row', async () => {
  for (const at of [NOW - 3 * DAY_MS, NOW + DAY_MS]) await saveTick(store, fullTick(at), collector(at))
  expect(await counts()).toMatchObject({ node_sample: 4, hot_key_sample: 4, slowlog_entry: 2 })
})

test.each<[string, Uint8Array]>([
  ['NUL', Uint8Array.of(0)],
  ['empty', new Uint8Array()],
  ['invalid UTF-8', Uint8Array.of(0xff, 0xc0, 0x80)],
  ['10 KB', new Uint8Array(10_240).map((_, index) => index % 251)],
  ['quotes and backslashes', new TextEncoder().encode(`'"\\ $$ %s \n`)],
])('key round trip: %s', async (_name, key) => {
  await saveTick(
    store,
    emptyTick(NOW, { statuses: [status(NOW)], hotKeys: [hotKey(NOW, key, 0.5, { db: 3 })] }),
    collector(NOW),
  )
  const { items } = await listHotKeys(store, { limit: 10, now: NOW })
  expect(items).toHaveLength(1)
  expect(Buffer.from(items[0]?.keyBase64 ?? '', 'base64')).toEqual(Buffer.from(key))
  const range = parseRange({}, NOW + 1)
  const detail = await getHotKey(store, { cacheId: 'shop', db: 3, key, range, now: NOW })
  expect(detail).toMatchObject({ db: 3, current: [{ share: 0.5 }] })
  expect(await getHotKey(store, { cacheId: 'shop', db: 0, key, range, now: NOW })).toBeNull()
})

test('text that Postgres cannot hold is made storable', async () => {
  const message = `bad \0 \ud800 text`
  await saveTick(
    store,
    emptyTick(NOW, {
      statuses: [status(NOW, { state: 'error', message })],
      infos: [{ ...NODE, at: NOW, info: message }],
    }),
    collector(NOW),
  )
  const [node] = await listNodes(store, {})
  expect(node?.stateMessage).toBe('bad \ufffd \ufffd text')
  expect((await getNodeInfo(store, node?.nodeId ?? 0))?.info).toBe('bad \ufffd \ufffd text')
})

test('the slow log keeps command and keys, and drops what is older than a week', async () => {
  const tick = fullTick(NOW)
  const entry = tick.slowlog[0]
  if (entry !== undefined) tick.slowlog.push({ ...entry, entryId: 1, at: NOW - 90 * DAY_MS })
  await saveTick(store, tick, collector(NOW))
  const rows = await listSlowlog(store, { cacheId: 'shop', range: parseRange({}, NOW), limit: 10 })
  expect(rows).toEqual([
    expect.objectContaining({
      durationUs: 12_345,
      command: 'GET',
      keys: [expect.objectContaining({ key: 'article:42' })],
    }),
  ])
})

test('300 nodes with all that a tick can bring are saved in one round trip', async () => {
  const addresses = Array.from({ length: 300 }, (_, index) => `10.1.${index >> 8}.${index & 255}:6379`)
  await saveCaches(store, [
    { cacheId: 'big', kind: 'cluster', seeds: [], intervalMs: 2_000, mitigationsEnabled: true },
  ])
  await saveTopology(store, {
    cacheId: 'big',
    at: NOW,
    shards: addresses.map((address, index) => ({
      ordinal: index + 1,
      slots: null,
      nodes: [{ address, role: 'primary', clusterNodeId: null }],
    })),
  })
  const save = (index: number) => {
    const at = NOW + index * 2_000
    const nodes = addresses.map((address) => ({ cacheId: 'big', address }))
    const tick = emptyTick(at, {
      statuses: nodes.map((node) => status(at, node)),
      samples: nodes.map((node) =>
        sample(at, { opsPerSec: index, hitsPerSec: 1, usedMemoryBytes: 1e9 }, node),
      ),
    })
    return saveTick(store, tick, collector(at))
  }
  // The first of a day that has no partition yet makes it.
  await save(0)
  const queries = vi.spyOn(store.pool, 'query')
  const connections = vi.spyOn(store.pool, 'connect')
  for (let index = 1; index < 12; index++) await save(index)
  expect(queries).toHaveBeenCalledTimes(11)
  // A transaction would hold a connection of its own for several statements.
  expect(connections).toHaveBeenCalledTimes(11)
  expect((await counts()).node_sample).toBe(3_600)
})

test('notifies the caches of the tick', async () => {
  const client = await connect(database.url)
  await client.query('LISTEN cachescope')
  const payload = new Promise<string>((resolve) =>
    client.once('notification', (m) => resolve(m.payload ?? '')),
  )
  await saveTick(store, fullTick(NOW), collector(NOW))
  expect(JSON.parse(await payload)).toEqual({ cacheIds: ['shop'] })
  await client.end()
})

test('a topology replaces the one before; a node that returns begins anew; an older one is ignored', async () => {
  await saveTick(store, fullTick(NOW), collector(NOW))
  const only = (address: string) => [
    { ordinal: 1, slots: null, nodes: [{ address, role: 'primary' as const, clusterNodeId: null }] },
  ]
  await saveTopology(store, { cacheId: 'shop', at: NOW + 1, shards: only('10.0.0.9:1') })
  expect((await listNodes(store, { cacheId: 'shop' })).map((node) => node.address)).toEqual(['10.0.0.9:1'])
  await saveTopology(store, { cacheId: 'shop', at: NOW, shards: [] })
  expect(await listTopologies(store)).toEqual([{ cacheId: 'shop', at: NOW + 1, shards: only('10.0.0.9:1') }])
  await saveTopology(store, { cacheId: 'shop', at: NOW + 2, shards: only(NODE.address) })
  const [node] = await listNodes(store, { cacheId: 'shop' })
  expect(node).toMatchObject({
    address: NODE.address,
    state: 'pending',
    firstSeenAt: new Date(NOW - 1_000).toISOString(),
  })
  await saveCaches(store, [])
  expect(await listTopologies(store)).toEqual([])
})

test('events page by page, each once', async () => {
  const events = Array.from({ length: 25 }, (_, index) => ({
    at: NOW + Math.floor(index / 5),
    cacheId: 'shop',
    address: null,
    shardOrdinal: null,
    kind: 'slots-moved' as const,
    message: `Move ${index}.`,
  }))
  await saveTick(store, emptyTick(NOW, { events }), collector(NOW))
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await listEvents(store, {
      cacheId: 'shop',
      limit: 4,
      ...(cursor === undefined ? {} : { cursor }),
    })
    seen.push(...page.items.map((event) => event.message))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  expect(seen).toHaveLength(25)
  expect(new Set(seen).size).toBe(25)
  expect(seen[0]).toBe('Move 24.')
})

test.each(['x', 'W10', Buffer.from('["1;drop","2"]').toString('base64url')])(
  'malformed cursor %j',
  async (cursor) => {
    await expect(listEvents(store, { limit: 1, cursor })).rejects.toMatchObject({
      code: 'invalid-parameter',
      where: 'cursor',
    })
  },
)

test('a lease has one holder, who renews it; others take it when it has run out or was released', async () => {
  expect(await acquireLeases(store, 'a', ['shop', 'unknown'], 60_000)).toEqual(['shop'])
  expect(await acquireLeases(store, 'b', ['shop'], 60_000)).toEqual([])
  expect(await acquireLeases(store, 'a', ['shop'], 1)).toEqual(['shop'])
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await acquireLeases(store, 'b', ['shop'], 60_000)).toEqual(['shop'])
  await releaseLeases(store, 'a')
  expect(await acquireLeases(store, 'a', ['shop'], 60_000)).toEqual([])
  await releaseLeases(store, 'b')
  const both = await Promise.all([
    acquireLeases(store, 'a', ['shop'], 60_000),
    acquireLeases(store, 'b', ['shop'], 60_000),
  ])
  expect(both.flat()).toEqual(['shop'])
})

test('only the reports of nodes that are up, and of the last 15 s, are current', async () => {
  const reports = [hotKey(NOW, 'here', 0.5), hotKey(NOW, 'there', 0.4, REPLICA)]
  await saveTick(
    store,
    emptyTick(NOW, {
      statuses: [status(NOW), status(NOW, { ...REPLICA, role: 'replica' })],
      hotKeys: reports,
    }),
    collector(NOW),
  )
  const current = async (now: number) =>
    (await listHotKeys(store, { limit: 10, now })).items.map((item) => item.key)
  expect(await current(NOW + 15_000)).toEqual(['here', 'there'])
  expect(await current(NOW + 15_001)).toEqual([])
  const refused = status(NOW + 1, { state: 'refused', message: 'Nothing listens.' })
  await saveTick(store, emptyTick(NOW + 1, { statuses: [refused] }), collector(NOW + 1))
  expect(await current(NOW + 1)).toEqual(['there'])
  expect((await listShards(store, 'shop', NOW + 1))[0]?.hottestKey?.key).toBe('there')
})

test('the hottest key of a shard is the one with the most commands on all its nodes', async () => {
  await saveTick(
    store,
    emptyTick(NOW, {
      statuses: [status(NOW), status(NOW, { ...REPLICA, role: 'replica' })],
      samples: [sample(NOW, { opsPerSec: 1_000 }), sample(NOW, { opsPerSec: 1_000 }, REPLICA)],
      hotKeys: [hotKey(NOW, 'one node', 0.5), hotKey(NOW, 'both', 0.4), hotKey(NOW, 'both', 0.45, REPLICA)],
    }),
    collector(NOW),
  )
  const [shard] = await listShards(store, 'shop', NOW)
  expect(shard?.hottestKey).toMatchObject({ key: 'both', opsPerSec: 450 })
})

test('a cluster that says it does not serve is down until it serves, or another collector sees that it does', async () => {
  const tell = (at: number, kind: 'cluster-down' | 'cluster-ok', message: string) => {
    const statuses = [status(at), status(at, { ...REPLICA, role: 'replica' })]
    const events = [{ at, cacheId: 'shop', address: null, shardOrdinal: null, kind, message }]
    return saveTick(store, emptyTick(at, { statuses, events }), collector(at))
  }
  const health = async () => (await listCaches(store, NOW + 10))[0]
  await acquireLeases(store, 'a', ['shop'], 60_000)
  await tell(NOW, 'cluster-down', 'The cluster does not serve.')
  expect(await health()).toMatchObject({ health: 'down', healthReason: 'The cluster does not serve.' })
  await tell(NOW + 1, 'cluster-ok', 'The cluster serves again.')
  expect(await health()).toMatchObject({ health: 'ok' })
  await tell(NOW + 2, 'cluster-down', 'Down again.')
  await acquireLeases(store, 'a', ['shop'], 60_000)
  expect((await getCache(store, 'shop', NOW + 10))?.health).toBe('down')
  await releaseLeases(store, 'a')
  expect(await health()).toMatchObject({ health: 'down' })
  await acquireLeases(store, 'b', ['shop'], 60_000)
  expect(await health()).toMatchObject({ health: 'ok' })
  await tell(NOW + 3, 'cluster-down', 'Still down.')
  expect(await health()).toMatchObject({ health: 'down', healthReason: 'Still down.' })
})
