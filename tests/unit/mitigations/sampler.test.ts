/** Rates from the counters of heartbeats: whether all who tell of a policy are in them. */
import { expect, test } from 'vitest'
import { Sampler } from '../../../collector/mitigations/sampler.ts'
import type { AppInstance } from '../../../core/mitigations/app-instance.ts'

const NOW = Date.UTC(2026, 10, 25, 12)

function instance(instanceId: string, seconds: number, reads: number | null): AppInstance {
  return {
    ...{ cacheId: 'shop', app: 'shop', instanceId, host: 'h', pid: 1, library: 'x 1', rev: 1, errors: 0 },
    startedAt: new Date(NOW - 60_000).toISOString(),
    seenAt: new Date(NOW + seconds * 1_000).toISOString(),
    state: 'applying',
    policies:
      reads === null
        ? []
        : [
            {
              ...{ id: 'm1', phase: 'prepare' as const, tracker: 'off' as const, reads, variantReads: [] },
              ...{ localHits: 0, localMisses: 0, replicaReads: 0, fallbacks: 0, invalidations: 0, errors: 0 },
              ...{ p50Us: 100, p99Us: 900 },
            },
          ],
  }
}

test('a sample is of all once each instance that has the policy has told twice', () => {
  const sampler = new Sampler('m1', NOW - 1)
  const look = (instances: AppInstance[]) => sampler.sample(instances, null, NOW)
  expect(look([instance('a', 0, 0), instance('b', 0, null)])).toBeNull()
  expect(sampler.isComplete).toBe(false)
  expect(look([instance('a', 2, 100), instance('b', 1, 0)])).toMatchObject({ instances: 1, readsPerSec: 50 })
  expect(sampler.isComplete).toBe(false)
  // One that has told nothing new keeps its rate.
  expect(look([instance('a', 2, 100), instance('b', 3, 60)])).toMatchObject({
    ...{ instances: 2, readsPerSec: 80, p99Us: 900 },
  })
  expect(sampler.isComplete).toBe(true)
})

test('how long reads took is of all instances together, of each heartbeat once, until it is taken', () => {
  const sampler = new Sampler('m1', NOW - 1)
  const telling = (instanceId: string, seconds: number, waits: [number, number][]) => {
    const one = instance(instanceId, seconds, seconds * 10)
    return { ...one, policies: one.policies.map((policy) => ({ ...policy, waits })) }
  }
  const look = (instances: AppInstance[]) => sampler.sample(instances, null, NOW)
  look([telling('a', 0, [[200, 500]]), telling('b', 0, [[200, 480]])])
  const sample = look([telling('a', 0, [[200, 500]]), telling('b', 5, [[50_000, 20]])])
  // 20 of 1,000: the slowest instance alone would have told of 50 ms in all of its reads.
  expect(sample?.p50Us).toBeLessThan(220)
  expect(sample?.p99Us).toBeGreaterThan(45_000)
  expect(sampler.takeWaits()?.map(([, count]) => count)).toEqual([980, 20])
  expect(sampler.takeWaits()).toBeNull()
  // An instance that tells percentiles alone: as the slowest waited.
  expect(look([instance('a', 10, 200), instance('b', 10, 100)])).toMatchObject({ p99Us: 900 })
})

test('what was not saved goes with the next sample, and what a predecessor has saved does not come again', () => {
  const sampler = new Sampler('m1', NOW + 1_000)
  const look = (seconds: number) => {
    const one = instance('a', seconds, seconds * 10)
    const waits: [number, number][] = [[200, 10]]
    sampler.sample([{ ...one, policies: one.policies.map((policy) => ({ ...policy, waits })) }], null, NOW)
  }
  look(1)
  expect(sampler.takeWaits()).toBeNull()
  look(5)
  sampler.giveBack(sampler.takeWaits())
  look(10)
  expect(sampler.takeWaits()?.map(([, count]) => count)).toEqual([20])
})
