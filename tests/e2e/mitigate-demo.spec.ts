/**
 * The demo's own shop, three processes of it, with an article that is viral: each of the three mitigations by its
 * button, what it does measured at the servers, and its load back when it is drained.
 */
import type { Page } from 'playwright/test'
import { query } from '../../store/client.ts'
import { getMitigation } from '../../store/mitigations.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis.ts'
import { startCollector } from './support/collector.ts'
import { type Dashboard, startDashboard } from './support/dashboard.ts'
import { createDatabase, withStore } from './support/database.ts'
import { hottestOverMean, readKeyRates, readLoads } from './support/server-load.ts'
import { type Shop, startShop } from './support/shop.ts'
import { expect, listApi, test } from './support/test.ts'

test.describe.configure({ mode: 'serial' })

const KEY = 'article:42'
const PROCESSES = 3
const TTL_SECONDS = 2
/** Each held value lives up to so much shorter. */
const JITTER = 0.1
/** Bounds a failure only. */
const WITHIN_MS = 45_000
/** Of the load, one a second: from the press of Split until the load is even. */
const SAMPLES_UNTIL_EVEN = 15

let database: string

let cluster: RedisCluster
let collector: Awaited<ReturnType<typeof startCollector>>
let dashboard: Dashboard
let shop: Shop

test.beforeAll(async () => {
  test.setTimeout(240_000)
  database = await createDatabase()
  ;[cluster, dashboard] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary: 1 }),
    startDashboard(database),
  ])
  shop = await startShop(database, cluster, {
    processes: PROCESSES,
    commandsPerSec: 600,
    viralReadsPerSec: 2_000,
  })
  collector = await startCollector(database, {
    name: 'shop',
    seeds: cluster.urls,
    more: ['mitigations: { enabled: true, proofWindow: 10s }'],
  })
  // Not before the collector has named the cache.
  await within('the article is the hottest key', 90_000, async () => {
    const [top] = await listApi('/api/v1/hot-keys?cacheId=shop', dashboard.url)
    expect(top?.key).toBe(KEY)
  })
})

test.afterAll(async () => {
  await shop?.stop()
  await collector?.stop()
  await dashboard?.stop()
  await cluster?.stop()
})

test('Split spreads the viral article over the shards, and says that it worked; drained, it comes back', async ({
  page,
}) => {
  test.setTimeout(240_000)
  await within('the load is uneven', WITHIN_MS, async () => {
    expect(hottestOverMean(await readLoads(cluster.primaries, 1_000))).toBeGreaterThan(2)
  })
  const whole = sum(await readKeyRates(cluster.primaries, KEY, 1_000))
  await ask(page, 'Split')
  await within('the load is even', WITHIN_MS, async () => {
    expect(hottestOverMean(await readLoads(cluster.primaries, 1_000))).toBeLessThanOrEqual(1.3)
  })
  await within('the load is even in what was stored', WITHIN_MS, async () => {
    expect(await countSamplesUntilEven(page)).toBeLessThanOrEqual(SAMPLES_UNTIL_EVEN)
  })
  // The base key is one of the names, and has its part of the reads and no more.
  await within('the base key has its part', WITHIN_MS, async () => {
    const [most = 0] = (await readKeyRates(cluster.primaries, KEY, 1_000)).toSorted((a, b) => b - a)
    expect(most).toBeGreaterThan(whole / 3 / 2)
    expect(most).toBeLessThan((whole / 3) * 2)
  })
  await expectWorked(page, /the hottest shard carries [\d.]+× the mean;/i)
  expect(await copies()).not.toEqual([])
  await drain(page)
  await within('the load is back on its shard', WITHIN_MS, async () => {
    expect(hottestOverMean(await readLoads(cluster.primaries, 1_000))).toBeGreaterThan(2)
  })
  await expectNothingLeft(page)
})

test('Local cache leaves the servers no more of the article than each process asks for once a TTL', async ({
  page,
}) => {
  test.setTimeout(240_000)
  await ask(page, 'Local cache', async () => {
    await page.getByLabel('Hold for, s').fill(String(TTL_SECONDS))
  })
  const most = PROCESSES / (TTL_SECONDS * (1 - JITTER))
  await within('the servers are hardly asked', WITHIN_MS, async () => {
    const rates = await readKeyRates(cluster.primaries, KEY, 2_000)
    expect(sum(rates)).toBeLessThanOrEqual(most + 1)
  })
  const seconds = 8
  const asked = sum(await readKeyRates(cluster.primaries, KEY, seconds * 1_000)) * seconds
  // At the ends of the span each process may have one more.
  expect(asked).toBeLessThanOrEqual(most * seconds + PROCESSES)
  expect(asked).toBeGreaterThan(0)
  await expectWorked(page, /processes should leave/)
  await drain(page)
  await within('the load is back', WITHIN_MS, async () => {
    expect(sum(await readKeyRates(cluster.primaries, KEY, 1_000))).toBeGreaterThan(300)
  })
  await expectNothingLeft(page)
})

test('Replicate reads the article from the replica as well, and from its primary alone once drained', async ({
  page,
}) => {
  test.setTimeout(240_000)
  const nodes = [...cluster.primaries, ...cluster.replicas.flat()]
  const shares = async () => {
    const rates = await readKeyRates(nodes, KEY, 1_000)
    return {
      primary: sum(rates.slice(0, cluster.primaries.length)) / sum(rates),
      replica: sum(rates.slice(cluster.primaries.length)) / sum(rates),
    }
  }
  expect(await shares()).toEqual({ primary: 1, replica: 0 })
  await ask(page, 'Replicate')
  await within('the replica has its half', WITHIN_MS, async () => {
    expect((await shares()).primary).toBeCloseTo(0.5, 1)
  })
  await expectWorked(page, /primary answers/)
  await drain(page)
  await within('the primary has it all', WITHIN_MS, async () => {
    expect(await shares()).toEqual({ primary: 1, replica: 0 })
  })
  await expectNothingLeft(page)
})

/** By the button on the key's page, and on to the mitigation's own. */
async function ask(page: Page, action: string, fill: () => Promise<void> = async () => {}): Promise<void> {
  await page.goto(`${dashboard.url}/caches/shop/keys/0/${Buffer.from(KEY).toString('base64url')}`)
  await page.getByRole('button', { name: 'Mitigate', exact: true }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: new RegExp(`^${action}`) }).check()
  await fill()
  await expect(dialog.getByRole('region', { name: 'Preview' })).toContainText(/shop/)
  await dialog.getByLabel('Your name').fill('Anna')
  await dialog.getByLabel('Reason, for those who read it later').fill('it is viral')
  await dialog.getByRole('button', { name: new RegExp(`${KEY}$`) }).click()
  await dialog.getByRole('link', { name: 'Follow it' }).click()
  await expect(page).toHaveURL(/\/mitigations\/\d+/)
}

/**
 * From the press to the first that is even once the mitigation is in force, as stored. Where the machine is slow there
 * are fewer of them.
 */
async function countSamplesUntilEven(page: Page): Promise<number> {
  const mitigationId = Number(new URL(page.url()).pathname.split('/').at(-1))
  return await withStore(database, async (store) => {
    const mitigation = await getMitigation(store, mitigationId)
    const activatedAt = mitigation?.steps.find(({ name }) => name === 'activate')?.endedAt
    if (mitigation === null || activatedAt == null) throw new Error('it is not in force')
    const samples = await query(
      store,
      (prisma) => prisma.$queryRaw<{ at: Date; loads: number[] }[]>`
        SELECT s.at, array_agg(s.ops_per_sec) AS loads FROM node_sample s JOIN node n USING (node_id)
        WHERE n.cache_id = 'shop' AND n.role = 'primary' AND s.at > ${new Date(mitigation.createdAt)}
        GROUP BY s.at HAVING count(s.ops_per_sec) = ${cluster.primaries.length} ORDER BY s.at`,
    )
    const even = samples.findIndex(
      ({ at, loads }) => at >= new Date(activatedAt) && hottestOverMean(loads) <= 1.3,
    )
    if (even < 0) throw new Error(`none is even: ${JSON.stringify(samples)}`)
    return even + 1
  })
}

async function drain(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Drain now' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Your name').fill('Anna')
  await dialog.getByLabel('Reason, for those who read it later').fill('it was a test')
  await dialog.getByRole('button', { name: 'Drain it' }).click()
  await expect(dialog).toBeHidden()
}

/** The verdict and the sentence with its numbers, as the page has them. */
async function expectWorked(page: Page, sentence: RegExp): Promise<void> {
  const proof = page.getByRole('region', { name: 'Did it work?' })
  await expect(proof).toContainText('Worked', { timeout: 90_000 })
  await expect(page.getByRole('main')).toContainText(sentence)
}

/** It is off, and no copy of it is on any server. */
async function expectNothingLeft(page: Page): Promise<void> {
  await expect(page.getByRole('button', { name: /^Repeat/ })).toBeVisible({ timeout: 60_000 })
  expect(await copies()).toEqual([])
}

async function copies(): Promise<unknown[]> {
  const found = await Promise.all(cluster.primaries.map(({ command }) => command('KEYS', `*}:${KEY}`)))
  return found.flat()
}

async function within(what: string, ms: number, check: () => Promise<void>): Promise<void> {
  await expect(check, what).toPass({ timeout: ms, intervals: [100] })
}

const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0)
