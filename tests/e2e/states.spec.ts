import { saveCaches, saveTopology } from '../../store/topology.ts'
import { seedFleet } from '../support/seed.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { startDashboard } from './support/dashboard.ts'
import { createDatabase, feedFleet, withStore } from './support/database.ts'
import { expect, test } from './support/test.ts'

const PAGES = ['/', '/hot-keys', '/mitigations']

test('no cache is configured: every page says what to do', async ({ page, complaints }) => {
  const dashboard = await startDashboard(await createDatabase())
  for (const path of PAGES) {
    const response = await page.goto(dashboard.url + path)
    expect(response?.status()).toBe(200)
    await expect(page.locator('main')).toContainText('cachescope.yaml')
  }
  expect(complaints).toEqual([])
  await dashboard.stop()
})

test('the first sample is pending', async ({ page, complaints }) => {
  const database = await createDatabase()
  await withStore(database, async (store) => {
    await saveCaches(store, [
      {
        cacheId: 'fresh',
        kind: 'cluster',
        seeds: ['10.0.0.1:7000'],
        intervalMs: 2_000,
        mitigationsEnabled: true,
      },
    ])
    await saveTopology(store, {
      cacheId: 'fresh',
      at: Date.now(),
      shards: [
        {
          ordinal: 1,
          slots: [[0, 16_383]],
          nodes: [{ address: '10.0.0.1:7000', role: 'primary', clusterNodeId: null }],
        },
      ],
    })
  })
  const dashboard = await startDashboard(database)
  const nodes = await (await fetch(`${dashboard.url}/api/v1/nodes`)).json()
  for (const path of ['/', '/caches/fresh', `/caches/fresh/nodes/${nodes.items[0].nodeId}`, '/hot-keys']) {
    const response = await page.goto(dashboard.url + path)
    expect(response?.status()).toBe(200)
    await expect(page.locator('main')).toContainText(
      /pending|not been asked|first (sample|reading)|not reached/i,
    )
    await expect(page.locator('main')).not.toContainText(/NaN|undefined|null/)
  }
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto(`${dashboard.url}/caches/fresh`)
  const spread = page.getByRole('region', { name: 'How is the load spread over the shards?' })
  await expect(spread.getByText('unknown')).toHaveCount(1)
  const beyond = (element: Element) =>
    [...element.querySelectorAll('*')].filter(
      (part) => part.getBoundingClientRect().right > element.getBoundingClientRect().right,
    ).length
  await expect.poll(() => spread.evaluate(beyond), 'parts that leave the card').toBe(0)
  expect(complaints).toEqual([])
  await dashboard.stop()
})

test('the collector is dead: figures are stale and say their age', async ({ page, complaints }) => {
  const database = await createDatabase()
  await withStore(database, (store) => seedFleet(store, { minutes: 2, now: Date.now() - 300_000 }))
  const dashboard = await startDashboard(database)
  for (const path of ['/', '/caches/shop', '/hot-keys']) {
    await page.goto(dashboard.url + path)
    await expect(page.locator('main')).toContainText(/collector/i)
    // Five, and what a slow machine has taken since.
    await expect(page.locator('main')).toContainText(/\b[5-9] min/)
  }
  await page.goto(`${dashboard.url}/`)
  await expect(page.locator('main').getByText(/stale/i).first()).toBeVisible()
  expect(complaints).toEqual([])
  await dashboard.stop()
})

test('Postgres goes away and comes back under an open page', async ({ page }) => {
  test.setTimeout(240_000)
  const database = new URL(await createDatabase())
  const feed = await feedFleet(database.href, { minutes: 1 })
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(database.port) })
  const through = new URL(database)
  through.port = String(proxy.port)
  const dashboard = await startDashboard(through.href)
  const paths = [
    '/',
    '/caches/shop',
    '/hot-keys',
    '/caches/shop/keys/0/YXJ0aWNsZTo0Mg',
    '/caches/shop/nodes/1',
  ]

  await page.goto(`${dashboard.url}/caches/shop`)
  await expect(page.getByText('Shard 2').first()).toBeVisible()
  proxy.cut()
  await expect(page.getByText('The database does not answer')).toBeVisible({ timeout: 60_000 })
  for (const path of paths) {
    await page.goto(dashboard.url + path)
    const main = page.locator('main')
    await expect(main).toContainText('The database does not answer')
    await expect(main).not.toContainText(/at \w+ \(|node_modules|Error:|Prisma/)
    await expect(main).not.toContainText(through.password)
  }
  const answer = await fetch(`${dashboard.url}/api/v1/caches`)
  expect(answer.status).toBe(503)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')

  await page.goto(`${dashboard.url}/caches/shop`)
  await expect(page.getByText('The database does not answer')).toBeVisible()
  proxy.mend()
  await expect(page.getByText('Shard 2').first()).toBeVisible({ timeout: 60_000 })
  await expect(page.getByText('The database does not answer')).toBeHidden()
  await dashboard.stop()
  await feed.stop()
  await proxy.close()
})

test('told to stop, the dashboard does not wait for open pages', async ({ page }) => {
  const dashboard = await startDashboard(await createDatabase())
  await page.goto(dashboard.url)
  await expect(page.getByRole('button', { name: /^Live/ })).toBeVisible()
  const asked = Date.now()
  const code = await dashboard.stop()
  expect(code, 'ended by itself').not.toBeNull()
  expect(Date.now() - asked).toBeLessThan(7_000)
})
