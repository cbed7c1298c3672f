import { afterEach, beforeEach, expect, test } from 'vitest'
import { slotOf } from '../../core/key-slot.ts'
import type { Mitigation } from '../../core/mitigations/model.ts'
import type { EventKind } from '../../core/model.ts'
import type { HotKeySample, Tick } from '../../core/sample.ts'
import type { Waits } from '../../core/waits.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { measureWindow } from '../../store/mitigation-measures.ts'
import { type MitigationSample, saveMitigationSample } from '../../store/mitigation-samples.ts'
import { createMitigation } from '../../store/mitigations.ts'
import { saveTick } from '../../store/tick.ts'
import { saveCaches, saveTopology } from '../../store/topology.ts'
import { mitigationRequest, splitPreview } from '../support/mitigation-rows.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { collector, emptyTick, hotKey, sample, status } from '../support/tick.ts'

const FROM = Date.UTC(2026, 0, 31, 12, 0, 0)
const TO = FROM + 60_000
/** Slot 5605: of the second shard. */
const KEY = 'article:42'
const keyBase64 = Buffer.from(KEY).toString('base64')
const COPY = '{hk0.1}:article:42'
const primaryOf = (ordinal: number) => ({ cacheId: 'shop', address: `10.0.0.${ordinal}:7000` })
const REPLICA = { cacheId: 'shop', address: '10.0.0.2:7001' }

let database: TestDatabase
let store: Store
let split: Mitigation

beforeEach(async () => {
  database = await createTestDatabase()
  store = openStore(database.url)
  await saveCaches(store, [
    {
      cacheId: 'shop',
      kind: 'cluster',
      seeds: ['10.0.0.1:7000'],
      intervalMs: 2_000,
      mitigationsEnabled: true,
    },
  ])
  await saveTopology(store, {
    cacheId: 'shop',
    at: FROM - 60_000,
    shards: [1, 2].map((ordinal) => ({
      ordinal,
      slots: [[(ordinal - 1) * 5_000, ordinal === 2 ? 16_383 : 4_999]],
      nodes: [
        { address: primaryOf(ordinal).address, role: 'primary' as const, clusterNodeId: `p${ordinal}` },
        ...(ordinal === 2
          ? [{ address: REPLICA.address, role: 'replica' as const, clusterNodeId: 'r2' }]
          : []),
      ],
    })),
  })
  const made = await createMitigation(store, mitigationRequest(keyBase64), {
    idempotencyKey: null,
    preview: splitPreview(keyBase64, [COPY]),
    label: KEY,
    now: FROM - 30_000,
  })
  split = made.mitigation
})
afterEach(async () => {
  await closeStore(store)
  await database.drop()
})

const save = (at: number, rows: Partial<Tick>) => saveTick(store, emptyTick(at, rows), collector(at))
const measure = (of: Mitigation = split) => measureWindow(store, of, FROM, TO)

const SAMPLE: Omit<MitigationSample, 'at'> = {
  instances: 3,
  readsPerSec: 900,
  localHitsPerSec: 0,
  localMissesPerSec: 0,
  variantReadsPerSec: [450, 450],
  replicaReadsPerSec: 0,
  fallbacksPerSec: 0,
  invalidationsPerSec: 0,
  errorsPerSec: 0,
  p50Us: 200,
  p99Us: 900,
  probes: 10,
  diverged: 0,
}

function saveApps(at: number, over: Partial<MitigationSample>): Promise<void> {
  return saveMitigationSample(store, split.mitigationId, {
    ...SAMPLE,
    at: new Date(at).toISOString(),
    ...over,
  })
}

/** A report every five seconds on the second shard's primary, with the key where `rate` says so. */
async function saveReports(rate: (index: number) => number | null, over: Partial<HotKeySample> = {}) {
  for (let index = 0; index < 12; index++) {
    const at = FROM + (index + 1) * 5_000
    const opsPerSec = rate(index)
    const other = hotKey(at, 'article:7', 0.01, { ...primaryOf(2), opsPerSec: 20, rank: 2, ...over })
    await save(at, {
      hotKeys:
        opsPerSec === null ? [other] : [hotKey(at, KEY, 0.4, { ...primaryOf(2), opsPerSec, ...over }), other],
    })
  }
}

test('shards and nodes are averaged over the span, what lies outside is not in it', async () => {
  const first = { ...primaryOf(1) }
  for (const [at, load] of [
    [FROM, 99_999],
    [FROM + 2_000, 1_000],
    [FROM + 4_000, 2_000],
    [TO + 2_000, 99_999],
  ] as const) {
    await save(at, {
      statuses: [status(at, first)],
      samples: [
        sample(
          at,
          { opsPerSec: load, hitsPerSec: 80, missesPerSec: 20, errorsPerSec: 1, cpuShare: 0.1 },
          first,
        ),
        sample(
          at,
          {
            opsPerSec: 4 * load,
            hitsPerSec: 100,
            missesPerSec: 0,
            cpuShare: load / 10_000,
            netOutBytesPerSec: 5 * load,
          },
          primaryOf(2),
        ),
        sample(at, { opsPerSec: load / 2 }, REPLICA),
      ],
    })
  }
  const window = await measure()
  expect(window).toMatchObject({
    from: new Date(FROM).toISOString(),
    to: new Date(TO).toISOString(),
    missesPerSec: 20,
    hitRate: 0.9,
    errorsPerSec: 1,
    netOutBytesPerSec: 7_500,
    keyOpsPerSec: null,
    keyReadsByAppPerSec: null,
    instances: null,
    p99Us: null,
    timedReads: 0,
  })
  expect(window.cpuShare).toBeCloseTo(0.15)
  expect(window.shards.map((shard) => [shard.ordinal, shard.opsPerSec])).toEqual([
    [1, 1_500],
    [2, 6_750],
  ])
  expect(window.hottestOverMean).toBeCloseTo((6_750 * 2) / 8_250)
})

test('the key is what the servers report of all its names', async () => {
  await saveReports(() => 400)
  for (let index = 0; index < 12; index++) {
    const at = FROM + (index + 1) * 5_000
    await save(at, { hotKeys: [hotKey(at, COPY, 0.4, { ...primaryOf(1), opsPerSec: 300 })] })
  }
  expect(await measure()).toMatchObject({
    keyOpsPerSec: 700,
    nameOpsPerSec: [400, 300],
    keyPrimaryOpsPerSec: 400,
  })
})

test('the names are those that it was prepared with, where their slots are now', async () => {
  const other = '{hk7.x}:article:42'
  const keysBase64 = [keyBase64, Buffer.from(other).toString('base64')]
  const variants = { keysBase64, writeFanout: true }
  const state = {
    plan: { local: null, variants, replicaRead: false },
    copies: keysBase64.slice(1),
    refusal: null,
    isInUse: true,
  }
  const prepare = (as: object) =>
    store.pool.query('UPDATE mitigation SET state = $1 WHERE mitigation_id = $2', [
      JSON.stringify(as),
      split.mitigationId,
    ])
  await prepare(state)
  await saveReports(() => 400)
  const onFirst = slotOf(new TextEncoder().encode(other)) < 5_000
  for (let index = 0; index < 12; index++) {
    const at = FROM + (index + 1) * 5_000
    const where = primaryOf(onFirst ? 1 : 2)
    await save(at, { hotKeys: [hotKey(at, other, 0.3, { ...where, opsPerSec: 300, rank: 3 })] })
  }
  const window = await measure()
  expect(window).toMatchObject({ nameOpsPerSec: [400, 300], keyOpsPerSec: 700 })
  const { shards } = window
  expect(window.nameShardIds).toEqual([shards[1]?.shardId, shards[onFirst ? 0 : 1]?.shardId])

  await prepare({ ...state, plan: { local: null, variants: null, replicaRead: true }, copies: [] })
  expect(await measure()).toMatchObject({
    nameOpsPerSec: null,
    nameShardIds: [shards[1]?.shardId],
    keyOpsPerSec: 400,
  })
})

test('of a name that is in most reports, a report without it counts as the least that it lists', async () => {
  // The first report tells of what was before: eleven are counted.
  await saveReports((index) => (index === 11 ? null : 400))
  const window = await measure({ ...split, preview: null })
  expect(window.keyOpsPerSec).toBeCloseTo((10 * 400 + 20) / 11)
  expect(window.nameOpsPerSec).toBeNull()
})

test('a key that fell off the list is told by the applications', async () => {
  await saveReports((index) => (index < 4 ? 400 : null))
  expect((await measure()).keyOpsPerSec).toBeNull()
  await saveApps(FROM + 20_000, { localHitsPerSec: 860 })
  await saveApps(FROM + 40_000, { readsPerSec: 1_000, localHitsPerSec: 980, p99Us: 1_100 })
  expect(await measure()).toMatchObject({
    keyOpsPerSec: 30,
    keyReadsByAppPerSec: 950,
    localHitsPerSec: 920,
    p99Us: 1_000,
    timedReads: 0,
    p99HighUs: null,
    instances: 3,
  })
})

test('reads of names are as the applications counted them, a missing copy’s at the key itself', async () => {
  await saveApps(FROM - 1_000, { variantReadsPerSec: [9_000, 9_000] })
  await saveApps(FROM + 10_000, { variantReadsPerSec: [400, 500], fallbacksPerSec: 20 })
  await saveApps(FROM + 20_000, { variantReadsPerSec: [500, 400], fallbacksPerSec: 40, errorsPerSec: 2 })
  await save(FROM + 10_000, {
    samples: [sample(FROM + 10_000, { missesPerSec: 50, hitsPerSec: 80 }, primaryOf(1))],
  })
  expect(await measure()).toMatchObject({
    nameOpsPerSec: [480, 450],
    keyOpsPerSec: 900,
    // 30 of 50 misses were of copies, and went on to the key itself.
    missesPerSec: 20,
    hitRate: 0.8,
    libraryErrorsPerSec: 1,
  })
})

test('a split of which no heartbeat told has no counts of its own', async () => {
  await saveApps(FROM + 10_000, { readsPerSec: null, localHitsPerSec: null, variantReadsPerSec: null })
  expect(await measure()).toMatchObject({ instances: null, nameOpsPerSec: [null, null], keyOpsPerSec: null })
})

test('reads by replicas: what is left on the primary', async () => {
  const replicate: Mitigation = { ...split, preview: null }
  await saveApps(FROM + 10_000, { readsPerSec: 900, replicaReadsPerSec: 400 })
  expect((await measure(replicate)).keyPrimaryOpsPerSec).toBe(500)
  await saveReports(() => 450)
  await save(FROM + 30_000, { hotKeys: [hotKey(FROM + 30_000, KEY, 0.4, { ...REPLICA, opsPerSec: 430 })] })
  expect(await measure(replicate)).toMatchObject({ keyPrimaryOpsPerSec: 450, keyOpsPerSec: 880 })
})

test('of a shard, its primary; of a node, itself; of the cache, the busiest', async () => {
  await save(FROM + 2_000, {
    samples: [
      sample(FROM + 2_000, { cpuShare: 0.3 }, primaryOf(1)),
      sample(FROM + 2_000, { cpuShare: 0.7 }, primaryOf(2)),
      sample(FROM + 2_000, { cpuShare: 0.1 }, REPLICA),
    ],
  })
  const { rows } = await store.pool.query<{ node_id: number; shard_id: number; address: string }>(
    'SELECT node_id, shard_id, address FROM node ORDER BY address',
  )
  const cpuOf = async (target: Mitigation['target']) => (await measure({ ...split, target })).cpuShare
  expect(await cpuOf({ kind: 'shard', shardId: rows[0]?.shard_id ?? 0 })).toBeCloseTo(0.3)
  expect(await cpuOf({ kind: 'node', nodeId: rows[2]?.node_id ?? 0 })).toBeCloseTo(0.1)
  expect(await cpuOf({ kind: 'cache' })).toBeCloseTo(0.7)
})

test('p99 is of all reads that were timed in the span, whoever told of them', async () => {
  const told = async (at: number, waits: Waits) => {
    const sample = { ...SAMPLE, at: new Date(at).toISOString() }
    await saveMitigationSample(store, split.mitigationId, sample, waits)
  }
  await told(FROM - 1_000, [[9_000_000, 1_000_000]])
  await told(FROM + 5_000, [
    [100, 9_000],
    [800, 950],
  ])
  await told(FROM + 10_000, [
    [800, 30],
    [40_000, 20],
  ])
  const window = await measure()
  expect(window.timedReads).toBe(10_000)
  // 20 of 10,000 took longer: far fewer than a hundredth, whatever chance had done.
  for (const us of [window.p99Us, window.p99LowUs, window.p99HighUs]) {
    expect(us).toBeGreaterThan(700)
    expect(us).toBeLessThan(900)
  }
  await told(FROM + 15_000, [[40_000, 60]])
  const { p99Us, p99HighUs } = await measure()
  expect(p99Us).toBeLessThan(900)
  expect(p99HighUs).toBeGreaterThan(35_000)
})

test('a failure of the cache that is not of the mitigation is told, and only then', async () => {
  const event = (at: number, kind: EventKind, message: string) => ({
    ...{ at, cacheId: 'shop', address: primaryOf(1).address, shardOrdinal: 1, kind, message },
  })
  const incidentOf = async (of: Pick<Mitigation, 'action'> = split) =>
    (await measure({ ...split, ...of })).incident

  await save(FROM - 20_000, {
    statuses: [
      status(FROM - 20_000, primaryOf(1)),
      status(FROM - 20_000, { ...primaryOf(2), state: 'timeout' }),
    ],
    events: [event(FROM - 11_000, 'failover', 'Long over.'), event(FROM + 1_000, 'node-lost', 'Late.')],
  })
  await save(TO + 1_000, { events: [event(TO + 1_000, 'restart', 'To come.')] })
  expect(await incidentOf()).toBeNull()

  await save(FROM + 2_000, { events: [event(FROM + 2_000, 'slots-moved', '1 slot moved.')] })
  expect(await incidentOf()).toBe('1 slot moved.')
  expect(await incidentOf({ action: 'move-slot' })).toBeNull()

  await save(FROM + 3_000, { statuses: [status(FROM + 3_000, { ...primaryOf(1), state: 'refused' })] })
  expect(await incidentOf({ action: 'move-slot' })).toBe('10.0.0.1:7000 was down.')
  expect(await incidentOf({ action: 'failover' })).toBeNull()
})
