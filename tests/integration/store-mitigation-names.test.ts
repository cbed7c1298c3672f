/** What a window says of the key itself: by the servers' reports and the applications' counts, under each of its names. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { slotOf } from '../../core/key-slot.ts'
import type { Mitigation } from '../../core/mitigations/model.ts'
import type { HotKeySample } from '../../core/sample.ts'
import { type MitigationSample, saveMitigationSample } from '../../store/mitigation-samples.ts'
import {
  COPY,
  createMeasuredSplit,
  FROM,
  KEY,
  keyBase64,
  type MeasuredSplit,
  primaryOf,
  REPLICA,
  SAMPLE,
} from '../support/measured-split.ts'
import { hotKey, sample } from '../support/tick.ts'

let shop: MeasuredSplit
beforeEach(async () => {
  shop = await createMeasuredSplit()
})
afterEach(() => shop.drop())

function saveApps(at: number, over: Partial<MitigationSample>): Promise<void> {
  return saveMitigationSample(shop.store, shop.split.mitigationId, {
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
    await shop.save(at, {
      hotKeys:
        opsPerSec === null ? [other] : [hotKey(at, KEY, 0.4, { ...primaryOf(2), opsPerSec, ...over }), other],
    })
  }
}

test('the key is what the servers report of all its names', async () => {
  await saveReports(() => 400)
  for (let index = 0; index < 12; index++) {
    const at = FROM + (index + 1) * 5_000
    await shop.save(at, { hotKeys: [hotKey(at, COPY, 0.4, { ...primaryOf(1), opsPerSec: 300 })] })
  }
  expect(await shop.measure()).toMatchObject({
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
    shop.store.pool.query('UPDATE mitigation SET state = $1 WHERE mitigation_id = $2', [
      JSON.stringify(as),
      shop.split.mitigationId,
    ])
  await prepare(state)
  await saveReports(() => 400)
  const onFirst = slotOf(new TextEncoder().encode(other)) < 5_000
  for (let index = 0; index < 12; index++) {
    const at = FROM + (index + 1) * 5_000
    const where = primaryOf(onFirst ? 1 : 2)
    await shop.save(at, { hotKeys: [hotKey(at, other, 0.3, { ...where, opsPerSec: 300, rank: 3 })] })
  }
  const window = await shop.measure()
  expect(window).toMatchObject({ nameOpsPerSec: [400, 300], keyOpsPerSec: 700 })
  const { shards } = window
  expect(window.nameShardIds).toEqual([shards[1]?.shardId, shards[onFirst ? 0 : 1]?.shardId])

  await prepare({ ...state, plan: { local: null, variants: null, replicaRead: true }, copies: [] })
  expect(await shop.measure()).toMatchObject({
    nameOpsPerSec: null,
    nameShardIds: [shards[1]?.shardId],
    keyOpsPerSec: 400,
  })
})

test('of a name that is in most reports, a report without it counts as the least that it lists', async () => {
  // The first report tells of what was before: eleven are counted.
  await saveReports((index) => (index === 11 ? null : 400))
  const window = await shop.measure({ ...shop.split, preview: null })
  expect(window.keyOpsPerSec).toBeCloseTo((10 * 400 + 20) / 11)
  expect(window.nameOpsPerSec).toBeNull()
})

test('a key that fell off the list is told by the applications', async () => {
  await saveReports((index) => (index < 4 ? 400 : null))
  expect((await shop.measure()).keyOpsPerSec).toBeNull()
  await saveApps(FROM + 20_000, { localHitsPerSec: 860 })
  await saveApps(FROM + 40_000, { readsPerSec: 1_000, localHitsPerSec: 980, p99Us: 1_100 })
  expect(await shop.measure()).toMatchObject({
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
  await shop.save(FROM + 10_000, {
    samples: [sample(FROM + 10_000, { missesPerSec: 50, hitsPerSec: 80 }, primaryOf(1))],
  })
  expect(await shop.measure()).toMatchObject({
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
  expect(await shop.measure()).toMatchObject({
    instances: null,
    nameOpsPerSec: [null, null],
    keyOpsPerSec: null,
  })
})

test('reads by replicas: what is left on the primary', async () => {
  const replicate: Mitigation = { ...shop.split, preview: null }
  await saveApps(FROM + 10_000, { readsPerSec: 900, replicaReadsPerSec: 400 })
  expect((await shop.measure(replicate)).keyPrimaryOpsPerSec).toBe(500)
  await saveReports(() => 450)
  await shop.save(FROM + 30_000, {
    hotKeys: [hotKey(FROM + 30_000, KEY, 0.4, { ...REPLICA, opsPerSec: 430 })],
  })
  expect(await shop.measure(replicate)).toMatchObject({ keyPrimaryOpsPerSec: 450, keyOpsPerSec: 880 })
})
