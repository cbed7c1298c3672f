/** What is measured of a mitigation after its verdict, and what is written of those who take part, on a real database. */
import { beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../collector/clock.ts'
import { Journal, type JournalOptions } from '../../../collector/mitigations/journal.ts'
import { Prover } from '../../../collector/mitigations/prover.ts'
import type { Measures, Proof } from '../../../core/mitigations/measures.ts'
import type { Acknowledgement } from '../../../core/mitigations/model.ts'
import { describeWaits, type Waits } from '../../../core/waits.ts'
import type { Store } from '../../../store/client.ts'
import { acquireLeases } from '../../../store/leases.ts'
import { saveMitigationSample } from '../../../store/mitigation-samples.ts'
import { create, detailOf, requestOf } from '../../support/mitigation-world.ts'
import { openShopStore } from '../../support/shop-store.ts'

const WINDOW_MS = 10_000
const WRITER = { collectorId: 'me', cacheId: 'shop' }
let store: Store

beforeAll(async () => {
  const shop = await openShopStore()
  store = shop.store
  await acquireLeases(store, 'me', ['shop'], 600_000)
  return shop.close
})

function windowOf(from: number): Measures {
  return {
    from: new Date(from).toISOString(),
    to: new Date(from + WINDOW_MS).toISOString(),
    ...{ keyOpsPerSec: 100, keyReadsByAppPerSec: 100, localHitsPerSec: 0, shards: [], hottestOverMean: null },
    ...{
      p99Us: 1_000,
      hitRate: null,
      missesPerSec: null,
      cpuShare: null,
      netOutBytesPerSec: null,
      instances: 1,
    },
  }
}

async function saveSample(
  mitigationId: number,
  at: number,
  errorsPerSec: number,
  waits: Waits | null = null,
): Promise<void> {
  const sample = {
    at: new Date(at).toISOString(),
    ...{ instances: 1, readsPerSec: 100, localHitsPerSec: 0, localMissesPerSec: 0, variantReadsPerSec: [] },
    ...{ replicaReadsPerSec: 0, fallbacksPerSec: 0, invalidationsPerSec: 0, errorsPerSec },
    ...{ p50Us: 100, p99Us: 1_000, probes: null, diverged: null },
  }
  await saveMitigationSample(store, mitigationId, sample, waits)
}

it('after its verdict every further window is looked at for harm, and for harm only', async () => {
  const id = await create(store, requestOf('split', 'watched'))
  const row = await detailOf(store, id)
  const sinceMs = Date.parse(row.phaseSince)
  const measuredTo = sinceMs + 10_000 + 2 * WINDOW_MS
  const proof: Proof = {
    before: windowOf(sinceMs - WINDOW_MS),
    after: [windowOf(sinceMs + 10_000), windowOf(sinceMs + 10_000 + WINDOW_MS)],
    ...{ verdict: 'worked', because: 'So it did.', decidedAt: row.phaseSince },
    divergence: null,
  }
  const mitigation = { ...row, proof }
  const prover = new Prover(store, WINDOW_MS)
  const mirror = {
    ...{
      isArmed: true,
      right: 2,
      copies: 2,
      baseExists: true,
      isTooLarge: false,
      message: null,
      problems: [],
    },
    ...{ probes: 40, diverged: 1, divergedSince: null },
  }
  const prove = (now: number, seen: typeof mirror | null = null) =>
    prover.prove(mitigation, { mirror: seen, sinceMs, now })

  await saveSample(id, measuredTo + 5_000, 0)
  await saveSample(id, measuredTo + WINDOW_MS + 5_000, 50)
  expect(await prove(measuredTo + WINDOW_MS)).toBeNull()
  expect(await prove(measuredTo + 5_000, mirror)).toMatchObject({
    verdict: 'worked',
    divergence: { probes: 40, diverged: 1 },
  })
  expect(await prove(measuredTo + WINDOW_MS + 3_000)).toBeNull()
  expect(await prove(measuredTo + 2 * WINDOW_MS + 3_000)).toMatchObject({
    verdict: 'harmful',
    because: expect.stringMatching(/errors/),
    after: proof.after,
  })
  // Once a window, whatever it says.
  expect(await prove(measuredTo + 2 * WINDOW_MS + 4_000)).toBeNull()
})

it('what was timed while it was prepared is shown, and is not what a slower p99 is compared with', async () => {
  const id = await create(store, requestOf('split', 'prepared'))
  const mitigation = await detailOf(store, id)
  const sinceMs = Date.parse(mitigation.phaseSince)
  await saveSample(id, sinceMs - 500, 0, [[1_000, 2_000]])
  const before = async (told: Waits) => {
    const waitsBetween = () => describeWaits(told, 900)
    const proof = await new Prover(store, WINDOW_MS).prove(mitigation, {
      ...{ mirror: null, sinceMs, now: sinceMs + 3_000, waitsBetween },
    })
    return proof?.before
  }
  expect(await before([])).toMatchObject({ timedReads: 2_000, p99LowUs: null, p99HighUs: null })
  expect((await before([]))?.p99Us).toBeCloseTo(1_000, -2)
  expect(await before([[4_000, 9_000]])).toMatchObject({ timedReads: 900, p99HighUs: expect.any(Number) })
})

async function journalOf(mitigationId: number, onWrite: JournalOptions['onWrite'] = () => {}) {
  const row = { ...(await detailOf(store, mitigationId)), state: null }
  return new Journal(row, { store, writer: WRITER, clock: systemClock, isHeld: () => true, onWrite })
}

function told(at: number, applied = 1, instances = 1): Acknowledgement {
  return {
    at: new Date(at).toISOString(),
    ...{ applied, instances, laggards: [], connectionsWithoutLibrary: 0 },
  }
}

it('an acknowledgement that says the same is written again once it has grown old', async () => {
  const id = await create(store, requestOf('split', 'told'))
  const journal = await journalOf(id)
  const at = Date.now()
  const written = async (afterMs: number) => {
    journal.noteAcknowledgement(told(at + afterMs))
    await journal.saveMessage('Applied on 1 of 1.', null)
    return Date.parse((await detailOf(store, id)).acknowledgement?.at ?? '') - at
  }
  expect(await written(0)).toBe(0)
  expect(await written(6_000)).toBe(0)
  expect(await written(9_000)).toBe(0)
  expect(await written(11_000)).toBe(11_000)
  expect(await written(12_000)).toBe(11_000)
})

it('a message and the count that it tells are written as one, also where the phase is left', async () => {
  const id = await create(store, requestOf('split', 'counted'))
  const seen: string[] = []
  const journal = await journalOf(id, async (at) => {
    const { message, acknowledgement } = await detailOf(store, id)
    const { applied, instances } = acknowledgement ?? {}
    if (at.startsWith('after')) seen.push(`${at}: ${message} ${applied} of ${instances}`)
  })
  const now = Date.now()
  for (const applied of [1, 2]) {
    journal.noteAcknowledgement(told(now, applied, 3))
    await journal.saveMessage(`Applied on ${applied} of 3.`, null)
  }
  journal.noteAcknowledgement(told(now, 3, 3))
  await journal.go('active', { outcome: null, message: 'Applied on 3 of 3.', event: 'It is active.' })
  expect(seen).toEqual([
    'after writing message: Applied on 1 of 3. 1 of 3',
    'after writing message: Applied on 2 of 3. 2 of 3',
    'after writing message: Applied on 3 of 3. 3 of 3',
    'after writing phase active: Applied on 3 of 3. 3 of 3',
  ])
})
