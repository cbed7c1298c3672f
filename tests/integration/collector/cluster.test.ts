import { afterEach, describe, expect, it } from 'vitest'
import { parseRange } from '../../../core/range.ts'
import { listSamples } from '../../../store/samples.ts'
import { listShards } from '../../../store/shards.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { delay, type RedisCluster, startRedis, startRedisCluster, until } from '../../support/redis.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function watchCluster(): Promise<{ cluster: RedisCluster; watched: TestCollector }> {
  const [cluster, database] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary: 1 }),
    createTestDatabase(),
  ])
  ends.push(() => cluster.stop(), database.drop)
  // A replica as the only seed.
  const watched = await startCollector(
    database.url,
    `caches:\n${cacheYaml('shop', 'cluster', [cluster.replicas[1]?.[0]?.url ?? ''])}`,
  )
  ends.push(watched.stop)
  await until(
    'all nodes are up',
    async () => (await watched.nodes()).filter((node) => node.latest?.opsPerSec != null).length === 6,
  )
  return { cluster, watched }
}
const kinds = async (watched: TestCollector) => (await watched.events()).map((event) => event.kind)

describe('a cluster', () => {
  it('is discovered from any seed, sampled with its replicas, and follows a failover', async () => {
    const { cluster, watched } = await watchCluster()
    const shards = await listShards(watched.store, 'shop', Date.now())
    expect(shards.map((shard) => [shard.ordinal, shard.slotCount, shard.nodes.length])).toEqual([
      [1, 5461, 2],
      [2, 5461, 2],
      [3, 5462, 2],
    ])
    const replica = await until('lag is measured', async () => {
      const node = await watched.node(cluster.replicas[0]?.[0]?.address ?? '')
      return node?.latest?.lagBytes != null ? node : null
    })
    expect(replica).toMatchObject({ role: 'replica', shardOrdinal: 1, version: '7.0.15', engine: 'redis' })
    expect(replica.latest?.lagBytes).toBeLessThan(1_000)
    expect(replica.latest?.lagSeconds).toBeLessThan(3)

    const victim = cluster.primaries[0]
    if (!victim) throw new Error('no primary')
    const killed = performance.now()
    await victim.kill('SIGKILL')
    await until(
      'the node is shown down',
      async () => (await watched.node(victim.address))?.state === 'refused',
    )
    expect(performance.now() - killed).toBeLessThan(3_000)
    await until('node-lost', async () => (await kinds(watched)).includes('node-lost'))
    expect(performance.now() - killed).toBeLessThan(4_000)
    await until('failover', async () => (await kinds(watched)).includes('failover'))
    expect(performance.now() - killed).toBeLessThan(10_000)
    const after = await until('its replica is primary of shard 1', async () => {
      const [first] = await listShards(watched.store, 'shop', Date.now())
      return first?.nodes.find((node) => node.role === 'primary')?.address === replica.address ? first : null
    })
    expect(after.nodes.map((node) => node.address).sort()).toEqual([victim.address, replica.address].sort())

    await victim.restart()
    await until('node-back', async () => (await kinds(watched)).includes('node-back'))
    await until('it follows now', async () => (await watched.node(victim.address))?.role === 'replica')
    await delay(3_000)
    const counted = Object.groupBy(await kinds(watched), (kind) => kind)
    expect(
      Object.fromEntries(Object.entries(counted).map(([kind, all]) => [kind, all?.length])),
    ).toMatchObject({
      'node-lost': 1,
      failover: 1,
      'node-back': 1,
    })
    expect(counted['node-added']).toBeUndefined()
    expect(counted['slots-moved']).toBeUndefined()
  })

  it('loses no tick of anyone to a node that hangs', async () => {
    const { cluster, watched } = await watchCluster()
    const hung = cluster.replicas[2]?.[0]
    if (!hung) throw new Error('no replica')
    await hung.kill('SIGSTOP')
    const from = Date.now()
    await until(
      'it is shown as not answering',
      async () => (await watched.node(hung.address))?.state === 'timeout',
    )
    expect(Date.now() - from).toBeLessThan(5_000)
    await delay(Math.max(0, from + 8_000 - Date.now()))
    const range = { ...parseRange({}, Date.now()), from, to: Date.now() }
    const seconds = (range.to - range.from) / 1_000
    for (const node of await watched.nodes()) {
      const { items } = await listSamples(watched.store, { nodeId: node.nodeId, range, limit: 100 })
      if (node.address === hung.address) expect(items.length).toBeLessThan(4)
      else expect(items.length, node.address).toBeGreaterThan(seconds - 3)
    }
    await hung.kill('SIGCONT')
    await until('it is back', async () => (await kinds(watched)).includes('node-back'))
  })
})

describe('a standalone cache', () => {
  it('finds the primary of a replica, and its other replicas', async () => {
    const [primary, database] = await Promise.all([startRedis(), createTestDatabase()])
    const replicas = await Promise.all([1, 2].map(() => startRedis({ replicaOf: { port: primary.port } })))
    ends.push(database.drop, ...[primary, ...replicas].map((node) => node.stop))
    const watched = await startCollector(
      database.url,
      `caches:\n${cacheYaml('one', 'standalone', [`redis://localhost:${replicas[0]?.port}`])}`,
    )
    ends.push(watched.stop)
    await until('all three are up', async () => {
      const nodes = await watched.nodes()
      return nodes.length === 3 && nodes.every((node) => node.state === 'up')
    })
    const roles = (await watched.nodes()).map((node) => `${node.address} ${node.role} ${node.shardOrdinal}`)
    expect(roles.sort()).toEqual(
      [
        `${primary.address} primary 1`,
        `localhost:${replicas[0]?.port} replica 1`,
        `${replicas[1]?.address} replica 1`,
      ].sort(),
    )
  })

  it('shows no absurd rate across CONFIG RESETSTAT and a restart, and says what happened', async () => {
    const [node, database] = await Promise.all([startRedis(), createTestDatabase()])
    ends.push(database.drop, node.stop)
    const watched = await startCollector(
      database.url,
      `caches:\n${cacheYaml('one', 'standalone', [node.url])}`,
    )
    ends.push(watched.stop)
    const from = Date.now()
    await until('it is sampled', async () => (await watched.node(node.address))?.latest?.opsPerSec != null)
    for (let count = 0; count < 200; count++) await node.command('GET', 'x')
    await delay(1_500)
    await node.command('CONFIG', 'RESETSTAT')
    await until('counters-reset', async () => (await kinds(watched)).includes('counters-reset'))
    await node.restart()
    await until('restart', async () => (await kinds(watched)).includes('restart'))
    await delay(2_500)
    const nodeId = (await watched.node(node.address))?.nodeId
    const range = { ...parseRange({}, Date.now()), from, to: Date.now() }
    const { items } = await listSamples(watched.store, { nodeId, range, limit: 100 })
    expect(items.length).toBeGreaterThan(5)
    const rates = items.flatMap((item) => [
      item.opsPerSec,
      item.missesPerSec,
      item.netInBytesPerSec,
      item.cpuShare,
    ])
    for (const rate of rates) expect(rate ?? 0).toBeGreaterThanOrEqual(0)
    expect(Math.max(...items.map((item) => item.opsPerSec ?? 0))).toBeLessThan(2_000)
    expect(items.filter((item) => item.opsPerSec === null).length).toBeGreaterThanOrEqual(2)
  })
})
