/** The whole way of a hot key: MONITOR bursts on a real cluster, the collector, Postgres, the query of the pages. */
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { listHotKeys } from '../../store/hot-keys.ts'
import { cacheYaml, startCollector, type TestCollector } from '../support/collector.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { delay, type RedisCluster, startRedisCluster, until } from '../support/redis.ts'

let cluster: RedisCluster
let database: TestDatabase
let watched: TestCollector
let client: Cluster
let traffic: NodeJS.Timeout
let viralPerRound = 0

beforeAll(async () => {
  ;[cluster, database] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary: 1 }),
    createTestDatabase(),
  ])
  client = new Cluster(
    cluster.primaries.map(({ host, port }) => ({ host, port })),
    { enableAutoPipelining: true, redisOptions: { protocol: 2 } },
  )
  await until('the client knows the cluster', () => client.status === 'ready')
  await client.set('article:42', 'VIRAL-VALUE')
  // About 3000 GET per second over 50,000 articles, the rest on top when the article goes viral.
  traffic = setInterval(() => {
    for (let count = 0; count < 30; count++) {
      client.get(`article:${Math.floor(Math.random() * 50_000)}`).catch(() => {})
    }
    for (let count = 0; count < viralPerRound; count++) client.get('article:42').catch(() => {})
  }, 10)
  watched = await startCollector(
    database.url,
    `caches:\n${cacheYaml('shop', 'cluster', [cluster.nodes[5]?.url ?? ''])}`,
  )
})

afterAll(async () => {
  clearInterval(traffic)
  client?.disconnect()
  await watched?.stop()
  await Promise.all([cluster?.stop(), database?.drop()])
})

it('puts the viral article on top within ten seconds, with its interval, on its shard', async () => {
  await until(
    'all nodes are up',
    async () => (await watched.nodes()).filter((node) => node.state === 'up').length === 6,
  )
  await delay(3_000)
  const now = () => Date.now()
  const quiet = await listHotKeys(watched.store, { limit: 5, now: now() })
  expect(quiet.items[0]?.key).not.toBe('article:42')

  viralPerRound = 100
  const started = performance.now()
  const hot = await until('article:42 is the hottest key', async () => {
    const { items } = await listHotKeys(watched.store, { limit: 1, now: now() })
    return items[0]?.key === 'article:42' ? items[0] : null
  })
  expect(performance.now() - started).toBeLessThan(10_000)

  const settled = await until('the window is full of it', async () => {
    const { items } = await listHotKeys(watched.store, { limit: 1, now: now() })
    return items[0] && (items[0].share ?? 0) > 0.8 ? items[0] : null
  })
  expect(settled).toMatchObject({
    cacheId: 'shop',
    db: 0,
    source: 'monitor',
    topCommand: 'GET',
    nodeId: hot.nodeId,
  })
  expect(settled.shareLow).toBeLessThanOrEqual(settled.share ?? 0)
  expect(settled.shareHigh).toBeGreaterThanOrEqual(settled.share ?? 1)
  expect(settled.readsPerSec).toBeGreaterThan(settled.writesPerSec ?? 0)
  expect(Buffer.from(settled.keyBase64, 'base64url').toString()).toBe('article:42')

  const owner = (await watched.nodes()).find((node) => node.nodeId === settled.nodeId)
  expect(owner).toMatchObject({ role: 'primary', shardOrdinal: 2 })
  // The bill of watching stays within its budget, with room for what a single burst overshoots.
  expect(owner?.latest?.ownCpuShare).toBeLessThan(0.03)
  expect(watched.log.join('\n')).not.toContain('VIRAL-VALUE')
})
