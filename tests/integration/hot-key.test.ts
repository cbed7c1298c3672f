/** The whole way of a hot key: MONITOR bursts on a real cluster, the collector, Postgres, the query of the pages. */
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { listRefusals } from '../../core/mitigations/eligibility.ts'
import { parseRange } from '../../core/range.ts'
import { listHotKeys } from '../../store/hot-keys.ts'
import { readMitigationFacts } from '../../store/mitigation-facts.ts'
import { listSamples } from '../../store/samples.ts'
import { type LoggedBurst, mostWithin, paidUs } from '../support/burst-log.ts'
import { cacheYaml, startCollector, type TestCollector } from '../support/collector.ts'
import { keyDraft } from '../support/mitigation-facts.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { delay, type RedisCluster, startRedisCluster, until } from '../support/redis.ts'

const BUDGET = 0.01
let cluster: RedisCluster
let database: TestDatabase
let watched: TestCollector
let client: Cluster
let traffic: NodeJS.Timeout
let viralPerRound = 0
let countedPerRound = 0
let counted = 0
let begunAt = 0

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
    for (let count = 0; count < countedPerRound; count++) {
      const isRead = ++counted % 20 !== 0
      ;(isRead ? client.get('views:42') : client.incr('views:42')).catch(() => {})
    }
  }, 10)
  begunAt = performance.now()
  watched = await startCollector(
    database.url,
    `caches:\n${cacheYaml('shop', 'cluster', [cluster.nodes[5]?.url ?? ''])}`,
  )
})

async function burstsOf(nodeId: number): Promise<(LoggedBurst & { loggedAt: number })[]> {
  const node = (await watched.nodes()).find((one) => one.nodeId === nodeId)
  return watched.log
    .map((line) => JSON.parse(line))
    .filter(({ message, host, port }) => message === 'MONITOR burst' && `${host}:${port}` === node?.address)
}

afterAll(async () => {
  clearInterval(traffic)
  client?.disconnect()
  await watched?.stop()
  await Promise.all([cluster?.stop(), database?.drop()])
})

it('puts the viral article on top within ten bursts of its reads, with its interval, on its shard', async () => {
  await until(
    'all nodes are up',
    async () => (await watched.nodes()).filter((node) => node.state === 'up').length === 6,
  )
  await delay(3_000)
  const now = () => Date.now()
  const quiet = await listHotKeys(watched.store, { limit: 5, now: now() })
  expect(quiet.items[0]?.key).not.toBe('article:42')

  viralPerRound = 100
  const viralAt = Date.now()
  const hot = await until('article:42 is the hottest key', async () => {
    const { items } = await listHotKeys(watched.store, { limit: 1, now: now() })
    return items[0]?.key === 'article:42' ? items[0] : null
  })
  // Half a second or so where the machine does nothing else; how often it is looked at is the machine's affair.
  const toldAt = Date.parse(hot.window.to)
  const looks = (await burstsOf(hot.nodeId)).filter(
    ({ loggedAt }) => loggedAt > viralAt && loggedAt <= toldAt,
  )
  expect(looks.length).toBeLessThanOrEqual(10)

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
  const range = { ...parseRange({}, now()), to: now() }
  const { items } = await listSamples(watched.store, { nodeId: settled.nodeId, range, limit: 100 })
  const bills = items.flatMap(({ ownCpuShare }) => ownCpuShare ?? [])
  expect(bills.reduce((sum, bill) => sum + bill, 0) / bills.length).toBeLessThan(0.03)
  for (const { nodeId, watching } of await watched.nodes()) {
    const most = mostWithin(performance.now() - begunAt, BUDGET)
    expect(watching?.predictedShare ?? 0).toBeLessThanOrEqual(BUDGET)
    expect(paidUs(await burstsOf(nodeId))).toBeLessThanOrEqual(most)
  }
  expect(watched.log.join('\n')).not.toContain('VIRAL-VALUE')
})

it('tells the counter behind a key that is read nineteen times of twenty, and refuses to copy it', async () => {
  viralPerRound = 0
  countedPerRound = 40
  const row = await until('both its commands are seen', async () => {
    const { items } = await listHotKeys(watched.store, { limit: 20, now: Date.now() })
    return items.find(({ key, commands }) => key === 'views:42' && commands.length > 1)
  })
  expect(row).toMatchObject({ topCommand: 'GET', commands: ['GET', 'INCR'] })

  const target = { kind: 'key' as const, db: 0, keyBase64: row.keyBase64 }
  const facts = await readMitigationFacts(watched.store, { cacheId: 'shop', target }, Date.now())
  expect(facts.key?.commands.toSorted()).toEqual(['GET', 'INCR'])
  const refusals = listRefusals(facts, keyDraft('local-cache', {}, facts.key ?? undefined), Date.now())
  expect(refusals).toContainEqual({
    id: 'counter',
    overridable: false,
    message: expect.stringMatching(
      /^It is changed in place \(INCR\), and a reader of a copy would see old counts/,
    ),
  })
})
