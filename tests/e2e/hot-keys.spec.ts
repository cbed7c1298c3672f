import { HOSTILE_KEYS } from './support/hostile-keys.ts'
import { expect, fleetUrl, listApi, test } from './support/test.ts'

const keyUrl = (key: Uint8Array) =>
  `${fleetUrl()}/caches/shop/keys/0/${Buffer.from(key).toString('base64url')}`

test('the hottest key is first, with its share, rate and shard', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys?cache=shop`)
  const first = page.getByRole('table').getByRole('row').nth(1)
  await expect(first).toContainText('article:42')
  await expect(first).toContainText('64%')
  await expect(first).toContainText('Shard 2')
  await expect(first).toContainText('k/s')
  await first.getByRole('link', { name: 'article:42' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Key of shop')
  await expect(page.getByText(/64% of the commands of 10\.0\.0\.2:7000, shard 2/)).toBeVisible()
})

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false })

  test('the filter form works and keeps what was asked', async ({ page }) => {
    await page.goto(`${fleetUrl()}/hot-keys?range=1h`)
    await page.getByLabel('Cache', { exact: true }).selectOption('shop')
    await page.getByLabel('Key pattern').fill('article:4*')
    await page.getByRole('button', { name: 'Filter' }).click()
    await expect(page).toHaveURL(/cache=shop/)
    await expect(page).toHaveURL(/range=1h/)
    await expect(page.getByLabel('Key pattern')).toHaveValue('article:4*')
    const rows = page.getByRole('table').getByRole('row')
    await expect(rows).toHaveCount(2)
    await expect(rows.nth(1)).toContainText('article:42')
    await page.getByRole('link', { name: 'Clear' }).click()
    await expect(page).toHaveURL(`${fleetUrl()}/hot-keys?range=1h`)
  })

  test('a filter that is wrong says so at its field, and the field keeps it', async ({ page }) => {
    const pattern = 'x'.repeat(600)
    await page.goto(`${fleetUrl()}/hot-keys?shard=999999&pattern=${pattern}&cache=nowhere`)
    await expect(page.getByText('No such shard.')).toBeVisible()
    await expect(page.getByText('pattern has at most 512 characters.')).toBeVisible()
    await expect(page.getByText('No cache is called nowhere.')).toBeVisible()
    await expect(page.getByLabel('Key pattern')).toHaveValue(pattern)
    await expect(page.getByLabel('Key pattern')).toHaveAttribute('aria-invalid', 'true')
    await expect(page.getByLabel('Shard', { exact: true })).toHaveValue('999999')
    await expect(page.getByLabel('Cache', { exact: true })).toHaveValue('nowhere')
  })
})

test('a shard of another cache is named as that', async ({ page }) => {
  const [shard] = await listApi('/api/v1/caches/shop/shards')
  await page.goto(`${fleetUrl()}/hot-keys?cache=shop-2&shard=${shard?.shardId}`)
  await expect(page.getByText('Shard 1 belongs to shop, not to shop-2.')).toBeVisible()
})

test('a pattern that nothing matches says why the list is empty', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys?pattern=no-such-key`)
  await expect(page.getByText('No hot key matches the filter')).toBeVisible()
  await expect(page.getByText(/Nothing listens on 10\.0\.0\.3:7000/)).toBeVisible()
})

test.describe('hostile keys', () => {
  test.use({ permissions: ['clipboard-read', 'clipboard-write'] })
  const clipboard = 'navigator.clipboard.readText()'

  test('are shown escaped in the list and break nothing', async ({ page, complaints }) => {
    for (const [pattern, shown] of [
      ['before*', 'before\\x00after'],
      ['f*', 'f\\xff\\xc3(\\x80'],
      ['<img*', `<img src=x onerror="alert(1)">'; DROP TABLE key; --`],
      ['статья:*', 'статья:42:記事:🔥'],
      ['long:*', 'long:0123456789'],
    ] as const) {
      await page.goto(`${fleetUrl()}/hot-keys?cache=shop&pattern=${encodeURIComponent(pattern)}`)
      await expect(page.getByRole('row').nth(1)).toContainText(shown)
    }
    expect(complaints).toEqual([])
  })

  for (const name of ['spaces', 'markup', 'unicode', 'long', 'quoted', 'address'] as const) {
    test(`${name}: the page copies the exact text`, async ({ page, complaints }) => {
      await page.goto(keyUrl(HOSTILE_KEYS[name]))
      await page.getByRole('button', { name: 'Copy key' }).click()
      await expect(page.getByText('Copied')).toBeVisible()
      expect(await page.evaluate(clipboard)).toBe(HOSTILE_KEYS[name].toString())
      const overflow = () =>
        page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      await expect.poll(overflow).toBeLessThanOrEqual(0)
      expect(complaints).toEqual([])
    })
  }

  for (const name of ['nul', 'invalid', 'bytes'] as const) {
    test(`${name}: the page copies the exact bytes as base64`, async ({ page }) => {
      await page.goto(keyUrl(HOSTILE_KEYS[name]))
      await expect(page.getByRole('button', { name: 'Copy key' })).toBeHidden()
      await page.getByRole('button', { name: 'Copy base64' }).click()
      await expect(page.getByText('Copied')).toBeVisible()
      expect(await page.evaluate(clipboard)).toBe(HOSTILE_KEYS[name].toString('base64'))
    })
  }

  test('the empty key has a page', async ({ page }) => {
    await page.goto(`${fleetUrl()}/caches/shop/keys/0/`)
    await expect(page.getByText('(empty name)').first()).toBeVisible()
  })

  test('a key of 10 KB stays live', async ({ page, complaints }) => {
    await page.goto(keyUrl(HOSTILE_KEYS.long))
    const refreshed = page.waitForResponse((response) => response.url().includes('_rsc='))
    expect((await refreshed).status()).toBe(200)
    expect(complaints).toEqual([])
  })
})
