/** What applications are told and tell, as the database keeps it: the policy document, heartbeats. */
import { beforeAll, describe, expect, it } from 'vitest'
import { buildPolicyDocument } from '../../../core/mitigations/policy-document.ts'
import type { Heartbeat } from '../../../core/protocol/heartbeat.ts'
import { listAppInstances, saveHeartbeats } from '../../../store/app-instances.ts'
import type { Store } from '../../../store/client.ts'
import { acquireLeases } from '../../../store/leases.ts'
import { drainMitigation } from '../../../store/mitigation-changes.ts'
import { listRunning, patchMitigation } from '../../../store/mitigation-progress.ts'
import { subscribe } from '../../../store/notifications.ts'
import { readPolicyDocument } from '../../../store/policies.ts'
import { dropExpired } from '../../../store/retention.ts'
import { saveOff, WRITER } from '../../support/mitigation-off.ts'
import { create, requestOf } from '../../support/mitigation-world.ts'
import { until } from '../../support/redis.ts'
import { openShopStore } from '../../support/shop-store.ts'

let store: Store
const change = { actor: 'bob', reason: 'over' }
const DAY_MS = 86_400_000

beforeAll(async () => {
  const shop = await openShopStore()
  store = shop.store
  return shop.close
})

describe('the policy document', () => {
  it('has what is decided, under revisions that only grow', async () => {
    await acquireLeases(store, 'me', ['shop'], 60_000)
    const id = await create(store, requestOf('split', 'published'))
    const read = () => readPolicyDocument(store, { cacheId: 'shop', app: 'web', now: Date.now() })
    const before = await read()
    expect(before.policies).toEqual([])
    const plan = {
      local: null,
      variants: { keysBase64: ['YQ==', 'Yg=='], writeFanout: true },
      replicaRead: false,
    }
    await patchMitigation(store, WRITER, id, { state: { plan }, isPolicyChange: true })
    const after = await read()
    expect(after.rev).toBeGreaterThan(before.rev)
    expect(after.policies).toMatchObject([{ id: `m${id}`, phase: 'prepare', variants: plan.variants }])
    const { mitigations, revs } = await listRunning(store, ['shop'])
    const rev = revs.get('shop') ?? 0
    expect(buildPolicyDocument({ app: 'web', running: mitigations, rev, now: after.issuedAt })).toEqual(after)
    // Its end is told at once, and nothing is while no collector has the cache.
    await drainMitigation(store, id, change, Date.now())
    expect((await read()).policies).toMatchObject([{ id: `m${id}`, phase: 'draining' }])
    await store.pool.query(`UPDATE lease SET expires_at = now() WHERE cache_id = 'shop'`)
    expect(await read()).toMatchObject({ rev: 0, policies: [] })
    await saveOff(store, id)
    const end = await read()
    expect(end.policies).toEqual([])
    expect(end.rev).toBeGreaterThan(after.rev)
    await expect(readPolicyDocument(store, { cacheId: 'no', app: 'web', now: 0 })).rejects.toMatchObject({
      code: 'not-found',
    })
  })
})

describe('heartbeats', () => {
  const heartbeat = (rev: number): Heartbeat => ({
    ...{ v: 1, app: 'web', instanceId: 'i1', host: 'h', pid: 1, library: 'x 1', startedAt: 1, at: 1, rev },
    ...{ state: 'applying', policies: [], errors: 0, connections: ['10.0.0.1:5'] },
    hotKeys: { windowMs: 0, commands: 0, sampled: 0, keys: [] },
  })

  it('are kept one an instance, the newest, and forgotten after a day', async () => {
    const now = Date.now()
    // Twice in one round: the newer one, and no error that keeps the others out.
    await saveHeartbeats(store, 'shop', [
      { heartbeat: heartbeat(1), seenAt: now - 2_000 },
      { heartbeat: heartbeat(2), seenAt: now },
      { heartbeat: heartbeat(1), seenAt: now - 3_000 },
    ])
    await saveHeartbeats(store, 'shop', [{ heartbeat: heartbeat(1), seenAt: now - 1_000 }])
    const [instance, ...others] = await listAppInstances(store, { cacheId: 'shop', now })
    expect(others).toEqual([])
    expect(instance).toMatchObject({ app: 'web', rev: 2, seenAt: new Date(now).toISOString() })
    expect(await listAppInstances(store, { cacheId: 'shop', now: now + DAY_MS + 1 })).toEqual([])
    const keep = { rawMs: DAY_MS, minutesMs: DAY_MS, hoursMs: 30 * DAY_MS, keysMs: DAY_MS }
    await dropExpired(store, now + DAY_MS + 1, keep)
    expect(await listAppInstances(store, { cacheId: 'shop', now })).toEqual([])
  })

  it('wake nobody: who waits for policies finds nothing new in them', async () => {
    const told: string[][] = []
    let isHeard = false
    const subscription = subscribe(
      store.databaseUrl,
      (cacheIds) => told.push(cacheIds),
      (connected) => {
        isHeard = connected
      },
    )
    await until('it listens', () => isHeard)
    await saveHeartbeats(store, 'shop', [{ heartbeat: heartbeat(3), seenAt: Date.now() }])
    const id = await create(store, requestOf('split', 'told'))
    await until('the change is told', () => told.length > 0)
    await drainMitigation(store, id, change, Date.now())
    await until('its end is told', () => told.length > 1)
    expect(told).toEqual([['shop'], ['shop']])
    await subscription.close()
  })
})
