import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Proof } from '../../core/mitigations/measures.ts'
import type { Mitigation } from '../../core/mitigations/model.ts'
import type { EventKind, NodeState } from '../../core/model.ts'
import type { Waits } from '../../core/waits.ts'
import { saveMitigationSample } from '../../store/mitigation-samples.ts'
import {
  createMeasuredSplit,
  FROM,
  type MeasuredSplit,
  primaryOf,
  REPLICA,
  SAMPLE,
  TO,
} from '../support/measured-split.ts'
import { sample, status } from '../support/tick.ts'

let shop: MeasuredSplit
beforeEach(async () => {
  shop = await createMeasuredSplit()
})
afterEach(() => shop.drop())

const up = (at: number, node: ReturnType<typeof primaryOf>) =>
  shop.save(at, { statuses: [status(at, node)], samples: [sample(at, {}, node)] })

test('shards and nodes are averaged over the span, what lies outside is not in it', async () => {
  const first = { ...primaryOf(1) }
  for (const [at, load] of [
    [FROM, 99_999],
    [FROM + 2_000, 1_000],
    [FROM + 4_000, 2_000],
    [TO + 2_000, 99_999],
  ] as const) {
    await shop.save(at, {
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
  const window = await shop.measure()
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

test('of a shard, its primary; of a node, itself; of the cache, the busiest', async () => {
  await shop.save(FROM + 2_000, {
    samples: [
      sample(FROM + 2_000, { cpuShare: 0.3 }, primaryOf(1)),
      sample(FROM + 2_000, { cpuShare: 0.7 }, primaryOf(2)),
      sample(FROM + 2_000, { cpuShare: 0.1 }, REPLICA),
    ],
  })
  const { rows } = await shop.store.pool.query<{ node_id: number; shard_id: number; address: string }>(
    'SELECT node_id, shard_id, address FROM node ORDER BY address',
  )
  const cpuOf = async (target: Mitigation['target']) =>
    (await shop.measure({ ...shop.split, target })).cpuShare
  expect(await cpuOf({ kind: 'shard', shardId: rows[0]?.shard_id ?? 0 })).toBeCloseTo(0.3)
  expect(await cpuOf({ kind: 'node', nodeId: rows[2]?.node_id ?? 0 })).toBeCloseTo(0.1)
  expect(await cpuOf({ kind: 'cache' })).toBeCloseTo(0.7)
})

test('p99 is of all reads that were timed in the span, whoever told of them', async () => {
  const told = async (at: number, waits: Waits) => {
    const sample = { ...SAMPLE, at: new Date(at).toISOString() }
    await saveMitigationSample(shop.store, shop.split.mitigationId, sample, waits)
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
  const window = await shop.measure()
  expect(window.timedReads).toBe(10_000)
  // 20 of 10,000 took longer: far fewer than a hundredth, whatever chance had done.
  for (const us of [window.p99Us, window.p99LowUs, window.p99HighUs]) {
    expect(us).toBeGreaterThan(700)
    expect(us).toBeLessThan(900)
  }
  await told(FROM + 15_000, [[40_000, 60]])
  const { p99Us, p99HighUs } = await shop.measure()
  expect(p99Us).toBeLessThan(900)
  expect(p99HighUs).toBeGreaterThan(35_000)
})

test('a failure of the cache that is not of the mitigation is told, and only then', async () => {
  const event = (at: number, kind: EventKind, message: string) => ({
    ...{ at, cacheId: 'shop', address: primaryOf(1).address, shardOrdinal: 1, kind, message },
  })
  const incidentOf = async (of: Pick<Mitigation, 'action'> = shop.split) =>
    (await shop.measure({ ...shop.split, ...of })).incident

  await shop.save(FROM - 20_000, {
    statuses: [
      status(FROM - 20_000, primaryOf(1)),
      status(FROM - 20_000, { ...primaryOf(2), state: 'timeout' }),
    ],
    events: [event(FROM - 11_000, 'failover', 'Long over.'), event(FROM + 1_000, 'node-lost', 'Late.')],
  })
  await shop.save(TO + 1_000, { events: [event(TO + 1_000, 'restart', 'To come.')] })
  expect(await incidentOf()).toBeNull()

  await shop.save(FROM + 2_000, { events: [event(FROM + 2_000, 'slots-moved', '1 slot moved.')] })
  expect(await incidentOf()).toBe('1 slot moved.')
  expect(await incidentOf({ action: 'move-slot' })).toBeNull()

  await up(FROM + 1_000, primaryOf(1))
  await shop.save(FROM + 3_000, { statuses: [status(FROM + 3_000, { ...primaryOf(1), state: 'refused' })] })
  expect(await incidentOf({ action: 'move-slot' })).toBe('10.0.0.1:7000 was down.')
  expect(await incidentOf({ action: 'failover' })).toBeNull()
})

test('a node that was gone before the window before began is no incident, whatever it is gone by', async () => {
  const is = (at: number, state: NodeState, node = REPLICA) =>
    shop.save(at, { statuses: [status(at, { ...node, state })] })
  await up(FROM - 80_000, REPLICA)
  await is(FROM - 70_000, 'refused')
  const before = await shop.measure()
  expect(before.incident).toBeNull()
  // A dead host is gone in several ways by turns.
  await is(FROM + 2_000, 'timeout')
  await is(FROM + 4_000, 'unreachable')
  expect((await shop.measure()).incident).toBeNull()

  await up(FROM - 30_000, primaryOf(2))
  await is(FROM - 25_000, 'refused', primaryOf(2))
  expect((await shop.measure()).incident).toBeNull()
  const proof: Proof = {
    ...{ before: { ...before, from: new Date(FROM - 60_000).toISOString() }, after: [] },
    ...{ verdict: null, because: null, decidedAt: null, divergence: null },
  }
  expect((await shop.measure({ ...shop.split, proof })).incident).toBe('10.0.0.2:7000 was down.')
})
