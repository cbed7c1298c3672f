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
    // Nodes that a busy machine holds up for a moment are not taken for dead by the others: only a killed one is.
    startRedisCluster({ primaries: 3, replicasPerPrimary: 1, settings: { 'cluster-node-timeout': '5000' } }),
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

/** A collector of its own on a node of its own. */
async function watchAlone(): Promise<TestCollector & { address: string }> {
  const [node, database] = await Promise.all([startRedis(), createTestDatabase()])
  ends.push(database.drop, node.stop)
  const watched = await startCollector(
    database.url,
    `caches:\n${cacheYaml('alone', 'standalone', [node.url])}`,
  )
  ends.push(watched.stop)
  await until('it is up', async () => (await watched.node(node.address))?.latest?.opsPerSec != null)
  return { ...watched, address: node.address }
}

/** When a node was sampled within the last hour, oldest first, in epoch milliseconds. */
async function sampledAt(watched: TestCollector, address: string): Promise<number[]> {
  const nodeId = (await watched.node(address))?.nodeId
  const range = parseRange({}, Date.now())
  const { items } = await listSamples(watched.store, { nodeId, range, limit: 1_000 })
  return items.map(({ at }) => Date.parse(at)).toReversed()
}
const gaps = (at: number[]) => at.slice(1).map((ms, index) => ms - (at[index] ?? 0))

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
    expect(replica.latest?.lagSeconds).toBeLessThan(10)

    const [victim, bystander] = cluster.primaries
    const successor = cluster.replicas[0]?.[0]
    if (!victim || !bystander || !successor) throw new Error('no primaries and replicas')
    const victimId = (await watched.node(victim.address))?.nodeId
    const killedAt = Date.now()
    await victim.kill('SIGKILL')
    await until(
      'the node is shown down',
      async () => (await watched.node(victim.address))?.state === 'refused',
    )
    await until('its replica is promoted', async () =>
      String(await successor.command('INFO', 'replication')).includes('role:master'),
    )
    const promotedAt = Date.now()
    const eventAt = (kind: string) =>
      until(kind, async () => {
        const event = (await watched.events()).find((one) => one.kind === kind)
        return event && Date.parse(event.at)
      })
    const [lostAt, failoverAt] = [await eventAt('node-lost'), await eventAt('failover')]
    // A closed connection is looked into at once, and again a moment later; a promotion with the next discoveries: in
    // the paces that this machine had meanwhile.
    const taken = await until('a sample after both', async () => {
      const at = await sampledAt(watched, bystander.address)
      return (at.at(-1) ?? 0) > Math.max(lostAt, failoverAt) ? at : null
    })
    const pace = Math.max(...gaps(taken))
    expect(lostAt).toBeGreaterThan((await sampledAt(watched, victim.address)).at(-1) ?? 0)
    expect(lostAt - killedAt).toBeLessThan(10 * pace)
    expect(failoverAt - promotedAt).toBeLessThan(10 * pace)
    const after = await until('its replica is primary of shard 1', async () => {
      const [first] = await listShards(watched.store, 'shop', Date.now())
      return first?.nodes.find((node) => node.role === 'primary')?.address === replica.address ? first : null
    })
    expect(after.nodes.map((node) => node.address).sort()).toEqual([victim.address, replica.address].sort())

    await victim.restart()
    await until('node-back', async () => (await kinds(watched)).includes('node-back'))
    await until('it follows now', async () => (await watched.node(victim.address))?.role === 'replica')
    await delay(3_000)
    const events = await watched.events()
    const ofVictim = events.filter(({ nodeId }) => nodeId === victimId).map(({ kind }) => kind)
    expect(ofVictim.filter((kind) => kind === 'node-lost' || kind === 'node-back')).toEqual([
      'node-lost',
      'node-back',
    ])
    const moves = events.filter(({ kind }) => ['failover', 'node-added', 'slots-moved'].includes(kind))
    expect(moves.map(({ kind }) => kind)).toEqual(['failover'])
  })

  it('loses no tick of anyone to a node that hangs', async () => {
    const [{ cluster, watched }, control] = await Promise.all([watchCluster(), watchAlone()])
    const hung = cluster.replicas[2]?.[0]
    if (!hung) throw new Error('no replica')
    await hung.kill('SIGSTOP')
    const from = Date.now()
    await until(
      'it is shown as not answering',
      async () => (await watched.node(hung.address))?.state === 'timeout',
    )
    await until('it is told as lost', async () => (await kinds(watched)).includes('node-lost'))
    await delay(Math.max(0, from + 10_000 - Date.now()))
    const to = Date.now()
    const within = (at: number[]) => at.filter((ms) => ms >= from && ms < to).length
    const ticksOf = (by: TestCollector, address: string) =>
      until(`the next tick of ${address}`, async () => {
        const at = await sampledAt(by, address)
        return (at.at(-1) ?? 0) >= to ? within(at) : null
      })
    // As many as another collector of this process takes meanwhile, of a node that has no sibling to wait for.
    const ticks = await ticksOf(control, control.address)
    for (const { address } of cluster.nodes.filter((node) => node !== hung)) {
      expect(await ticksOf(watched, address), address).toBeGreaterThanOrEqual(0.75 * ticks - 1)
    }
    expect(within(await sampledAt(watched, hung.address))).toBeLessThan(4)
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
    const wanted = [
      `${primary.address} primary 1 up`,
      `localhost:${replicas[0]?.port} replica 1 up`,
      `${replicas[1]?.address} replica 1 up`,
    ]
    await until('all three are up', async () => {
      const nodes = (await watched.nodes()).map(
        ({ address, role, shardOrdinal, state }) => `${address} ${role} ${shardOrdinal} ${state}`,
      )
      expect(nodes.sort()).toEqual(wanted.sort())
      return true
    })
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
    // Counters that were never read as high as they are now would not be seen to fall.
    const readAt = Date.now()
    await until(
      'they are counted',
      async () => ((await sampledAt(watched, node.address)).at(-1) ?? 0) > readAt,
    )
    await node.command('CONFIG', 'RESETSTAT')
    await until('counters-reset', async () => (await kinds(watched)).includes('counters-reset'))
    await node.restart()
    await until('restart', async () => (await kinds(watched)).includes('restart'))
    const restartedAt = Date.now()
    const nodeId = (await watched.node(node.address))?.nodeId
    const items = await until('two samples of the time after', async () => {
      const range = { ...parseRange({}, Date.now()), from, to: Date.now() }
      const { items } = await listSamples(watched.store, { nodeId, range, limit: 100 })
      return items.filter(({ at }) => Date.parse(at) > restartedAt).length >= 2 ? items : null
    })
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
