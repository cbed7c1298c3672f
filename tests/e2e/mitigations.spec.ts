import type { Page } from 'playwright/test'
import { saveTick } from '../../store/tick.ts'
import { collector, emptyTick, hotKey } from '../support/tick.ts'
import {
  keyPath,
  type MitigatedFleet,
  openPage,
  PREVIEW,
  startMitigatedFleet,
} from './support/mitigated-fleet.ts'
import { expect, test } from './support/test.ts'

const KEY_PATH = keyPath('article:42')

// One database and one dashboard for all of these, which look at different keys of it.
test.describe.configure({ mode: 'default' })

let fleet: MitigatedFleet | undefined
let ids: Map<string, number>

test.beforeAll(async () => {
  test.setTimeout(240_000)
  fleet = await startMitigatedFleet()
  ids = fleet.ids
})
test.afterAll(() => fleet?.stop())

const open = (page: Page, path: string) => openPage(page, fleet, path)

test('by keyboard alone: look, dry run, ask, follow, extend, drain', async ({ page, complaints }) => {
  await open(page, KEY_PATH)
  await expect(page.getByText(/^(Local cache|Split|Replicate) is recommended\. It is read/)).toBeVisible()
  const button = page.getByRole('button', { name: 'Mitigate', exact: true })
  await button.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  const first = dialog.getByRole('radio').first()
  await expect(first).toBeFocused()
  await expect(dialog.getByText('Recommended')).toBeVisible()
  const preview = dialog.getByRole('region', { name: 'Preview' })
  await expect(preview).toContainText('article:42')
  await expect(preview).toContainText('predicted, busiest')

  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(button).toBeFocused()
  await page.keyboard.press('Enter')
  await dialog.getByRole('radio', { name: /^Split/ }).focus()
  await page.keyboard.press('Space')
  await expect(preview).toContainText('names on 3 shards')
  await expect(preview.getByRole('listitem').filter({ hasText: 'Shard 1' })).toContainText('predicted')
  await preview.getByText(/commands?, as sent/).focus()
  await page.keyboard.press('Enter')
  await expect(preview.getByRole('list', { name: 'Commands in order' })).toContainText('article:42')

  const split = dialog.getByRole('button', { name: 'Split article:42' })
  await expect(split).toBeEnabled()
  await split.press('Enter')
  await expect(dialog.getByText('Say who you are.')).toBeVisible()
  await expect(dialog.getByLabel('Your name')).toBeFocused()
  await expect(dialog.getByLabel('Your name')).toHaveAttribute('aria-invalid', 'true')
  await page.keyboard.type('Ada')
  await expect(dialog.getByText('Say who you are.')).toBeHidden()
  await expect(dialog.getByLabel('Your name')).not.toHaveAttribute('aria-invalid')
  await dialog.getByLabel(/^Reason/).focus()
  await page.keyboard.type('The front page links to it')
  const dryRun = dialog.getByRole('button', { name: 'Dry run' })
  await expect(dryRun).toBeEnabled()
  await dryRun.press('Enter')
  await expect(dialog.getByText(/Dry run: nothing was written/)).toBeVisible()
  await expect(split).toBeEnabled()
  await dialog.getByLabel(/^Reason/).focus()
  await page.keyboard.press('Enter')
  await expect(dialog.getByText(/Split of article:42 is asked for/)).toBeVisible()
  const follow = dialog.getByRole('link', { name: 'Follow it' })
  await expect(follow).toBeFocused()
  await expect(follow).toHaveAccessibleDescription(/is asked for.*It drains by itself at .*when it does harm/)
  await page.keyboard.press('Enter')

  await expect(page).toHaveURL(/\/mitigations\/\d+/)
  await expect(page.getByText(/article:42 is being prepared/)).toBeVisible()
  const extend = page.getByRole('button', { name: 'Extend' })
  await extend.press('Enter')
  await expect(dialog.getByLabel(/^Reason/)).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(extend).toBeFocused()
  await extend.press('Enter')
  await expect(dialog.getByLabel('Your name')).toBeFocused()
  await expect(dialog.getByLabel('Your name')).toHaveValue('Ada')
  await dialog.getByLabel('Drains by itself after').selectOption('10 minutes')
  await expect(dialog.getByText('which is earlier')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Let it end earlier' })).toBeVisible()
  await dialog.getByLabel('Drains by itself after').selectOption('1 hour')
  await dialog.getByRole('button', { name: 'Extend it' }).press('Enter')
  await expect(dialog.getByText('Say why.')).toBeVisible()
  await dialog.getByLabel(/^Reason/).fill('still hot')
  await expect(dialog.getByText('Say why.')).toBeHidden()
  await dialog.getByRole('button', { name: 'Extend it' }).press('Enter')
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('region', { name: 'Who asked, and why' })).toContainText('extended it')

  await open(page, KEY_PATH)
  const panel = page.getByRole('region', { name: 'What is done about it?' })
  await expect(panel).toContainText('Preparing')
  await panel.getByRole('button', { name: 'Drain now' }).press('Enter')
  await dialog.getByLabel(/^Reason/).fill('over')
  await dialog.getByRole('button', { name: 'Drain it' }).press('Enter')
  await expect(dialog).toBeHidden()
  await expect(panel).toContainText('to be drained')
  // The button that had the focus is gone.
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
  expect(complaints).toEqual([])
})

test('a refusal is taken on; two people press at once: one gets it, the other is told of that one, with a link', async ({
  page,
  context,
  complaints,
}) => {
  const path = keyPath('session:9042')
  // A key of its own, hot at this moment.
  const heat = async () => {
    const at = Date.now()
    const key = hotKey(at, new TextEncoder().encode('session:9042'), 0.2, {
      cacheId: 'shop',
      address: '10.0.0.3:7000',
      writesPerSec: 0,
      sizeBytes: 480,
      isMissing: false,
      probedAt: at,
    })
    if (fleet !== undefined)
      await saveTick(fleet.store, emptyTick(at, { hotKeys: [key] }), collector(at, 'second'))
  }
  const other = await context.newPage()
  for (const each of [page, other]) {
    await heat()
    await open(each, path)
    await each.getByRole('button', { name: 'Mitigate', exact: true }).click()
    const dialog = each.getByRole('dialog')
    await dialog.getByRole('radio', { name: /^Split/ }).click()
    await dialog.getByLabel('Your name').fill(each === page ? 'Ada' : 'Grace')
    await dialog.getByLabel(/^Reason/).fill('hot')
    await expect(dialog.getByRole('region', { name: 'Preview' })).toContainText('names on 3 shards')
    await dialog.getByRole('button', { name: 'Split session:9042' }).click()
    await expect(dialog.getByText(/Take this on first, or leave it: “session” in its name/)).toBeVisible()
    await expect(dialog.getByRole('region', { name: 'Refusals' })).toBeFocused()
    await dialog.getByRole('checkbox', { name: /“session” in its name.* I take this on/ }).check()
    await expect(dialog.getByText(/Take this on first/)).toBeHidden()
  }
  await heat()
  const people = [page, other]
  // What they see is the last preview before: the next would refuse the second before the button can be pressed.
  for (const each of people) {
    await each.waitForResponse(PREVIEW)
    await each.route(PREVIEW, () => {})
  }
  await Promise.all(people.map((each) => each.getByRole('button', { name: 'Split session:9042' }).click()))
  const asked = (each: Page) => each.getByText(/Split of session:9042 is asked for/)
  const told = (each: Page) => each.getByRole('dialog').getByText(/(Ada|Grace) started split of session:9042/)
  for (const each of people) await expect(asked(each).or(told(each))).toBeVisible()
  const isFirst = await asked(page).isVisible()
  const [first, second, name] = isFirst ? [page, other, 'Ada'] : [other, page, 'Grace']
  await expect(asked(first)).toBeVisible()
  await expect(told(second)).toContainText(`${name} started`)
  await second.getByRole('link', { name: /Open mitigation \d+/ }).click()
  await expect(second).toHaveURL(/\/mitigations\/\d+/)
  await expect(second.getByRole('dialog')).toBeHidden()
  await expect(second.getByText(/session:9042 is being prepared/)).toBeVisible()
  // A browser itself complains of the answer that the second one gets.
  expect(complaints).toEqual(isFirst ? [] : [expect.stringContaining('409 (Conflict)')])
})

test('what is drained or does harm stands on every page, and moves nothing there', async ({ page }) => {
  for (const path of ['/', '/hot-keys', '/mitigations']) {
    await open(page, path)
    const banner = page.getByRole('alert').filter({ hasText: 'does harm and is being drained' })
    await expect(banner).toContainText('article:1005')
    const heading = page.getByRole('heading', { level: 1 })
    const hidden = page.locator('[role="alert"]').filter({ hasText: 'does harm' })
    // What else comes late moves it as well: fonts, figures.
    await expect(async () => {
      const at = await heading.boundingBox()
      await banner.evaluate((element) => {
        element.style.display = 'none'
      })
      const without = await heading.boundingBox()
      await hidden.evaluate((element) => {
        element.style.display = ''
      })
      expect(without, path).toEqual(at)
    }).toPass({ timeout: 30_000 })
  }
  await expect(page.getByRole('link', { name: /^Mitigations \d+ running/ })).toBeVisible()
  await page.getByRole('link', { name: 'Follow it' }).click()
  await expect(page).toHaveURL(new RegExp(`/mitigations/${ids.get('article:1005')}`))
  await expect(page.getByText('Applied on 9 of 12')).toBeVisible()
  await expect(page.getByText('3 connections without the library')).toBeVisible()
})

test('a key’s page tells how long its readers wait, of how many timed reads, and who told', async ({
  page,
}) => {
  await open(page, KEY_PATH)
  const waits = page.getByRole('region', { name: 'How long do its readers wait?' })
  await expect(waits).toContainText(/Readers wait, p50\d+ µs/)
  await expect(waits).toContainText(/Readers wait, p99[\d.]+ ms.*between \d+ µs and [\d.]+ ms for certain/)
  await expect(waits).toContainText('Timed reads1.08 kof 5 s of each process')
  await expect(waits).toContainText('Applicationweb12 of 12 processes')
})

test('g m goes to the list, ⌘K finds one that runs, a row of a key shows what is done', async ({ page }) => {
  await open(page, '/hot-keys?cache=shop')
  const row = page.getByRole('row').filter({ hasText: 'article:2001' })
  await expect(row.getByRole('link', { name: 'Split, active' })).toBeVisible()
  await page.keyboard.press('g')
  await page.keyboard.press('m')
  await expect(page).toHaveURL(/\/mitigations/)
  await page.keyboard.press('ControlOrMeta+k')
  await page.getByPlaceholder('Cache, node, key or page').fill('Split of article:2001')
  await page
    .getByRole('button', { name: /Split of article:2001/ })
    .first()
    .click()
  await expect(page).toHaveURL(new RegExp(`/mitigations/${ids.get('article:2001')}`))
  const proof = page.getByRole('region', { name: 'Did it work?' })
  await expect(proof).toContainText('predicted, busiest 1.08× the mean')
  await expect(proof).toContainText('after, busiest 1.09× the mean')
  const own = page.getByRole('button', { name: 'Its time' })
  const hour = page.getByRole('button', { name: '1 h', exact: true })
  await expect(own).toHaveAttribute('aria-pressed', 'true')
  await expect(page.getByRole('button', { name: '15 min' })).toHaveAttribute('aria-pressed', 'false')
  await hour.click()
  await expect(hour).toHaveAttribute('aria-pressed', 'true')
  await own.click()
  await expect(page).toHaveURL(/\/mitigations\/\d+$/)
  await expect(own).toHaveAttribute('aria-pressed', 'true')
})
