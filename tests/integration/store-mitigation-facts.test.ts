import { afterEach, beforeEach, expect, test } from 'vitest'
import type { HotKeySample, Tick } from '../../core/sample.ts'
import { saveHeartbeats } from '../../store/app-instances.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { readMitigationFacts } from '../../store/mitigation-facts.ts'
import { createMitigation } from '../../store/mitigations.ts'
import { saveTick } from '../../store/tick.ts'
import { saveCaches, saveTopology } from '../../store/topology.ts'
import { clientCounts, heartbeatOf } from '../support/heartbeat.ts'
import { mitigationRequest, splitPreview } from '../support/mitigation-rows.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { collector, emptyTick, hotKey, sample, status } from '../support/tick.ts'

const NOW = Date.UTC(2026, 0, 31, 12, 0, 10)
/** Slot 5605: of the second shard. */
const KEY = 'article:42'
const keyBase64 = Buffer.from(KEY).toString('base64')
const PRIMARY = { cacheId: 'shop', address: '10.0.0.2:7000' }
const REPLICA = { cacheId: 'shop', address: '10.0.0.2:7001' }

let database: TestDatabase
let store: Store

beforeEach(async () => {
  database = await createTestDatabase()
  store = openStore(database.url)
  await saveCaches(store, [
    {
      cacheId: 'shop',
      kind: 'cluster',
      seeds: [PRIMARY.address],
      intervalMs: 2_000,
      mitigationsEnabled: true,
    },
  ])
  await saveTopology(store, {
    cacheId: 'shop',
    at: NOW - 60_000,
    shards: [1, 2, 3].map((ordinal) => ({
      ordinal,
      slots: [[(ordinal - 1) * 5_462, Math.min(ordinal * 5_462, 16_384) - 1]],
      nodes: [
        { address: `10.0.0.${ordinal}:7000`, role: 'primary', clusterNodeId: `p${ordinal}` },
        { address: `10.0.0.${ordinal}:7001`, role: 'replica', clusterNodeId: `r${ordinal}` },
      ],
    })),
  })
})
afterEach(async () => {
  await closeStore(store)
  await database.drop()
})

const save = (at: number, rows: Partial<Tick>) => saveTick(store, emptyTick(at, rows), collector(at))
const report = (at: number, over: Partial<HotKeySample> = {}) =>
  hotKey(at, KEY, 0.5, { ...PRIMARY, opsPerSec: 500, readsPerSec: 490, writesPerSec: 10, ...over })
const read = () =>
  readMitigationFacts(store, { cacheId: 'shop', target: { kind: 'key', db: 0, keyBase64 } }, NOW)

test('nodes are told as they were last sampled, with the memory of their machine', async () => {
  await save(NOW, {
    statuses: [
      status(NOW, { ...PRIMARY, maxMemoryPolicy: 'allkeys-lru' }),
      status(NOW, { ...REPLICA, role: 'replica' }),
    ],
    samples: [
      sample(NOW, { opsPerSec: 6_000, cpuShare: 0.5, missesPerSec: 30, hitsPerSec: 70 }, PRIMARY),
      sample(NOW, { opsPerSec: 100, lagSeconds: 1, lagBytes: 7 }, REPLICA),
    ],
    infos: [{ ...PRIMARY, at: NOW, info: '# Memory\r\nused_memory:5\r\ntotal_system_memory:8123456789\r\n' }],
  })
  const { cache, shards, key } = await read()
  expect(cache).toMatchObject({
    kind: 'cluster',
    mitigationsEnabled: true,
    missesPerSec: 30,
    hitRate: 0.7,
    sampledAt: NOW,
    failoverAt: null,
  })
  expect(shards.map(({ ordinal, opsPerSec }) => [ordinal, opsPerSec])).toEqual([
    [1, null],
    [2, 6_100],
    [3, null],
  ])
  expect(shards[1]?.nodes).toMatchObject([
    {
      ...{ address: PRIMARY.address },
      role: 'primary',
      systemMemoryBytes: 8_123_456_789,
      maxMemoryPolicy: 'allkeys-lru',
    },
    { address: REPLICA.address, role: 'replica', lagSeconds: 1, lagBytes: 7, systemMemoryBytes: null },
  ])
  expect(key).toMatchObject({
    label: KEY,
    slot: 5_605,
    ownerShardId: shards[1]?.shardId,
    at: null,
    readsPerSec: null,
    commands: [],
    client: null,
  })
})

test('a key is told by its newest reports, its writes by the last minute, its commands by the last hour', async () => {
  const long = NOW - 40 * 60_000
  await save(long, {
    hotKeys: [
      report(long, {
        topCommand: 'STRLEN',
        commands: ['STRLEN', 'INCR'],
        sizeBytes: 480,
        isMissing: false,
        probedAt: long,
      }),
    ],
  })
  // As a collector of the version before saves it: without commands.
  await save(long + 5_000, { hotKeys: [report(long + 5_000, { topCommand: 'GETRANGE', commands: [] })] })
  await save(NOW - 7_000, { hotKeys: [report(NOW - 7_000, { writesPerSec: 0 })] })
  await save(NOW - 2_000, {
    hotKeys: [
      report(NOW - 2_000, { writesPerSec: 2, opsPerSecLow: 470, opsPerSecHigh: 530 }),
      report(NOW - 2_000, {
        ...REPLICA,
        opsPerSec: 100,
        readsPerSec: 100,
        writesPerSec: 0,
        opsPerSecLow: 60,
        opsPerSecHigh: 140,
      }),
    ],
  })
  const { key, shards } = await read()
  expect(key).toMatchObject({
    at: NOW - 2_000,
    source: 'monitor',
    opsPerSec: 600,
    opsPerSecLow: 550,
    opsPerSecHigh: 650,
    readsPerSec: 590,
    writesPerSec: 1,
    commands: ['GET', 'GETRANGE', 'INCR', 'STRLEN'],
    sizeBytes: 480,
    isMissing: false,
    probedAt: long,
  })
  const nodes = shards[1]?.nodes.map((node) => node.nodeId)
  expect(key?.byNode.map((node) => [nodes?.indexOf(node.nodeId), node.opsPerSec])).toEqual([
    [0, 500],
    [1, 100],
  ])
})

test('a node that had the key long ago does not add to what it has now', async () => {
  await save(NOW - 600_000, { hotKeys: [report(NOW - 600_000, { ...REPLICA, opsPerSec: 999 })] })
  await save(NOW - 2_000, { hotKeys: [report(NOW - 2_000)] })
  expect((await read()).key?.opsPerSec).toBe(500)
})

test('what applications count themselves stands beside what the servers show', async () => {
  const counted = { source: 'client' as const, opsPerSec: 252, readsPerSec: 250, writesPerSec: 2 }
  await save(NOW - 3_000, { hotKeys: [report(NOW - 3_000)] })
  await save(NOW - 2_000, { hotKeys: [report(NOW - 2_000, counted)] })
  expect((await read()).key).toMatchObject({
    source: 'monitor',
    readsPerSec: 490,
    client: { at: NOW - 2_000, readsPerSec: 250, writesPerSec: 2 },
  })
})

test('applications are those heard of lately, running mitigations those that are not off', async () => {
  const beat = (id: string, seenAt: number, over: object = {}) => ({
    heartbeat: { ...heartbeatOf(id, seenAt, clientCounts({})), ...over },
    seenAt,
  })
  await saveHeartbeats(store, 'shop', [
    beat('a', NOW - 1_000),
    beat('b', NOW - 14_000, { host: 'web-2' }),
    beat('c', NOW - 2_000, { state: 'disabled' }),
    beat('gone', NOW - 16_000, { host: 'web-9' }),
    beat('x', NOW - 1_000, { app: 'admin', library: '@cachescope/client 0.2.0' }),
  ])
  const { mitigation } = await createMitigation(store, mitigationRequest(keyBase64), {
    idempotencyKey: null,
    preview: splitPreview(keyBase64),
    label: KEY,
    now: NOW - 30_000,
  })
  await store.pool.query('UPDATE mitigation SET acknowledgement = $1', [
    {
      at: new Date(NOW - 5_000).toISOString(),
      applied: 3,
      instances: 3,
      laggards: [],
      connectionsWithoutLibrary: 4,
    },
  ])
  const facts = await read()
  expect(facts.apps).toEqual([
    { app: 'admin', instances: 1, hosts: ['web-1'], library: '@cachescope/client 0.2.0', disabled: 0 },
    {
      app: 'shop',
      instances: 3,
      hosts: ['web-1', 'web-2'],
      library: '@cachescope/client 0.1.0',
      disabled: 1,
    },
  ])
  expect(facts.connectionsWithoutLibrary).toBe(4)
  expect(facts.running).toEqual([
    {
      mitigationId: mitigation.mitigationId,
      action: 'split',
      target: { kind: 'key', db: 0, keyBase64 },
      targetKey: `key 0 ${keyBase64}`,
      parameters: { variants: null, writeFanout: true },
      label: KEY,
      phase: 'prepare',
      expiresAt: NOW - 30_000 + 3_600_000,
      isMeasured: false,
    },
  ])
  await store.pool.query(`UPDATE mitigation SET phase = 'active'`)
  await store.pool.query(
    `INSERT INTO mitigation_step (mitigation_id, phase, name, started_at, result)
    VALUES ($1, 'active', 'finish', now(), 'ok')`,
    [mitigation.mitigationId],
  )
  expect((await read()).running).toMatchObject([{ phase: 'active', isMeasured: true }])
  await store.pool.query(`UPDATE mitigation SET phase = 'off'`)
  expect((await read()).running).toEqual([])
})

test('a failover of the last hour is told with its time', async () => {
  const event = { ...PRIMARY, shardOrdinal: 2, kind: 'failover' as const, message: 'r2 was promoted.' }
  await save(NOW - 9_000, { events: [{ ...event, at: NOW - 9_000 }] })
  expect((await read()).cache.failoverAt).toBe(NOW - 9_000)
})

test('a cache that is not there is said to be not there', async () => {
  await expect(
    readMitigationFacts(store, { cacheId: 'nope', target: { kind: 'cache' } }, NOW),
  ).rejects.toMatchObject({ code: 'not-found' })
})
