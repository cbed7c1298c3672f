/** What a mitigation does while Postgres, a node, or its own collector is away for a while. */
import { afterEach, expect, it } from 'vitest'
import { readKeyState } from '../../../core/mitigations/key-state.ts'
import { closeStore, openStore, query, type Store } from '../../../store/client.ts'
import { drainMitigation } from '../../../store/mitigation-changes.ts'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { startFakeApp } from '../../support/fake-app.ts'
import { startMitigationChild } from '../../support/mitigation-child.ts'
import { clusterClient, create, detailOf, requestOf, untilPhase } from '../../support/mitigation-world.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { delay, startRedisCluster, until } from '../../support/redis.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Each waits several times for as long as a wait may take. */
const LIMIT = { timeout: 400_000 }
const LEASE = { ttlMs: 3_000, renewMs: 500 }
const change = { actor: 'bob', reason: 'over' }

async function world(replicasPerPrimary: number) {
  const [cluster, database] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary }),
    createTestDatabase(),
  ])
  ends.push(database.drop, cluster.stop)
  const store = openStore(database.url)
  ends.push(() => closeStore(store))
  const ports = cluster.nodes.map((node) => node.port)
  const client = clusterClient(ports)
  ends.push(async () => client.disconnect())
  const app = await startFakeApp(ports, { isCluster: true })
  ends.push(app.stop)
  const yaml = `caches:\n${cacheYaml('shop', 'cluster', cluster.urls, [
    'mitigations: { enabled: true }',
    'hotKeys: { enabled: false }',
  ])}`
  return { cluster, database, store, client, app, yaml }
}

async function copiesOf(store: Store, mitigationId: number): Promise<string[]> {
  const row = await query(store, (prisma) =>
    prisma.mitigation.findUnique({ where: { mitigationId }, select: { state: true } }),
  )
  return (readKeyState(row?.state)?.copies ?? []).map((copy) => Buffer.from(copy, 'base64').toString())
}

it('stops its copies while Postgres is away for longer than its lease, and goes on', LIMIT, async () => {
  const { database, store, client, yaml } = await world(0)
  const url = new URL(database.url)
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  ends.push(proxy.close)
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  const watched = await startCollector(url.href, yaml, { lease: LEASE })
  ends.push(watched.stop)
  await client.set('k', 'one')
  const id = await create(store, requestOf('split', 'k'))
  await untilPhase(store, id, 'active')
  const copies = await copiesOf(store, id)
  const values = () => Promise.all(copies.map((copy) => client.get(copy)))
  await until('the copies are there', async () => (await values()).every((value) => value === 'one'))

  proxy.cut()
  await until('nobody renews them', async () => (await values()).every((value) => value === null))
  await client.set('k', 'two')
  await drainMitigation(store, id, change, Date.now())
  proxy.mend()
  const off = await untilPhase(store, id, 'off', 90_000)
  expect(off).toMatchObject({ outcome: 'drained' })
  expect(off.steps.filter(({ result }) => result === 'started')).toEqual([])
  expect(await values()).toEqual([null, null])
})

it('ends what was begun before mitigations were switched off', LIMIT, async () => {
  const { database, store, client, yaml } = await world(0)
  const before = await startCollector(database.url, yaml, { lease: LEASE })
  let isStopped = false
  const stop = async () => {
    if (!isStopped) await before.stop()
    isStopped = true
  }
  ends.push(stop)
  await client.set('k', 'one')
  const id = await create(store, requestOf('split', 'k'))
  await untilPhase(store, id, 'active')
  const copies = await copiesOf(store, id)
  await stop()
  const after = await startCollector(database.url, yaml.replace('enabled: true', 'enabled: false'), {
    lease: LEASE,
  })
  ends.push(after.stop)
  const off = await untilPhase(store, id, 'off', 90_000)
  expect(off).toMatchObject({ outcome: 'drained', desired: 'on' })
  expect(await Promise.all(copies.map((copy) => client.get(copy)))).toEqual([null, null])
})

it('follows its key when the node that has it is killed, and says what it waits for', LIMIT, async () => {
  const { cluster, database, store, client, yaml } = await world(1)
  const watched = await startCollector(database.url, yaml, { lease: LEASE })
  ends.push(watched.stop)
  await client.set('k', 'one')
  const id = await create(store, requestOf('split', 'k'))
  const { steps } = await untilPhase(store, id, 'active')
  const copies = await copiesOf(store, id)
  const primary = cluster.primaries.find(({ address }) => address === steps[0]?.node)
  await primary?.kill('SIGKILL')
  await until('a write is taken', () => client.set('k', 'two'))
  await until('the copies have it', async () => {
    const values = await Promise.all(copies.map((copy) => client.get(copy)))
    return values.every((value) => value === 'two')
  })
  expect((await detailOf(store, id)).phase).toBe('active')
  await drainMitigation(store, id, change, Date.now())
  await untilPhase(store, id, 'off', 90_000)
  expect(await client.exists(copies[0] ?? '')).toBe(0)
})

it('changes nothing any more when it wakes after another collector has taken over', LIMIT, async () => {
  const { database, store, client, yaml } = await world(0)
  const options = { databaseUrl: database.url, yaml, lease: LEASE }
  const child = await startMitigationChild({ ...options, stops: {}, names: {} })
  ends.push(child.kill)
  await client.set('k', '0')
  await until('the collector has begun', async () => {
    const cache = await query(store, (prisma) => prisma.cache.findFirst({}))
    return cache !== null
  })
  const id = await create(store, requestOf('split', 'k'))
  await untilPhase(store, id, 'active')
  const copies = await copiesOf(store, id)
  // A storm is under way, so that it is stopped between a read and the writes that follow.
  let value = 0
  let isOver = false
  const storm = (async () => {
    while (!isOver) await client.set('k', String(++value))
  })()
  await delay(300)
  child.process.kill('SIGSTOP')
  const stoppedAt = Date.now()
  isOver = true
  await storm
  const next = await startCollector(database.url, yaml, { lease: LEASE })
  ends.push(next.stop)
  await until('another one has it', async () => {
    // The first one may have begun again, where its lease was in doubt.
    const { steps } = await detailOf(store, id)
    return steps.some(({ name, startedAt }) => name.startsWith('mirror') && Date.parse(startedAt) > stoppedAt)
  })
  await client.set('k', 'newest')
  await until('it copies', async () => (await client.get(copies[0] ?? '')) === 'newest')

  child.process.kill('SIGCONT')
  const wokeAt = Date.now()
  let staleSince: number | null = null
  while (Date.now() - wokeAt < 4_000) {
    const values = await Promise.all(copies.map((copy) => client.get(copy)))
    const isStale = values.some((found) => found !== null && found !== 'newest')
    staleSince = isStale ? (staleSince ?? Date.now()) : null
    expect(staleSince === null ? 0 : Date.now() - staleSince).toBeLessThan(5_000)
    await delay(20)
  }
  await until('none is stale', async () => {
    const values = await Promise.all(copies.map((copy) => client.get(copy)))
    return values.every((found) => found === 'newest')
  })
  await drainMitigation(store, id, change, Date.now())
  expect(await untilPhase(store, id, 'off', 90_000)).toMatchObject({ outcome: 'drained' })
})
