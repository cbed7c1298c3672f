/** The newest Redis and Valkey, watched: every figure is there, nothing is complained of, what we cost is counted. */
import { afterEach, expect, it } from 'vitest'
import { nodeMetricNames } from '../../../core/metrics.ts'
import type { Node } from '../../../core/model.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { startRedis, startRedisCluster, until } from '../../support/redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const ends: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function watch(yaml: string): Promise<TestCollector> {
  const database = await createTestDatabase()
  ends.push(database.drop)
  const watched = await startCollector(database.url, `caches:\n${yaml}`)
  ends.push(watched.stop)
  return watched
}

/** A primary has no lag; on a replica what its clients do is told once its command table is read. */
const unknownOf = (node: Node) =>
  nodeMetricNames.filter((name) => node.latest?.[name] === null && !/^lag/.test(name))

async function allComplete(watched: TestCollector, count: number): Promise<Node[]> {
  return await until('every figure of every node', async () => {
    const nodes = await watched.nodes()
    const isComplete =
      nodes.length === count &&
      nodes.every((node) => node.state === 'up' && node.latest && !unknownOf(node).length)
    const lags = nodes.filter(({ role }) => role === 'replica').map(({ latest }) => latest?.lagBytes)
    return isComplete && lags.every((lag) => lag != null) ? nodes : null
  })
}

function expectNoComplaint({ log }: TestCollector): void {
  expect(log.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([])
}

it('a cluster of Valkey, in availability zones', async () => {
  const cluster = await startRedisCluster({
    engine: 'valkey',
    primaries: 3,
    replicasPerPrimary: 1,
    settings: { 'availability-zone': 'eu-1a', 'cluster-slot-stats-enabled': 'yes' },
  })
  ends.push(cluster.stop)
  const watched = await watch(cacheYaml('shop', 'cluster', [cluster.replicas[1]?.[0]?.url ?? '']))
  const nodes = await allComplete(watched, 6)
  for (const node of nodes) {
    expect(node).toMatchObject({ engine: 'valkey', version: expect.stringMatching(/^9\./), state: 'up' })
    expect(node.latest?.ownCommandsPerSec, node.address).toBeGreaterThan(0)
    expect(node.latest?.ownCpuShare, node.address).toBeGreaterThan(0)
  }
  expect(nodes.map(({ role, shardOrdinal }) => `${role} ${shardOrdinal}`).sort()).toEqual(
    [1, 2, 3].flatMap((shard) => [`primary ${shard}`, `replica ${shard}`]).sort(),
  )
  expectNoComplaint(watched)
})

it('a Redis with a replica, and commands of a module that it brings', async () => {
  const primary = await startRedis({ engine: 'redis' })
  const replica = await startRedis({ engine: 'redis', replicaOf: { port: primary.port } })
  ends.push(primary.stop, replica.stop)
  let vector = 0
  const traffic = await startTraffic(primary.port, 100, () => {
    vector = (vector + 1) % 50
    return ['VADD', 'vectors', 'VALUES', '2', '1', String(vector), `element ${vector}`]
  })
  ends.push(() => traffic.stop())
  const watched = await watch(cacheYaml('one', 'standalone', [primary.url]))
  const nodes = await allComplete(watched, 2)
  for (const node of nodes) {
    expect(node).toMatchObject({ engine: 'redis', version: expect.stringMatching(/^8\./), state: 'up' })
    expect(node.latest?.ownCommandsPerSec, node.address).toBeGreaterThan(0)
  }
  await until('the load of the primary, and none of the replica', async () => {
    const ofPrimary = (await watched.node(primary.address))?.latest?.opsPerSec ?? 0
    const ofReplica = (await watched.node(replica.address))?.latest?.opsPerSec ?? ofPrimary
    return ofPrimary > 50 && ofReplica < 5
  })
  expectNoComplaint(watched)
})
