/** Names and addresses stay, what they lead to does not: a migration, a cluster made anew, a failover behind a name. */
import { afterEach, describe, expect, it } from 'vitest'
import { listShards } from '../../../store/shards.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { delay, type RedisProcess, startRedis, startRedisCluster, until } from '../../support/redis.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function testDatabase(): Promise<string> {
  const database = await createTestDatabase()
  ends.push(database.drop)
  return database.url
}
async function watch(
  databaseUrl: string,
  kind: 'cluster' | 'standalone',
  urls: string[],
  more: string[] = [],
): Promise<TestCollector> {
  const watched = await startCollector(databaseUrl, `caches:\n${cacheYaml('shop', kind, urls, more)}`)
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= watched.stop()
    return stopped
  }
  ends.push(stop)
  return { ...watched, stop }
}
async function cluster(primaries: number, replicasPerPrimary = 0) {
  const cluster = await startRedisCluster({ primaries, replicasPerPrimary })
  ends.push(cluster.stop)
  return cluster
}
async function redis(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisProcess> {
  const node = await startRedis(options)
  ends.push(node.stop)
  return node
}
const up = (watched: TestCollector, addresses: string[]) =>
  until(`${addresses} are up`, async () => {
    const nodes = await watched.nodes()
    const found = nodes.filter((node) => node.state === 'up').map((node) => node.address)
    return nodes.length === addresses.length && found.sort().join() === addresses.toSorted().join()
  })
const primaries = async (watched: TestCollector) =>
  (await listShards(watched.store, 'shop', Date.now())).map(
    (shard) => `${shard.ordinal} ${shard.nodes.find((node) => node.role === 'primary')?.address}`,
  )
const shows = (watched: TestCollector, wanted: string[]) =>
  until('its shards are shown', async () => {
    expect(await primaries(watched)).toEqual(wanted)
    return true
  })
const topologyEvents = async (watched: TestCollector) =>
  (await watched.events()).filter((event) =>
    ['failover', 'slots-moved', 'node-added', 'node-removed'].includes(event.kind),
  )

/** The same processes, the halves of the slots the other way round. */
async function makeAnew([first, second]: RedisProcess[]): Promise<void> {
  if (!first || !second) throw new Error('two primaries make the cluster')
  for (const node of [first, second]) await node.command('CLUSTER', 'RESET', 'HARD')
  await second.command('CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
  await first.command('CLUSTER', 'ADDSLOTSRANGE', 8192, 16_383)
  await first.command('CLUSTER', 'MEET', second.host, second.port)
  for (const node of [first, second]) {
    await until('it serves', async () => {
      const info = String(await node.command('CLUSTER', 'INFO'))
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:2\r')
    })
  }
}

describe('other seeds under the same name', () => {
  it('are followed to another cluster while the old one still answers', async () => {
    const [old, next, url] = await Promise.all([cluster(2), cluster(1, 1), testDatabase()])
    const before = await watch(url, 'cluster', old.urls)
    await up(
      before,
      old.nodes.map((node) => node.address),
    )
    await before.stop()
    const watched = await watch(url, 'cluster', [next.urls[0] ?? ''])
    await up(
      watched,
      next.nodes.map((node) => node.address),
    )
    await shows(watched, [`1 ${next.primaries[0]?.address}`])
    expect(await topologyEvents(watched)).toEqual([])
  })

  it('are the whole of a standalone cache', async () => {
    const [old, next, url] = await Promise.all([redis(), redis(), testDatabase()])
    const before = await watch(url, 'standalone', [old.url])
    await up(before, [old.address])
    await before.stop()
    const watched = await watch(url, 'standalone', [next.url])
    await up(watched, [next.address])
    await delay(2_500)
    await up(watched, [next.address])
    expect(await topologyEvents(watched)).toEqual([])
  })

  it('of the same cluster keep its shards', async () => {
    const [same, url] = await Promise.all([cluster(2), testDatabase()])
    const before = await watch(url, 'cluster', [same.urls[0] ?? ''])
    const addresses = same.nodes.map((node) => node.address)
    await up(before, addresses)
    const shards = (await listShards(before.store, 'shop', Date.now())).map((shard) => shard.shardId)
    await before.stop()
    const watched = await watch(url, 'cluster', [same.urls[1] ?? ''])
    await up(watched, addresses)
    expect((await listShards(watched.store, 'shop', Date.now())).map((shard) => shard.shardId)).toEqual(
      shards,
    )
  })
})

describe('a cluster made anew at the same addresses', () => {
  it.each(['while nobody looks', 'under the eyes of the collector'])(
    '%s is followed, and no failover is told',
    async (when) => {
      const [old, url] = await Promise.all([cluster(2), testDatabase()])
      const [first, second] = old.primaries
      for (let count = 0; count < 5; count++) await first?.command('CLUSTER', 'BUMPEPOCH')
      let watched = await watch(url, 'cluster', old.urls)
      await shows(watched, [`1 ${first?.address}`, `2 ${second?.address}`])
      // The highest epoch must be one that the collector has seen.
      await up(
        watched,
        old.primaries.map((node) => node.address),
      )
      await delay(2_000)
      if (when === 'while nobody looks') await watched.stop()
      await makeAnew(old.primaries)
      if (when === 'while nobody looks') watched = await watch(url, 'cluster', old.urls)
      await shows(watched, [`1 ${second?.address}`, `2 ${first?.address}`])
      await delay(1_500)
      expect(await topologyEvents(watched)).toEqual([])
    },
  )
})

describe('a name that leads elsewhere after a failover', () => {
  it('hides neither server', async () => {
    const [primary, url] = await Promise.all([redis(), testDatabase()])
    const replica = await redis({ replicaOf: { port: primary.port } })
    const target = { host: primary.host, port: primary.port }
    const name = await startTcpProxy(target)
    ends.push(name.close)
    const watched = await watch(url, 'standalone', [`redis://127.0.0.1:${name.port}`])
    const named = `127.0.0.1:${name.port}`
    await up(watched, [named, replica.address])
    await delay(2_000)
    await up(watched, [named, replica.address])

    await replica.command('REPLICAOF', 'NO', 'ONE')
    await primary.command('REPLICAOF', replica.host, replica.port)
    target.port = replica.port
    name.cut()
    name.mend()
    await up(watched, [named, primary.address])
    await until('the roles are right', async () => {
      const roles = (await watched.nodes()).map((node) => `${node.address} ${node.role}`)
      return roles.sort().join() === [`${named} primary`, `${primary.address} replica`].sort().join()
    })
  })
})

describe('what cannot be read of a cache', () => {
  it('is said on the nodes that are up, and on no other', async () => {
    const [pair, url] = await Promise.all([cluster(1, 1), testDatabase()])
    const [primary, replica] = pair.nodes
    for (const node of pair.nodes) {
      await node.command('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '+@all', '-cluster')
    }
    const watched = await watch(url, 'cluster', pair.urls, ['username: blind', 'password: secret'])
    const state = async (node: RedisProcess | undefined) => (await watched.node(node?.address ?? ''))?.state
    await until('both are denied', async () =>
      (await Promise.all([primary, replica].map(state))).every((one) => one === 'denied'),
    )
    await replica?.kill('SIGKILL')
    await until('the dead one is refused, and the other denied', async () => {
      expect(await Promise.all([primary, replica].map(state))).toEqual(['denied', 'refused'])
      return true
    })
  })
})
