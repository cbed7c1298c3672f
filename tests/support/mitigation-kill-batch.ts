/** A batch of mitigations under collectors that are killed: once each stands still at its point, until all are off. */
import { expect } from 'vitest'
import type { MitigationDetail } from '../../core/mitigations/model.ts'
import { closeStore, openStore, query, type Store } from '../../store/client.ts'
import { drainMitigation } from '../../store/mitigation-changes.ts'
import { type Places, readPlaces } from '../../store/mitigation-progress.ts'
import { createMitigation } from '../../store/mitigations.ts'
import { cacheYaml } from './collector.ts'
import { type MitigationChild, startMitigationChild } from './mitigation-child.ts'
import type { KillCase, KillSite } from './mitigation-kill-case.ts'
import { CHANCE } from './mitigation-kill-points.ts'
import { detailOf } from './mitigation-world.ts'
import { createTestDatabase } from './postgres.ts'
import { delay, until } from './redis.ts'

export type Wanted = { of: KillCase; label: string; stopAt: string | null }
/** Those of one cache. */
export type Group = readonly Wanted[]
type Placed = { site: KillSite; cacheId: string; runs: Group }
type Run = Wanted & { site: KillSite; cacheId: string }
type Asked = Run & {
  mitigationId: number
  activeAt: number | null
  /** It may come to where it should stand still yet. */
  isAwaited: boolean
  isDrained: boolean
  isSettled: boolean
}
type World = { store: Store; databaseUrl: string; yaml: string; names: Record<string, string> }
type Row = {
  mitigationId: number
  phase: string
  message: string | null
  state: unknown
  isActivated: boolean
}

/** No renewal comes too late on a busy machine; whoever takes over is given a dead one's leases at once. */
const LEASE = { ttlMs: 20_000, renewMs: 2_000 }
/** Bounds a failure only. */
const SETTLE_MS = 300_000
/** What is beside the turns of an action takes a beat to come. */
const BEAT_MS = 8_000

/** By label: the points that were come to; and those that were killed at their own. */
type Told = { points: ReadonlyMap<string, readonly string[]>; killed: ReadonlySet<string> }

export async function runBatch(groups: readonly Group[]): Promise<Told> {
  const sites = await Promise.all(
    groups.map(async (runs, index) => {
      const [first] = runs
      if (first === undefined) throw new Error('nobody')
      return { site: await first.of.open(), cacheId: `cache-${index}`, runs }
    }),
  )
  const database = await createTestDatabase()
  const store = openStore(database.url)
  const caches = sites.map(({ site, cacheId }) =>
    cacheYaml(cacheId, site.kind, site.urls, [
      ...['mitigations: { enabled: true, proofWindow: 10s }', 'hotKeys: { enabled: false }'],
      ...(site.more ?? []),
    ]),
  )
  const names = Object.fromEntries(
    sites.flatMap(({ site, runs }) =>
      runs[0]?.of.isCrowd ? [] : site.nodes.map(({ address }, index) => [address, `#${index + 1}`]),
    ),
  )
  const world: World = { store, databaseUrl: database.url, yaml: `caches:\n${caches.join('')}`, names }
  try {
    return await carryThrough(world, sites)
  } finally {
    await closeStore(store)
    await Promise.all(sites.map(({ site }) => site.stop()))
    await database.drop()
  }
}

async function carryThrough(world: World, sites: readonly Placed[]): Promise<Told> {
  const { store } = world
  const asked: Asked[] = []
  const under = async (stops: Record<string, string>, work: (child: MitigationChild) => Promise<void>) => {
    const { databaseUrl, yaml, names } = world
    await Promise.all(asked.map((one) => age(store, one)))
    const child = await startMitigationChild({ databaseUrl, yaml, names, lease: LEASE, stops })
    try {
      await Promise.race([work(child), child.died])
    } finally {
      await child.kill()
      // Its leases would end by themselves: tests of the lease wait for that.
      await patiently(() => query(store, (prisma) => prisma.lease.deleteMany({})))
    }
    return child
  }
  const all = sites.flatMap(({ runs }) => runs)
  const ask = async () => {
    for (const placed of sites) asked.push(...(await askAt(store, placed)))
  }
  if (all.some(({ of }) => of.first !== undefined)) {
    await under(
      stopsOf(all, ({ of }) => of.first?.at ?? null),
      async (child) => {
        await ask()
        await until('each has its first kill', () => hasFirst(store, asked, child), SETTLE_MS)
      },
    )
    await Promise.all(asked.map((one) => meanwhile(store, one)))
  }
  const { points, still } = await under(
    stopsOf(all, ({ stopAt }) => stopAt),
    async (child) => {
      if (asked.length === 0) await ask()
      await settle(store, asked, child)
      await check(asked, async (one) => checkStill(one, child, await detailOf(store, one.mitigationId)))
    },
  )
  await check(asked, async ({ of, site, label, mitigationId }) =>
    of.checkHalfway?.(site, label, await detailOf(store, mitigationId), await stateOf(store, mitigationId)),
  )
  if (asked.some(({ stopAt }) => stopAt !== null)) {
    for (const one of asked) Object.assign(one, { isSettled: false, isAwaited: false })
    await under({}, (child) => settle(store, asked, child))
  }
  await check(asked, async (one) => {
    const detail = await detailOf(store, one.mitigationId)
    checkSteps(one, detail)
    await one.of.checkEnd(one.site, one.label, detail, await stateOf(store, one.mitigationId))
  })
  return { points, killed: still }
}

const stopsOf = (all: Group, at: (one: Wanted) => string | null): Record<string, string> =>
  Object.fromEntries(all.map((one) => [one.label, at(one) ?? '']))

function checkStill({ of, label, stopAt }: Asked, child: MitigationChild, detail: MitigationDetail): void {
  if (stopAt === null || CHANCE.test(stopAt) || of.byChance?.test(stopAt) || child.still.has(label)) return
  const { phase, outcome, message } = detail
  throw new Error(`it was not come to: ${phase} ${outcome} ${message}`)
}

/** Once the nodes of its cache are known. */
async function askAt(store: Store, { site, cacheId, runs }: Placed): Promise<Asked[]> {
  const places = await until(
    'its nodes are known',
    async () => {
      const found = await readPlaces(store, cacheId)
      const isKnown = found.nodeAddresses.size >= site.nodes.length
      return isKnown && [...found.shardOrdinals.values()].includes(1) ? found : null
    },
    SETTLE_MS,
  )
  return await Promise.all(runs.map((run) => askFor(store, { ...run, site, cacheId }, places)))
}

/** A database that many use may be late. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const { code } = error as { code?: string }
      if (!code?.startsWith('store-unreachable') || attempt === 10) throw error
    }
  }
}

async function stateOf(store: Store, mitigationId: number): Promise<unknown> {
  const row = await query(store, (prisma) =>
    prisma.mitigation.findUnique({ where: { mitigationId }, select: { state: true } }),
  )
  return row?.state ?? null
}

async function askFor(store: Store, run: Run, places: Places): Promise<Asked> {
  const { of, site, label, cacheId } = run
  const request = { ...(await of.request(site, label, places)), cacheId }
  const options = { idempotencyKey: label, preview: null, label, now: Date.now() }
  const { mitigation } = await patiently(() => createMitigation(store, request, options))
  const { mitigationId } = mitigation
  const isAwaited = /^(active|shared):/.test(run.stopAt ?? '')
  return { ...run, mitigationId, isAwaited, activeAt: null, isDrained: false, isSettled: false }
}

async function hasFirst(store: Store, asked: readonly Asked[], child: MitigationChild): Promise<boolean> {
  const rows = new Map((await readRows(store)).map((row) => [row.mitigationId, row]))
  return asked.every(({ of, label, mitigationId }) => {
    if (of.first?.at !== undefined) return child.still.has(label)
    return rows.get(mitigationId)?.isActivated ?? false
  })
}

async function meanwhile(store: Store, one: Asked): Promise<void> {
  const { first } = one.of
  await first?.meanwhile?.(one.site)
  if (first?.isCalledOff) await callOff(store, one)
}

async function age(store: Store, { of, mitigationId }: Asked): Promise<void> {
  if (of.first?.age === undefined) return
  const state = JSON.stringify(of.first.age(await stateOf(store, mitigationId)))
  await patiently(() =>
    query(
      store,
      (prisma) =>
        prisma.$executeRaw`UPDATE mitigation SET state = ${state}::jsonb WHERE mitigation_id = ${mitigationId}`,
    ),
  )
}

async function callOff(store: Store, one: Asked): Promise<void> {
  one.isDrained = true
  const change = { actor: 'bob', reason: 'over' }
  await patiently(() => drainMitigation(store, one.mitigationId, change, Date.now()))
}

/** Until each is off, or stands still where it should: what is in force or done meanwhile is drained. */
async function settle(store: Store, asked: readonly Asked[], child: MitigationChild): Promise<void> {
  const end = Date.now() + SETTLE_MS
  for (;;) {
    const rows = new Map((await patiently(() => readRows(store))).map((row) => [row.mitigationId, row]))
    for (const one of asked) {
      const row = rows.get(one.mitigationId)
      if (row === undefined || one.isSettled) continue
      one.isSettled = row.phase === 'off' || child.still.has(one.label)
      if (!one.isSettled && !one.isDrained && isOver(one, row)) await callOff(store, one)
    }
    const left = asked.filter(({ isSettled }) => !isSettled)
    if (left.length === 0) return
    if (Date.now() > end) {
      const told = left.map(({ label, stopAt, mitigationId }) => {
        const { phase, message } = rows.get(mitigationId) ?? {}
        return `${label} (${stopAt}): ${phase} ${message}`
      })
      throw new Error(`Not off within ${SETTLE_MS} ms: ${told.join('; ')}`)
    }
    await delay(250)
  }
}

function isOver(one: Asked, row: Row): boolean {
  if (row.phase !== 'active') return false
  if (row.message?.startsWith('Done;')) return true
  if (!row.isActivated || one.of.first?.hasGoneOn?.(row.state) === false) return false
  one.activeAt ??= Date.now()
  return Date.now() - one.activeAt >= (one.isAwaited ? BEAT_MS : (one.of.holdMs ?? 0))
}

async function readRows(store: Store): Promise<Row[]> {
  return await query(
    store,
    (prisma) => prisma.$queryRaw<Row[]>`
      SELECT m.mitigation_id AS "mitigationId", m.phase, m.message, m.state, EXISTS (
        SELECT FROM mitigation_step s
        WHERE s.mitigation_id = m.mitigation_id AND s.name = 'activate' AND s.result = 'ok') AS "isActivated"
      FROM mitigation m`,
  )
}

async function check(asked: readonly Asked[], look: (one: Asked) => Promise<void>): Promise<void> {
  const failures = await Promise.all(
    asked.map(async (one) => {
      try {
        await patiently(() => look(one))
        return []
      } catch (error) {
        return [`${one.label} (${one.stopAt}): ${String(error)}`]
      }
    }),
  )
  if (failures.flat().length > 0) throw new Error(failures.flat().join('\n'))
}

/** Each has its end; where nobody knows whether it was done, it says so. */
function checkSteps({ of }: Asked, { phase, outcome, steps }: MitigationDetail): void {
  expect({ phase, outcome }).toEqual({ phase: 'off', outcome: of.outcome })
  for (const { name, result, message, endedAt } of steps) {
    expect({ name, result }).not.toEqual({ name, result: 'started' })
    expect(endedAt, name).not.toBeNull()
    if (result === 'failed') expect(message, name).toMatch(/\w/)
  }
}
