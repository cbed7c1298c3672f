/** A lease that is in doubt for moments only, between two looks at it: nothing of before goes on beside what follows. */
import { afterEach, expect, it } from 'vitest'
import { systemClock } from '../../../collector/clock.ts'
import { Mitigator } from '../../../collector/mitigations/mitigator.ts'
import { parseConfig } from '../../../core/config.ts'
import { readKeyState } from '../../../core/mitigations/key-state.ts'
import type { Topology } from '../../../core/sample.ts'
import { closeStore, openStore, query } from '../../../store/client.ts'
import { acquireLeases } from '../../../store/leases.ts'
import { drainMitigation } from '../../../store/mitigation-changes.ts'
import { saveCaches, saveTopology } from '../../../store/topology.ts'
import { cacheYaml } from '../../support/collector.ts'
import { startFakeApp } from '../../support/fake-app.ts'
import { clusterClient, create, detailOf, requestOf, untilPhase } from '../../support/mitigation-world.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { delay, startRedisCluster, until } from '../../support/redis.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

it('takes up its copies after every doubt, and never twice', { timeout: 400_000 }, async () => {
  const [cluster, database] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary: 0 }),
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
  const yaml = `caches:\n${cacheYaml('shop', 'cluster', cluster.urls, ['mitigations: { enabled: true }'])}`
  const [cache] = parseConfig(yaml, {}).caches
  if (cache === undefined) throw new Error('there is a cache')
  await saveCaches(store, [
    { cacheId: 'shop', kind: 'cluster', seeds: [], intervalMs: 1_000, mitigationsEnabled: true },
  ])
  await acquireLeases(store, 'me', ['shop'], 600_000)
  const topology: Topology = {
    cacheId: 'shop',
    at: 1,
    shards: cluster.primaries.map(({ address }, index) => ({
      ordinal: index + 1,
      slots: [[Math.floor((index * 16_384) / 3), Math.floor(((index + 1) * 16_384) / 3) - 1]],
      nodes: [{ address, role: 'primary', clusterNodeId: null }],
    })),
  }
  await saveTopology(store, topology)
  const lease = { isHeld: true, doubtAt: null as string | null, doubts: 0 }
  const none = () => {}
  const mitigator = new Mitigator(store, systemClock, { debug: none, info: none, warn: none, error: none })
  ends.push(() => mitigator.stop())
  mitigator.attach({
    collectorId: 'me',
    cache,
    credentialsOf: () => ({ username: null, password: null, tls: null }),
    topology: () => topology,
    rediscover: none,
    reading: () => null,
    lagSeconds: () => null,
    isHeld: () => lease.isHeld,
    checkpoint: ({ at }) => {
      if (lease.doubtAt === null || !at.startsWith(lease.doubtAt)) return
      lease.doubtAt = null
      lease.isHeld = false
      lease.doubts++
      setTimeout(() => {
        lease.isHeld = true
      }, 5)
    },
  })
  mitigator.start()

  await client.set('k', 'one')
  const id = await create(store, requestOf('split', 'k'))
  await untilPhase(store, id, 'active')
  const row = await query(store, (prisma) =>
    prisma.mitigation.findUnique({ where: { mitigationId: id }, select: { state: true } }),
  )
  const copies = (readKeyState(row?.state)?.copies ?? []).map((copy) => Buffer.from(copy, 'base64'))
  expect(copies).toHaveLength(2)
  const owners = async () => {
    const lists = await Promise.all(cluster.primaries.map((node) => node.command('CLIENT', 'LIST')))
    return lists.join('\n').match(/flags=\w*t\w* /g)?.length ?? 0
  }

  const points = [
    ...['before DUMP', 'before RESTORE', 'after PTTL', 'before PEXPIRE', 'before CLIENT TRACKING'],
    ...['before writing step mirror', 'after writing ok of step mirror'],
  ]
  for (const [index, point] of points.entries()) {
    lease.doubtAt = point
    // What is under way when the doubt comes is of a value that is replaced in it.
    await client.set('k', `value ${index}`)
    await until(`it doubts ${point}`, async () => {
      await until('of itself', () => lease.doubts > index, 1_500).catch(async () => {
        // Come to only while it begins: brought about by another doubt, which a busy machine may not notice.
        lease.isHeld = false
        await delay(400)
        lease.isHeld = true
      })
      return lease.doubts > index
    })
    await until('it is held again', () => lease.isHeld)
    await client.set('k', `newest ${index}`)
    await until(`the copies have it after a doubt ${point}`, async () => {
      const values = await Promise.all(copies.map((copy) => client.get(copy)))
      return values.every((value) => value === `newest ${index}`)
    })
    await delay(300)
    // What went on beside it would stay.
    await until('one of them listens', async () => (await owners()) === 1)
  }
  expect(lease.doubts).toBe(points.length)
  expect((await detailOf(store, id)).phase).toBe('active')

  await drainMitigation(store, id, { actor: 'bob', reason: 'over' }, Date.now())
  expect(await untilPhase(store, id, 'off')).toMatchObject({ outcome: 'drained' })
  await until('nobody listens', async () => (await owners()) === 0)
})
