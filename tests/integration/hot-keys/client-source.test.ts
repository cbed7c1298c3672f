/** What applications count themselves, on nodes where every other source is refused. */
import { Cluster } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { cachescope, release } from '../../../client/index.ts'
import type { NodeCounts } from '../../../collector/hot-keys/client-counts.ts'
import { ClientCountsOfCache } from '../../../collector/hot-keys/client-counts.ts'
import type { NodeFacts } from '../../../collector/hot-keys/source-types.ts'
import { listHotKeys } from '../../../store/hot-keys.ts'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { clientCounts, heartbeatOf } from '../../support/heartbeat.ts'
import { watchLadder } from '../../support/ladder.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { startRedis, startRedisCluster, until } from '../../support/redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const LFU = { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lfu' }
const USER = { username: 'weak', password: 'secret' }

/** A node whose user may not use MONITOR, and an application that tells of a key with a third of its commands. */
async function watched(facts: Partial<NodeFacts> = {}, rights = ['-monitor', '-object']) {
  const node = await startRedis({ settings: LFU })
  ends.push(node.stop)
  await node.command('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '+@all', ...rights)
  const told = { counts: null as NodeCounts | null }
  const watching = await watchLadder(node, { opsPerSec: 1_000, ...facts }, USER, undefined, {
    clientCounts: () => told.counts,
  })
  ends.push(watching.stop)
  watching.ladder.start()
  const now = Date.now()
  const cache = new ClientCountsOfCache(() => now)
  const window = clientCounts({ 'article:42': [1_500, 0, 0] }, { commands: 5_000, sampled: 500 })
  cache.note(heartbeatOf('1', now, window), now)
  return { ...watching, told, counts: cache.read(), node }
}

it('tells the rates of applications where MONITOR and OBJECT FREQ are denied, and asks the node for nothing', async () => {
  const { ladder, told, counts, rung, commands } = await watched()
  await until('the refusal', () => ladder.refusal !== null && rung('client')?.state === 'unsupported')
  expect(rung('client')?.reason).toMatch(/one that uses @cachescope\/client does/)
  expect(ladder.report(Date.now())).toBeNull()
  told.counts = counts
  // An application that begins is seen at once, not a minute later.
  const report = await until('a report', () => ladder.report(Date.now()), 30_000)
  expect(report).toMatchObject({ source: 'client', sampledCommands: 500, patterns: [] })
  expect(report.windowTo - report.windowFrom).toBe(5_000)
  expect(Buffer.from(report.keys[0]?.key ?? []).toString()).toBe('article:42')
  expect(report.keys[0]).toMatchObject({
    share: 0.3,
    opsPerSec: 300,
    readsPerSec: 300,
    writesPerSec: 0,
    topCommand: null,
    lfuCounter: null,
  })
  expect(report.keys[0]?.shareLow).toBeCloseTo(0.26, 2)
  expect(report.keys[0]?.shareHigh).toBeCloseTo(0.342, 2)
  expect(ladder.refusal).toBeNull()
  expect(ladder.watching.source).toBe('client')
  const sent = () => [...commands.sent.values()].reduce((sum, count) => sum + count, 0)
  const before = sent()
  const cost = structuredClone(ladder.cost)
  const reports = new Set<unknown>()
  await until('three more', () => reports.add(ladder.report(Date.now())).size > 3)
  expect(sent()).toBe(before)
  expect(ladder.cost).toEqual(cost)
  told.counts = null
  await until('the application is gone', () => ladder.report(Date.now()) === null)
  expect(ladder.refusal).toMatch(/MONITOR/)
})

it('goes on where a node has less than 15% of its memory left, before the counters of keys', async () => {
  const { ladder, told, counts, rung } = await watched({ usedMemoryBytes: 90e6, maxMemoryBytes: 100e6 }, [])
  told.counts = counts
  const report = await until('a report', () => {
    const now = ladder.report(Date.now())
    return now?.source === 'client' ? now : null
  })
  expect(rung('monitor')?.reason).toMatch(/memory/i)
  expect(report.keys).toHaveLength(1)
  // Rates of the library's users say more than a rank of everybody's; without them the rank is still there.
  told.counts = null
  await until('OBJECT FREQ', () => rung('lfu')?.state === 'used' && ladder.watching.source === 'lfu')
})

it('says of a replica that its primary has them', async () => {
  const replica = await watched({ role: 'replica' })
  replica.told.counts = replica.counts
  await until('the reason', () => replica.rung('client')?.reason?.includes('primary'))
  expect(replica.ladder.report(Date.now())).toBeNull()
})

it('says no share where the rate of the node is unknown', async () => {
  const { ladder, told, counts, facts } = await watched()
  told.counts = counts
  await until('a report', () => ladder.report(Date.now()))
  facts.opsPerSec = null
  const report = await until('without a share', () => {
    const now = ladder.report(Date.now())
    return now?.keys[0]?.share === null ? now : null
  })
  expect(report.keys[0]).toMatchObject({ shareLow: null, shareHigh: null, opsPerSec: 300 })
})

it("brings an application's own counts to the list of hot keys, each at its primary", async () => {
  const [cluster, database] = await Promise.all([
    startRedisCluster({ primaries: 2, replicasPerPrimary: 0 }),
    createTestDatabase(),
  ])
  ends.push(cluster.stop, database.drop)
  for (const { command } of cluster.primaries) {
    await command('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '&*', '+@all', '-monitor', '-object')
  }
  const yaml = cacheYaml('shop', 'cluster', cluster.urls, [
    'username: weak',
    'password: secret',
    'mitigations: { enabled: true }',
  ])
  const { store, stop } = await startCollector(database.url, `caches:\n${yaml}`)
  ends.push(stop)
  const client = cachescope(new Cluster(cluster.nodes.map(({ host, port }) => ({ host, port }))), {
    app: 'shop',
  })
  // What waits for the connection goes out at once, at no rate of its own.
  await until('the client is connected', () => client.status === 'ready')
  const reading = setInterval(() => {
    for (let count = 0; count < 10; count++) client.get('article:42').catch(() => {})
    client.get(`article:${Math.floor(Math.random() * 1_000)}`).catch(() => {})
  }, 20)
  ends.push(() => {
    clearInterval(reading)
    release(client)
    client.disconnect()
  })
  // The first heartbeats, and the node's first rates, are of times when the reads had hardly begun.
  const row = await until('the row', async () => {
    const { items } = await listHotKeys(store, { limit: 5, now: Date.now() })
    const row = items.find(({ key, source }) => key === 'article:42' && source === 'client')
    return row && (row.opsPerSec ?? 0) > 50 && (row.share ?? 0) > 0.5 ? row : null
  })
  expect(row).toMatchObject({ db: 0, writesPerSec: 0, topCommand: null })
  expect(row.opsPerSecLow).toBeLessThan(row.opsPerSec ?? 0)
  expect(row.opsPerSecHigh).toBeGreaterThan(row.opsPerSec ?? 0)
  // At most 500/s are sent, fewer by a slow machine, and the rate is of a sample: its interval, three times as wide.
  expect(3 * (row.opsPerSecLow ?? 0) - 2 * (row.opsPerSec ?? 0)).toBeLessThan(500)
})
