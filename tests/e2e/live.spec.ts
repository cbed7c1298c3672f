import type { Page, Request } from 'playwright/test'
import { expect, fleetUrl, test } from './support/test.ts'

test('the range picker changes the URL and survives a reload', async ({ page }) => {
  await page.goto(`${fleetUrl()}/caches/shop`)
  await expect(page.getByRole('button', { name: /^Live/ })).toBeVisible()
  await page.getByRole('button', { name: '1 h', exact: true }).click()
  await expect(page).toHaveURL(/range=1h/)
  await page.reload()
  await expect(page.getByRole('button', { name: '1 h', exact: true })).toHaveAttribute('aria-pressed', 'true')
  await page.goBack()
  await expect(page).not.toHaveURL(/range=1h/)
})

test('an address without a page is not loaded over and over', async ({ page }) => {
  let loads = 0
  page.on('load', () => loads++)
  for (const path of ['/no-such-page', '/caches/shop/keys/0/bm90aGluZw']) {
    loads = 0
    await page.goto(fleetUrl() + path)
    await page.waitForResponse((response) => response.url().includes('_rsc='), { timeout: 30_000 })
    await page.waitForTimeout(2_000)
    expect(loads, path).toBe(1)
  }
})

test('a range that cannot be is named, and the page is shown all the same', async ({ page }) => {
  const response = await page.goto(`${fleetUrl()}/hot-keys?range=forever`)
  expect(response?.status()).toBe(200)
  await expect(page.getByText(/The address asks for a time range that cannot be shown/)).toBeVisible()
  await expect(page.getByRole('table')).toContainText('article:42')
})

test('figures change by themselves; paused they stay', async ({ page }) => {
  await page.goto(`${fleetUrl()}/caches/shop`)
  const refresh = () =>
    page.waitForResponse((response) => response.url().includes('_rsc='), { timeout: 30_000 })
  await refresh()
  await page.getByRole('button', { name: /Pause live updates/ }).click()
  await expect(page.getByRole('button', { name: /Resume live updates/ })).toBeVisible()
  let requests = 0
  page.on('request', (request) => {
    if (request.url().includes('_rsc=') || request.url().endsWith('/api/live')) requests++
  })
  const figures = async () => withoutAges(await page.locator('main dl').first().textContent())
  // What was asked for before may still come.
  await expect(async () => {
    const [asked, shown] = [requests, await figures()]
    await page.waitForTimeout(2_500)
    expect([requests, await figures()]).toEqual([asked, shown])
  }).toPass()
  const [asked, before] = [requests, await figures()]
  await page.waitForTimeout(5_000)
  expect(requests).toBe(asked)
  expect(await figures()).toBe(before)
  await page.getByRole('button', { name: /Resume live updates/ }).click()
  await refresh()
})

test('many tabs share one stream, so that the next page still loads', async ({ context, page }) => {
  let streams = 0
  context.on('request', (request) => {
    if (request.resourceType() === 'eventsource') streams++
  })
  const tabs = [page]
  for (let count = 1; count < 8; count++) tabs.push(await context.newPage())
  for (const tab of tabs) {
    await tab.goto(`${fleetUrl()}/no-such-page`, { waitUntil: 'commit' })
    await expect(tab.getByRole('button', { name: /^Live/ })).toBeVisible()
  }
  expect(streams).toBe(1)
  const next = await context.newPage()
  await next.goto(`${fleetUrl()}/caches/shop`, { timeout: 30_000 })
  await expect(next.getByRole('button', { name: /^Live/ })).toBeVisible()

  // The tab that reads the stream goes: another takes over, and all are told.
  await page.close()
  await expect.poll(() => streams).toBe(2)
  await next.waitForResponse((response) => response.url().includes('_rsc='), { timeout: 30_000 })
})

test('a hidden tab keeps no stream; seen again it is up to date and live', async ({ page }) => {
  const open = new Set<Request>()
  page.on('request', (request) => request.resourceType() === 'eventsource' && open.add(request))
  page.on('requestfailed', (request) => open.delete(request))
  await page.goto(`${fleetUrl()}/caches/shop`)
  await expect(page.getByRole('button', { name: /^Live/ })).toBeVisible()
  await expect.poll(() => open.size).toBe(1)
  await show(page, 'hidden')
  await expect.poll(() => open.size).toBe(0)
  const refreshed = page.waitForResponse((response) => response.url().includes('_rsc='), { timeout: 30_000 })
  await show(page, 'visible')
  await refreshed
  await expect.poll(() => open.size).toBe(1)
})

/** A headless browser shows every tab; this says otherwise to the page. */
async function show(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate((now) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => now })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}

/** Ages go on: they are the reader's only sign that the figures stand still. */
function withoutAges(text: string | null): string {
  return (text ?? '').replaceAll(/\d+ (s|min|h|d) ago/g, '').replaceAll(/[\s·]+/g, '')
}
