/** The dialog that asks for a mitigation: what it refuses, and what it says while the world goes on. */
import type { Page } from 'playwright/test'
import {
  keyPath,
  type MitigatedFleet,
  openPage,
  PREVIEW,
  startMitigatedFleet,
} from './support/mitigated-fleet.ts'
import { expect, test } from './support/test.ts'

// One database and one dashboard for all of these, which look at different keys of it.
test.describe.configure({ mode: 'default' })

let fleet: MitigatedFleet | undefined

test.beforeAll(async () => {
  test.setTimeout(240_000)
  fleet = await startMitigatedFleet()
})
test.afterAll(() => fleet?.stop())

const open = (page: Page, path: string) => openPage(page, fleet, path)

/** @returns the mitigation that another person has asked for */
async function askElsewhere(page: Page, key: string): Promise<number> {
  const answer = await page.request.post(`${fleet?.dashboard.url}/api/v1/mitigations`, {
    data: {
      cacheId: 'shop',
      action: 'local-cache',
      target: { kind: 'key', db: 0, keyBase64: btoa(key) },
      actor: 'Grace',
      reason: 'hot',
    },
  })
  expect(answer.status()).toBe(201)
  return (await answer.json()).mitigationId
}

test('what cannot be taken on closes the button; a dangerous one needs its name typed', async ({ page }) => {
  await open(page, keyPath('article:1003'))
  await page.getByRole('button', { name: 'Mitigate', exact: true }).click()
  const dialog = page.getByRole('dialog')
  const refusals = dialog.getByRole('region', { name: 'Refusals' })
  await expect(refusals).toContainText('The key does not exist')
  await expect(dialog.getByRole('button', { name: 'Refused' })).toBeDisabled()
  await dialog.getByLabel('Your name').fill('Ada')
  await dialog.getByLabel(/^Reason/).fill('hot')
  await dialog.getByRole('button', { name: 'Dry run' }).click()
  await expect(dialog.getByText(/It would be refused: The key does not exist/)).toBeVisible()

  await open(page, '/caches/shop')
  await page.getByRole('button', { name: 'Act on shard 2' }).click()
  await expect(dialog.getByRole('region', { name: 'Preview' })).toContainText('Way back')
  await expect(dialog.getByRole('radio', { name: /^Failover/ })).toBeFocused()
  await expect(dialog.getByLabel('Gives up after')).toBeVisible()
  await dialog.getByLabel('Your name').fill('Ada')
  await dialog.getByLabel(/^Reason/).fill('sick disk')
  const submit = dialog.getByRole('button', { name: 'Fail over shard 2' })
  await expect(submit).toBeEnabled()
  await submit.click()
  await expect(dialog.getByText('Type shard 2 to confirm.')).toBeVisible()
  await expect(dialog.getByText(/is asked for/)).toBeHidden()
  await dialog.getByLabel(/Type shard 2 to confirm/).fill('shard 2')
  await expect(dialog.getByText('Type shard 2 to confirm.')).toBeHidden()
  await submit.click()
  await expect(dialog.getByText(/Failover of shard 2 is asked for/)).toBeVisible()
  await expect(
    dialog.getByText(/ends by itself once it is done.*A failover stays when it ends/),
  ).toBeVisible()
})

test('what others do while it is open is told: refused, with a link, and no longer', async ({ page }) => {
  await open(page, keyPath('article:1001'))
  await page.getByRole('button', { name: 'Mitigate', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: /^Local cache/ }).check()
  const submit = dialog.getByRole('button', { name: 'Cache locally article:1001' })
  const refused = dialog.getByRole('button', { name: 'Refused' })
  const live = dialog.locator('[aria-live]')
  await expect(submit).toBeEnabled()
  await expect(live).toHaveText(/^12 processes of web will hold article:1001/)

  const first = await askElsewhere(page, 'article:1001')
  await expect(refused).toBeDisabled()
  await expect(live).toHaveText(/^It is refused\. 12 processes/)
  await fleet?.store.pool.query(`UPDATE mitigation SET phase = 'off' WHERE mitigation_id = $1`, [first])
  await expect(submit).toBeEnabled()
  await expect(live).toHaveText(/^12 processes/)

  const second = await askElsewhere(page, 'article:1001')
  await dialog.getByRole('link', { name: `Open mitigation ${second}` }).click()
  await expect(page).toHaveURL(new RegExp(`/mitigations/${second}$`))
  await expect(dialog).toBeHidden()
})

test('figures that change while it is looked at change in place, and are not read out', async ({ page }) => {
  let answers = 0
  await page.route(PREVIEW, async (route) => {
    const response = await route.fetch()
    const preview = await response.json()
    answers++
    await route.fulfill({ response, json: { ...preview, summary: `About ${answers} keys move.` } })
  })
  await open(page, '/caches/shop')
  await page.getByRole('button', { name: 'Act on shop', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByLabel('To', { exact: true }).locator('option')).toHaveText([
    'The least loaded',
    'Shard 1',
    'Shard 2',
    'Shard 3',
  ])
  await dialog.getByLabel('Slot', { exact: true }).fill('42')
  await expect(dialog.getByText('About 3 keys move.', { exact: true })).toBeVisible()
  await expect(dialog.locator('[aria-live]')).toHaveText(/About 1 keys move\.$/)
})

test('it can be asked for only while what is shown is its preview; without the advice it goes on', async ({
  page,
}) => {
  await page.route('**/api/v1/mitigations/advice', () => {})
  await open(page, keyPath('article:2002'))
  await page.getByRole('button', { name: 'Mitigate', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText(/could not be read in time/)).toBeVisible()
  const preview = dialog.getByRole('region', { name: 'Preview' })
  const submit = dialog.getByRole('button', { name: 'Cache locally article:2002' })
  await dialog.getByRole('radio', { name: /^Local cache/ }).check()
  await expect(submit).toBeEnabled()
  await expect(preview.locator('[aria-live]')).toHaveText(/^12 processes of web will hold article:2002/)

  await page.route(PREVIEW, () => {})
  await dialog.getByLabel('Hold for, s').fill('3')
  await expect(submit).toBeDisabled()
  await expect(preview).toContainText('processes of web')
  await page.unroute(PREVIEW)
  await page.route(PREVIEW, (route) => route.abort())
  await dialog.getByLabel('Hold for, s').fill('4')
  await expect(
    preview.getByText(/did not answer.*What stands below is of what was filled in before/),
  ).toBeVisible()
  await expect(submit).toBeDisabled()
  await page.unroute(PREVIEW)
  await expect(submit).toBeEnabled()
  await expect(preview.getByText(/did not answer/)).toBeHidden()
})
