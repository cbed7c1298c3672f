import type { Page } from 'playwright/test'
import { findViolations } from './support/accessibility.ts'
import { expect, fleetUrl, listApi, test } from './support/test.ts'

type Target = { name: string; path: () => Promise<string> | string; heading: RegExp; status?: number }

const nodeOf = async (state: 'up' | 'down') => {
  const nodes = await listApi('/api/v1/nodes?cacheId=shop')
  const node = nodes.find((candidate) => (candidate.state === 'up') === (state === 'up'))
  return `/caches/shop/nodes/${node?.nodeId}`
}

const PAGES: Target[] = [
  { name: 'fleet', path: () => '/', heading: /./ },
  { name: 'cache', path: () => '/caches/shop', heading: /shop/ },
  { name: 'hot keys', path: () => '/hot-keys', heading: /Hot keys/ },
  { name: 'hot patterns', path: () => '/hot-keys?list=patterns', heading: /Hot keys/ },
  { name: 'missing keys', path: () => '/hot-keys?list=missing', heading: /Hot keys/ },
  { name: 'mitigations', path: () => '/mitigations', heading: /Mitigations/ },
  { name: 'big keys', path: () => '/hot-keys?list=big', heading: /Hot keys/ },
  {
    name: 'key',
    path: () => `/caches/shop/keys/0/${btoa('article:42').replaceAll('=', '')}`,
    heading: /Key of shop/,
  },
  { name: 'node', path: () => nodeOf('up'), heading: /10\.0\.0\./ },
  { name: 'node that is down', path: () => nodeOf('down'), heading: /10\.0\.0\./ },
  {
    name: 'unknown key',
    path: () => '/caches/shop/keys/0/bm90aGluZw',
    heading: /never seen hot/,
    status: 404,
  },
  { name: 'unknown mitigation', path: () => '/mitigations/999999', heading: /no mitigation/, status: 404 },
  { name: 'unknown page', path: () => '/no-such-page', heading: /nothing at this address/, status: 404 },
]
const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** What is missing at the right of the last chart of each grid, in pixels: an empty cell. */
const emptyCells = (page: Page): Promise<number[]> =>
  page.evaluate(() => {
    const grids = new Set([...document.querySelectorAll('figure')].map((figure) => figure.parentElement))
    return [...grids].flatMap((grid) => {
      const last = grid?.lastElementChild
      if (grid == null || last == null) return []
      return Math.round(grid.getBoundingClientRect().right - last.getBoundingClientRect().right)
    })
  })

const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
]

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of SIZES) {
    test.describe(`${colorScheme}, ${viewport.width} px`, () => {
      test.use({ colorScheme, viewport })
      for (const target of PAGES) {
        test(`${target.name}: whole, quiet, accessible`, async ({ page, complaints }) => {
          const response = await page.goto(fleetUrl() + (await target.path()))
          expect(response?.status()).toBe(target.status ?? 200)
          await expect(page.getByRole('heading', { level: 1 })).toHaveText(target.heading)
          await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme)
          await page.waitForTimeout(300)

          await expect.poll(() => overflow(page), 'pixels wider than the screen').toBeLessThanOrEqual(0)
          await expect.poll(async () => Math.max(0, ...(await emptyCells(page))), 'empty cells').toBe(0)
          await expect.poll(() => findViolations(page)).toEqual([])
          const own404 = (text: string) => target.status === 404 && /404/.test(text)
          expect(complaints.filter((text) => !own404(text))).toEqual([])
        })
      }
    })
  }
}

test.describe('light, 2560 px', () => {
  test.use({ colorScheme: 'light', viewport: { width: 2560, height: 1440 } })
  for (const target of PAGES) {
    test(`${target.name}: fits`, async ({ page }) => {
      await page.goto(fleetUrl() + (await target.path()))
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(target.heading)
      await page.waitForTimeout(300)
      await expect.poll(() => overflow(page), 'pixels wider than the screen').toBeLessThanOrEqual(0)
    })
  }
})

test('a phone shows the rate of every hot key', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto(`${fleetUrl()}/hot-keys?cache=shop`)
  const first = page.getByRole('table').getByRole('row').nth(1)
  await expect(first).toContainText('article:42')
  const rate = first.getByText(/^[\d.]+ k\/s \d+% reads$/)
  await expect(rate).toBeInViewport({ ratio: 1 })
})

test('the whole INFO is folded away until asked for, and searched', async ({ page }) => {
  await page.goto(fleetUrl() + (await nodeOf('up')))
  const search = page.getByRole('searchbox', { name: 'Find a fact by name or value' })
  const facts = page.getByRole('region', { name: 'Everything it says' })
  const role = facts.getByText('role', { exact: true })
  await expect(search).toBeHidden()
  await page.getByText(/^\d+ facts?, to be searched/).click()
  await expect(role).toBeVisible()
  await search.fill('redis_version')
  await expect(role).toBeHidden()
  await expect(facts.getByText('redis_version', { exact: true })).toBeVisible()
})

test('every page has a title of its own', async ({ page }) => {
  const titles = new Set<string>()
  for (const target of PAGES.filter(({ status }) => status === undefined)) {
    await page.goto(fleetUrl() + (await target.path()))
    await expect(page).toHaveTitle(/./)
    titles.add(await page.title())
  }
  expect(titles.size).toBe(PAGES.filter(({ status }) => status === undefined).length)
})
