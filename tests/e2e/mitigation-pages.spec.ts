/** A mitigation's pages: how it is told that it ends, who is waited for, where the focus goes, and how a phone shows it. */
import type { Page } from 'playwright/test'
import { createMitigation } from '../../store/mitigations.ts'
import { findViolations } from './support/accessibility.ts'
import { keyPath, type MitigatedFleet, openPage, startMitigatedFleet } from './support/mitigated-fleet.ts'
import { expect, test } from './support/test.ts'

// One fleet for all of these, which look at different mitigations of it.
test.describe.configure({ mode: 'default' })

let fleet: MitigatedFleet

test.beforeAll(async () => {
  test.setTimeout(240_000)
  fleet = await startMitigatedFleet()
})
test.afterAll(() => fleet?.stop())

const open = (page: Page, path: string) => openPage(page, fleet, path)

const change = (key: string, set: string, values: unknown[] = []) =>
  fleet.store.pool.query(`UPDATE mitigation SET ${set} WHERE mitigation_id = $1`, [
    fleet.ids.get(key),
    ...values,
  ])

const saveOldCache = (removedAt: Date | null) =>
  fleet.store.pool.query(
    `INSERT INTO cache (cache_id, kind, interval_ms, seeds, first_seen_at, removed_at)
     VALUES ('old', 'standalone', 2000, '{}', now(), $1)
     ON CONFLICT (cache_id) DO UPDATE SET removed_at = excluded.removed_at`,
    [removedAt],
  )

const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

test('a failover that is done is not drained: its end is told to put nothing back', async ({
  page,
  complaints,
}) => {
  await open(page, `/mitigations/${fleet.ids.get('1')}`)
  await expect(page.getByText(/its effect is being measured/).first()).toBeVisible()
  await expect(page.getByRole('button', { name: 'Extend' })).toBeHidden()
  await expect(page.getByRole('button', { name: 'Drain now' })).toBeHidden()
  await expect(page.getByText('Measured until, at most')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Phases' })).toContainText('nothing is put back')
  await page.getByRole('button', { name: 'Stop measuring' }).click()
  const dialog = page.getByRole('dialog', { name: 'Stop measuring' })
  await expect(dialog).toContainText('Failover of shard 1 is done. Nothing of it is put back')
  await expect(dialog).toContainText('Way back: another failover')
  await dialog.getByLabel('Your name').fill('Grace')
  await dialog.getByLabel(/^Reason/).fill('seen enough')
  await dialog.getByRole('button', { name: 'Stop measuring' }).click()
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('region', { name: 'Who asked, and why' })).toContainText(
    'Grace ended its measuring',
  )
  await expect(page.getByText('Failover of shard 1 is being drained')).toBeHidden()
  // Who has ended it is not who asked for it.
  await open(page, '/mitigations')
  const row = page.getByRole('row').filter({ hasText: 'Failover of shard 1' }).filter({ hasText: 'Active' })
  await expect(row).toContainText('Ada')
  await expect(row).not.toContainText('Grace')
  await expect(row).not.toContainText('to be drained')
  expect(complaints).toEqual([])
})

test('what ends while its dialog is open is said to have ended; then the heading has the focus', async ({
  page,
}) => {
  await open(page, keyPath('article:1000'))
  const panel = page.getByRole('region', { name: 'What is done about it?' })
  await expect(panel).toContainText(/by Grace, drains in/)
  await panel.getByRole('button', { name: 'Drain now' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(/^Reason/).fill('too long to be typed ag')
  await change('article:1000', `phase = 'off', outcome = 'expired', phase_since = now()`)
  await expect(
    dialog.getByText('It has ended: Replicate of article:1000 is off since its time was over.'),
  ).toBeVisible()
  await expect(dialog.getByLabel(/^Reason/)).toHaveValue('too long to be typed ag')
  await expect(dialog.getByLabel(/^Reason/)).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(dialog).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
})

test('the button that asked for one is gone when the dialog closes: the heading has the focus', async ({
  page,
}) => {
  await open(page, keyPath('article:2002'))
  const button = page.getByRole('button', { name: 'Mitigate', exact: true })
  await button.click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: /^Local cache/ }).check()
  await dialog.getByLabel('Your name').fill('Ada')
  await dialog.getByLabel(/^Reason/).fill('hot')
  await dialog.getByRole('button', { name: 'Cache locally article:2002' }).click()
  await expect(dialog.getByText(/Local cache of article:2002 is asked for/)).toBeVisible()
  await expect(button).toHaveCount(0)
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
})

test('the address of older mitigations that is damaged shows the newest, and says so', async ({ page }) => {
  await open(page, '/mitigations?cursor=damaged')
  await expect(page.getByText(/from a place that is not known\. These are the newest/)).toBeVisible()
  await expect(page.getByRole('region', { name: 'Past', exact: true })).toContainText('article:3003')
  await expect(page.getByRole('link', { name: 'The newest' })).toBeHidden()
  const cursor = btoa(JSON.stringify([fleet.ids.get('article:3003')])).replaceAll('=', '')
  await open(page, `/mitigations?cursor=${cursor}`)
  await expect(page.getByRole('region', { name: 'Past', exact: true })).toContainText('None is older')
  await page.getByRole('link', { name: 'The newest' }).click()
  await expect(page).toHaveURL(/\/mitigations$/)
})

test('processes that are switched off are not waited for, and none is left unsaid', async ({ page }) => {
  const laggard = (index: number, isDisabled: boolean) => ({
    ...{ app: 'web', host: `web-${index}`, pid: index, rev: 3, seenAt: new Date().toISOString(), isDisabled },
  })
  const told = (applied: number, instances: number, laggards: object[]) =>
    change('article:3000', 'acknowledgement = $2', [
      { at: new Date().toISOString(), applied, instances, laggards, connectionsWithoutLibrary: 0 },
    ])
  const panel = page.getByRole('region', { name: 'Who takes part?' })
  const tone = panel.getByText(/^Applied on/)
  const path = `/mitigations/${fleet.ids.get('article:3000')}`

  await told(9, 10, [laggard(1, true)])
  await open(page, path)
  await expect(panel.getByRole('row').filter({ hasText: 'web-1' })).toContainText('switched off')
  await expect(tone).not.toHaveAttribute('data-tone', 'warn')

  await told(
    0,
    60,
    Array.from({ length: 50 }, (_, index) => laggard(index, index > 30)),
  )
  await open(page, path)
  await expect(panel).toContainText('and 10 processes more')
  await expect(tone).toHaveAttribute('data-tone', 'warn')

  await told(0, 0, [])
  await open(page, path)
  await expect(panel).toContainText('No process with the library is heard of now')
  await expect(panel).not.toContainText('0 of 0')
})

test('what a cache has left behind that is not configured any more stays to be seen', async ({
  page,
  complaints,
}) => {
  await saveOldCache(null)
  const { mitigation } = await createMitigation(
    fleet.store,
    {
      ...{
        cacheId: 'old',
        action: 'deny-user',
        target: { kind: 'cache' },
        parameters: { username: 'greedy' },
      },
      ...{ expiresInSeconds: 3_600, actor: 'Ada', reason: 'a flood', overrides: [], dryRun: false },
    },
    { idempotencyKey: null, preview: null, label: 'greedy', now: Date.now() },
  )
  const phase = (name: string) =>
    fleet.store.pool.query('UPDATE mitigation SET phase = $2 WHERE mitigation_id = $1', [
      mitigation.mitigationId,
      name,
    ])
  await phase('active')
  await saveOldCache(new Date())
  await open(page, '/mitigations')
  const row = page.getByRole('row').filter({ hasText: 'Deny a user of greedy' })
  await expect(row).toContainText('Nobody carries it out: its cache is not in cachescope.yaml any more')
  await expect(row.getByRole('link', { name: 'old' })).toHaveCount(0)
  await row.getByRole('link').click()
  await expect(page.getByText(/was left active\. Nobody carries it out/)).toBeVisible()
  await expect(page.getByText('Was to end')).toBeVisible()
  await expect.poll(() => findViolations(page)).toEqual([])
  await phase('off')
  await open(page, '/mitigations')
  await expect(page.getByRole('region', { name: 'Past', exact: true })).toBeVisible()
  await expect(row).toHaveCount(0)
  expect(complaints).toEqual([])
})

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 } })
  test('the newest window of a proof is the one that is shown', async ({ page }) => {
    const figures = page.getByRole('region', { name: 'Figures before and after' })
    const header = (name: RegExp) => figures.getByRole('columnheader', { name })
    await open(page, `/mitigations/${fleet.ids.get('article:1000')}`)
    await expect(header(/^After/)).toBeVisible()
    await expect(header(/^Confirmed/)).toBeHidden()
    await expect(figures.getByRole('cell', { name: '4.05 k/s' })).toBeVisible()
    await open(page, `/mitigations/${fleet.ids.get('article:2001')}`)
    await expect(header(/^Confirmed/)).toBeVisible()
    await expect(header(/^After/)).toBeHidden()
  })
})

const LOOKS = [
  { colorScheme: 'light', width: 1440 },
  { colorScheme: 'dark', width: 390 },
] as const
for (const { colorScheme, width } of LOOKS) {
  test.describe(`${colorScheme}, ${width} px`, () => {
    test.use({ colorScheme, viewport: { width, height: 844 } })
    test('list, one, and dialog are whole and accessible', async ({ page, complaints }) => {
      test.setTimeout(240_000)
      const paths = [
        '/mitigations',
        `/mitigations/${fleet.ids.get('article:2001')}`,
        `/mitigations/${fleet.ids.get('article:1005')}`,
      ]
      for (const path of paths) {
        await open(page, path)
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
        await expect.poll(() => overflow(page), path).toBeLessThanOrEqual(0)
        await expect.poll(() => findViolations(page), path).toEqual([])
      }
      await open(page, '/caches/shop/nodes/1')
      await page.getByRole('button', { name: 'Act on this node' }).click()
      await expect(page.getByRole('region', { name: 'Preview' })).toContainText('Way back')
      await expect.poll(() => findViolations(page), 'dialog').toEqual([])
      await expect.poll(() => overflow(page), 'dialog').toBeLessThanOrEqual(0)
      expect(complaints).toEqual([])
    })
  })
}
