import { type RedisCluster, startRedisCluster } from '../support/redis.ts'
import { startTraffic as startCalls } from '../support/traffic.ts'
import { startCollector } from './support/collector.ts'
import { type Dashboard, startDashboard } from './support/dashboard.ts'
import { createDatabase } from './support/database.ts'
import { expect, listApi, test } from './support/test.ts'
import { startTraffic, type Traffic } from './support/traffic.ts'

test.describe.configure({ mode: 'serial' })

let cluster: RedisCluster
let collector: Awaited<ReturnType<typeof startCollector>>
let dashboard: Dashboard
let traffic: Traffic

test.beforeAll(async () => {
  test.setTimeout(240_000)
  const database = await createDatabase()
  ;[cluster, dashboard] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary: 1 }),
    startDashboard(database),
  ])
  collector = await startCollector(database, { name: 'real', seeds: cluster.urls })
  traffic = startTraffic(cluster)
})

test.afterAll(async () => {
  await traffic?.stop()
  await collector?.stop()
  await dashboard?.stop()
  await cluster?.stop()
})

test('a key that goes viral comes to the top of Hot keys, its shard the hottest', async ({ page }) => {
  test.setTimeout(240_000)
  await page.goto(`${dashboard.url}/hot-keys?cache=real`)
  await expect
    .poll(
      async () =>
        (await listApi('/api/v1/nodes', dashboard.url)).filter(({ state }) => state === 'up').length,
      { timeout: 60_000 },
    )
    .toBe(6)
  traffic.goViral('article:42')
  const first = page.getByRole('table').getByRole('row').nth(1)
  await expect(first).toContainText('article:42', { timeout: 60_000 })
  await expect(first).toContainText('GET')

  const read = async () => (await listApi('/api/v1/hot-keys?cacheId=real', dashboard.url))[0]
  await expect.poll(read).toMatchObject({ key: 'article:42', source: 'monitor' })
  const top = await read()
  const shards = await listApi('/api/v1/caches/real/shards', dashboard.url)
  const ordinal = shards.find(({ shardId }) => shardId === top?.shardId)?.ordinal
  await expect(first).toContainText(`Shard ${ordinal}`)
  await page.goto(`${dashboard.url}/caches/real`)
  await expect(page.locator('main header').first()).toContainText(new RegExp(`shard ${ordinal}\\b`, 'i'), {
    timeout: 60_000,
  })
  await expect(page.locator('main header').first()).toContainText('article:42')
})

test('no value that the cache is given is on any page', async ({ page }) => {
  test.setTimeout(240_000)
  const secret = 'S3CRET-VALUE'
  for (const { command } of cluster.primaries) await command('CONFIG', 'SET', 'slowlog-log-slower-than', '0')
  // Some of them belong to another node, which answers MOVED: the slow log and MONITOR have the rest.
  const calls = [
    ['SET', 'session:42', secret],
    ['HSET', 'profile:7', secret, secret],
    ['EVAL', `return '${secret}'`, '1', 'session:42', secret],
  ]
  const writings = await Promise.all(
    cluster.primaries.map(({ port }) => {
      let at = 0
      return startCalls(port, 150, () => calls[at++ % calls.length] ?? [])
    }),
  )
  try {
    await expect(async () => {
      const keys = await listApi('/api/v1/hot-keys?cacheId=real', dashboard.url)
      expect(keys.map(({ key }) => key)).toContain('session:42')
    }).toPass({ timeout: 60_000 })
    const nodes = await listApi('/api/v1/nodes', dashboard.url)
    const paths = ['/', '/caches/real', '/hot-keys', '/hot-keys?list=patterns', '/hot-keys?list=big']
    paths.push(...nodes.map(({ nodeId }) => `/caches/real/nodes/${nodeId}`))
    paths.push(`/caches/real/keys/0/${Buffer.from('session:42').toString('base64url')}`)
    let text = ''
    await expect(async () => {
      for (const path of paths) {
        const response = await page.goto(`${dashboard.url}${path}`)
        expect(response?.status(), path).toBe(200)
        text += await page.content()
      }
      expect(text).toContain('session:42')
      // The slow log's table of a node's page.
      expect(text).toContain('HSET')
    }).toPass()
    expect(text).not.toContain(secret)
    expect(collector.output()).not.toContain(secret)
  } finally {
    for (const writing of writings) await writing.stop()
    for (const { command } of cluster.primaries)
      await command('CONFIG', 'SET', 'slowlog-log-slower-than', '10000')
  }
})

test('a killed primary is shown down with its failover, and back when it returns', async ({ page }) => {
  test.setTimeout(240_000)
  const victim = cluster.primaries[2]
  if (victim === undefined) throw new Error('no third primary')
  await page.goto(`${dashboard.url}/caches/real`)
  await expect(page.getByText(victim.address).first()).toBeVisible()
  await victim.kill('SIGKILL')
  const row = page.getByRole('row').filter({ hasText: victim.address }).first()
  await expect(row).toContainText(/refused|unreachable/i, { timeout: 60_000 })
  await expect(page.getByText(/took over from/i).first()).toBeVisible({ timeout: 60_000 })

  // It is told as lost when it has failed twice, and as back when it has answered twice.
  const kinds = async () =>
    (await listApi('/api/v1/events?cacheId=real', dashboard.url)).map(({ kind }) => kind)
  await expect.poll(kinds).toContain('node-lost')
  await victim.restart()
  await expect(row).toContainText(/Up/, { timeout: 60_000 })
  await expect.poll(kinds).toEqual(expect.arrayContaining(['node-lost', 'failover', 'node-back']))
})
