import { expect, fleetUrl, test } from './support/test.ts'

test('the range picker changes the URL and survives a reload', async ({ page }) => {
  await page.goto(`${fleetUrl()}/caches/shop`)
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
    await page.waitForResponse((response) => response.url().includes('_rsc='), { timeout: 8_000 })
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
    page.waitForResponse((response) => response.url().includes('_rsc='), { timeout: 6_000 })
  await refresh()
  await page.getByRole('button', { name: /Pause live updates/ }).click()
  await expect(page.getByRole('button', { name: /Resume live updates/ })).toBeVisible()
  await page.waitForTimeout(500)
  let requests = 0
  page.on('request', (request) => {
    if (request.url().includes('_rsc=') || request.url().endsWith('/api/live')) requests++
  })
  const figures = () => page.locator('main dl').first().textContent()
  const before = await figures()
  await page.waitForTimeout(5_000)
  expect(requests).toBe(0)
  expect(withoutAges(await figures())).toBe(withoutAges(before))
  await page.getByRole('button', { name: /Resume live updates/ }).click()
  await refresh()
})

/** Ages go on: they are the reader's only sign that the figures stand still. */
function withoutAges(text: string | null): string {
  return (text ?? '').replaceAll(/\d+ (s|min|h|d) ago/g, '').replaceAll(/[\s·]+/g, '')
}
