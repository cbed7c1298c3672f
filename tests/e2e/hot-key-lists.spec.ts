import { withStore } from './support/database.ts'
import { HOSTILE_KEYS, saveHostileKeys } from './support/hostile-keys.ts'
import { expect, fleetUrl, test } from './support/test.ts'

test('the lists are reached by keyboard, and the address says which is shown', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys?cache=shop&range=1h`)
  const tabs = page.getByRole('navigation', { name: 'Lists' })
  await expect(tabs.getByRole('link', { name: 'Keys' })).toHaveAttribute('aria-current', 'page')
  await tabs.getByRole('link', { name: 'Keys' }).focus()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await expect(tabs.getByRole('link', { name: 'Missing' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(`${fleetUrl()}/hot-keys?list=missing&cache=shop&range=1h`)
  await expect(tabs.getByRole('link', { name: 'Missing' })).toHaveAttribute('aria-current', 'page')
  await page.goBack()
  await expect(tabs.getByRole('link', { name: 'Keys' })).toHaveAttribute('aria-current', 'page')
})

test('patterns: the busiest first, the rest last, each leads to its keys', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys?list=patterns&cache=shop`)
  const rows = page.getByRole('table').getByRole('row')
  await expect(rows).toHaveCount(5)
  await expect(rows.nth(1)).toContainText('article:*')
  await expect(rows.nth(1)).toContainText('read-hot')
  await expect(rows.nth(3)).toContainText('{cart:*}:items')
  await expect(rows.nth(3)).toContainText('write-hot')
  await expect(rows.nth(4)).toContainText('all other keys')
  await rows.nth(1).getByRole('link', { name: 'article:*' }).click()
  await expect(page.getByLabel('Key pattern')).toHaveValue('article:*')
  await expect(page.getByRole('table').getByRole('row').nth(1)).toContainText('article:42')
})

test('missing: with the age of the answer; big: with size and bytes', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys?list=missing&cache=shop-2`)
  await expect(page.getByText(/article:2003 of shop-2 does not exist and is asked for at/)).toBeVisible()
  await expect(page.getByRole('table').getByRole('row').nth(1)).toContainText(/article:2003.*s ago/)
  await page.goto(`${fleetUrl()}/hot-keys?list=big&cache=shop-2`)
  const first = page.getByRole('table').getByRole('row').nth(1)
  await expect(first).toContainText('article:2002')
  await expect(first).toContainText('100 KiB')
  await expect(first).toContainText('MiB/s')
  await expect(page.getByText(/Short bursts of MONITOR/).last()).toBeVisible()
})

test('written and read keys are told apart by a filter', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys?cache=shop-2`)
  await page.getByLabel('Reads and writes').selectOption('write-hot')
  await page.getByRole('button', { name: 'Filter' }).click()
  await expect(page).toHaveURL(/heat=write-hot/)
  const rows = page.getByRole('table').getByRole('row')
  await expect(rows).toHaveCount(4)
  await expect(rows.nth(1)).toContainText('HINCRBY')
})

test('a list that there is not is said, and the keys are shown', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys?list=cold`)
  await expect(page.getByText('The address asks for a list that there is not.')).toBeVisible()
  await expect(page.getByRole('table').getByRole('row').nth(1)).toContainText('article:42')
})

for (const [list, remainder] of [
  ['big', 0],
  ['missing', 1],
] as const) {
  test(`hostile keys survive in the ${list} list, byte for byte`, async ({ page, complaints }) => {
    const database = process.env.CACHESCOPE_E2E_DATABASE
    if (database === undefined) throw new Error('global-setup.ts has not run')
    const shown = list === 'big' ? 'f\\xff\\xc3(\\x80' : 'before\\x00after'
    // A report is listed for seconds only.
    await expect(async () => {
      await withStore(database, (store) => saveHostileKeys(store, 'shop', '10.0.0.1:7001'))
      await page.goto(`${fleetUrl()}/hot-keys?list=${list}&cache=shop`)
      const links = page.getByRole('table').getByRole('link')
      const hrefs = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''))
      const listed = hrefs.map((href) => Buffer.from(href.split('/')[5] ?? '', 'base64url').toString('hex'))
      for (const [index, [name, key]] of Object.entries(HOSTILE_KEYS).entries()) {
        expect(listed.includes(key.toString('hex')), name).toBe(index % 2 === remainder)
      }
      await links.getByText(shown, { exact: true }).click({ timeout: 10_000 })
    }).toPass()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Key of shop')
    await expect(page.getByRole('button', { name: 'Copy base64' })).toBeVisible()
    expect(complaints).toEqual([])
  })
}
