/** How long a key's readers wait, by what heartbeats tell: with a mitigation and without. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { policyIdOf } from '../../core/mitigations/policy-document.ts'
import type { ClientHotKey, Heartbeat, PolicyHeartbeat } from '../../core/protocol/heartbeat.ts'
import { listToldCounts, saveHeartbeats } from '../../store/app-instances.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { readKeyWaits } from '../../store/key-waits.ts'
import { createMitigation } from '../../store/mitigations.ts'
import { saveHeartbeat } from '../../store/policies.ts'
import { saveCaches } from '../../store/topology.ts'
import { clientCounts, heartbeatOf } from '../support/heartbeat.ts'
import { mitigationRequest, splitPreview } from '../support/mitigation-rows.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const NOW = Date.UTC(2026, 0, 31, 12, 0, 10)
const KEY = 'article:42'
const keyBase64 = Buffer.from(KEY).toString('base64')

let database: TestDatabase
let store: Store

beforeEach(async () => {
  database = await createTestDatabase()
  store = openStore(database.url)
  const cache = { kind: 'standalone' as const, seeds: ['a:1'], intervalMs: 1_000, mitigationsEnabled: true }
  await saveCaches(store, [{ cacheId: 'shop', ...cache }])
})
afterEach(async () => {
  await closeStore(store)
  await database.drop()
})

/** Reads of the key, of which some were timed; and another key, hotter, of which none was. */
function beat(
  id: string,
  at: number,
  timed: Partial<ClientHotKey>,
  over: Partial<Heartbeat> = {},
): Heartbeat {
  const counts = clientCounts({ hotter: [9_000, 0, 0], [KEY]: [1_000, 0, 0] })
  const keys = counts.keys.map((key) => (key.keyBase64 === keyBase64 ? { ...key, ...timed } : key))
  return { ...heartbeatOf(id, at, { ...counts, keys }), ...over }
}
const save = (...beats: Heartbeat[]) =>
  saveHeartbeats(
    store,
    'shop',
    beats.map((heartbeat) => ({ heartbeat, seenAt: heartbeat.at })),
  )
const read = (db = 0) => readKeyWaits(store, { cacheId: 'shop', db, keyBase64 }, NOW)

test('is of all processes that timed reads of it, whichever way their heartbeats came', async () => {
  expect(await read()).toEqual({ instances: 0, told: null })
  await save(
    beat('one', NOW - 1_000, { timed: 60, waits: [[400, 1_000]] }),
    beat('bare', NOW - 1_000, {}),
    beat('gone', NOW - 16_000, { timed: 60, waits: [[900_000, 1_000]] }),
  )
  await saveHeartbeat(store, {
    cacheId: 'shop',
    heartbeat: beat('two', NOW - 3_000, { timed: 40, waits: [[8_000, 1_000]] }, { app: 'admin' }),
    now: NOW - 3_000,
  })
  const { instances, told } = await read()
  expect(instances).toBe(3)
  expect(told).toMatchObject({
    timed: 100,
    instances: 2,
    apps: ['admin', 'shop'],
    at: new Date(NOW - 3_000).toISOString(),
    windowMs: 5_000,
  })
  expect(told?.p50Us).toBeLessThan(500)
  expect(told?.p99Us).toBeGreaterThan(7_000)
  expect((await read(1)).told).toBeNull()
  // What a collector has counted is not told to it again.
  const forCollector = await listToldCounts(store, new Map([['shop', NOW - 60_000]]))
  expect(forCollector.map(({ instanceId }) => instanceId)).toEqual(['two'])
})

test('is what the policy of the key tells while one is in force', async () => {
  const { mitigation } = await createMitigation(store, mitigationRequest(keyBase64), {
    idempotencyKey: null,
    preview: splitPreview(keyBase64),
    label: KEY,
    now: NOW - 30_000,
  })
  const policy: Omit<PolicyHeartbeat, 'id'> = {
    ...{ phase: 'active', tracker: 'off', reads: 5_000, localHits: 0, localMisses: 0, variantReads: [] },
    ...{ replicaReads: 0, fallbacks: 0, invalidations: 0, errors: 0, p50Us: 200, p99Us: 300 },
  }
  const waits: [number, number][] = [[200, 950]]
  await save(
    beat('one', NOW, {}, { policies: [{ ...policy, id: policyIdOf(mitigation.mitigationId), waits }] }),
    beat('other', NOW, {}, { policies: [{ ...policy, id: 'm999999', waits: [[9_000_000, 1]] }] }),
    beat('late', NOW, { timed: 50, waits: [[200, 1_000]] }),
  )
  const { instances, told } = await read()
  expect(instances).toBe(3)
  expect(told).toMatchObject({ timed: 1_000, instances: 2 })
  expect(told?.p99Us).toBeLessThan(300)
  await store.pool.query(`UPDATE mitigation SET phase = 'off'`)
  expect((await read()).told).toMatchObject({ timed: 50, instances: 1 })
})
