import { expect, fleetUrl, listApi, test } from './support/test.ts'

const keyUrl = (key: string) => `${fleetUrl()}/caches/shop/keys/0/${Buffer.from(key).toString('base64url')}`

test('a node tells what watching costs, predicted beside measured, and by which source it is read', async ({
  page,
}) => {
  const nodes = await listApi('/api/v1/nodes?cacheId=shop')
  const node = nodes.find(({ role, shardOrdinal }) => role === 'primary' && shardOrdinal === 2)
  await page.goto(`${fleetUrl()}/caches/shop/nodes/${node?.nodeId}`)
  const cost = page.getByRole('region', { name: 'Cost of watching', exact: true })
  await expect(cost).toContainText('1% of its time')
  await expect(cost).toContainText('50% of it in use')
  await expect(cost).toContainText('432 commands')
  await expect(cost).toContainText('its time was up')
  const minute = cost.getByRole('row', { name: /Last minute/ })
  await expect(minute).toContainText('0.47%')
  await expect(minute).toContainText('0.51%')
  await expect(cost.getByRole('row', { name: /Last look/ })).toContainText('702 µs')

  const sources = page.getByRole('region', { name: 'How hot keys are read' }).getByRole('listitem')
  await expect(sources).toHaveCount(4)
  await expect(sources.nth(0)).toContainText(/MONITOR\s*in use/)
  await expect(sources.nth(1)).toContainText(/HOTKEYS\s*not on this server/)
  await expect(sources.nth(2)).toContainText('no CLUSTER SLOT-STATS')
  await expect(sources.nth(3)).toContainText('allkeys-lfu or volatile-lfu does')
})

test('a node that forbids every source says why, and what lifts it', async ({ page }) => {
  const nodes = await listApi('/api/v1/nodes?cacheId=shop')
  const node = nodes.find(({ role, shardOrdinal }) => role === 'replica' && shardOrdinal === 3)
  await page.goto(`${fleetUrl()}/caches/shop/nodes/${node?.nodeId}`)
  const read = page.getByRole('region', { name: 'How hot keys are read' })
  await expect(read).toContainText('Hot keys are not read here.')
  await expect(read.getByRole('listitem').nth(0)).toContainText('ACL SETUSER cachescope +monitor')
})

test('a key shows its interval, source, window, size and pattern, and the lists of its cache', async ({
  page,
}) => {
  await page.goto(keyUrl('article:42'))
  const now = page.getByRole('region', { name: 'Now', exact: true })
  await expect(now).toContainText(/12\.\d k\/s \(.+ to .+\)/)
  await expect(now).toContainText('20,000 commands in 10 s')
  await expect(now).toContainText('MONITOR')
  const kind = page.getByRole('region', { name: 'What kind of key is it?' })
  await expect(kind).toContainText('read-hot')
  await expect(kind).toContainText('480 B')
  await expect(kind).toContainText(/checked \d+ s ago/)
  await expect(kind.getByRole('link', { name: 'article:*' })).toBeVisible()
  const missing = page.getByRole('table', { name: 'Hot keys that do not exist' })
  await expect(missing.getByRole('row').nth(1)).toContainText('article:2003')
  const big = page.getByRole('table', { name: 'Hot keys, the most bytes per second first' })
  await expect(big.getByRole('row').nth(1)).toContainText('article:2002')
  await page.getByRole('link', { name: 'All big keys' }).click()
  await expect(page).toHaveURL(/list=big/)
})

test('a missing key says so, and nothing about a size', async ({ page }) => {
  await page.goto(keyUrl('article:2003'))
  await expect(page.getByText(/it does not exist$/).first()).toBeVisible()
  const kind = page.getByRole('region', { name: 'What kind of key is it?' })
  await expect(kind).toContainText('no, missing')
  await expect(kind).not.toContainText('unknown')
})
