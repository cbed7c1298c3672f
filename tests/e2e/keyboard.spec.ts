import { expect, fleetUrl, test } from './support/test.ts'

test('the first Tab skips to the content, and focus is always to be seen', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys`)
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/#main$/)
  await page.keyboard.press('Tab')
  const inMain = () => page.evaluate(() => document.activeElement?.closest('main') !== null)
  await expect.poll(inMain).toBe(true)
  const isVisible = () =>
    page.evaluate(() => {
      const focused = document.activeElement
      if (!(focused instanceof HTMLElement)) return false
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(focused)
      return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none'
    })
  for (let presses = 0; presses < 12; presses++) {
    await expect.poll(isVisible, 'the focused element shows it').toBe(true)
    await page.keyboard.press('Tab')
  }
})

test('g f and g h go to pages', async ({ page }) => {
  await page.goto(`${fleetUrl()}/caches/shop`)
  await expect(page.getByRole('button', { name: /^Live/ })).toBeVisible()
  await page.keyboard.press('g')
  await page.keyboard.press('h')
  await expect(page).toHaveURL(/\/hot-keys/)
  await page.keyboard.press('g')
  await page.keyboard.press('f')
  await expect(page).toHaveURL(new RegExp(`^${fleetUrl()}/(\\?.*)?$`))
})

test('? lists the keys, Escape closes the list', async ({ page }) => {
  await page.goto(fleetUrl())
  await expect(page.getByRole('button', { name: /^Live/ })).toBeVisible()
  await page.keyboard.press('?')
  const dialog = page.getByRole('dialog')
  await expect(dialog).toBeVisible()
  await expect(dialog).toContainText(/hot keys/i)
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
})

test('⌘K finds a hot key by its name and opens its page', async ({ page }) => {
  await page.goto(fleetUrl())
  await expect(page.getByRole('button', { name: /^Live/ })).toBeVisible()
  await page.keyboard.press('ControlOrMeta+k')
  await page.getByPlaceholder('Cache, node, key or page').fill('article:42')
  await page
    .getByRole('button', { name: /article:42/ })
    .first()
    .click()
  await expect(page).toHaveURL(/\/caches\/[\w-]+\/keys\/0\//)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/Key of/)
})

test('letters typed into a field are not shortcuts', async ({ page }) => {
  await page.goto(`${fleetUrl()}/hot-keys`)
  await expect(page.getByRole('button', { name: /^Live/ })).toBeVisible()
  await page.getByLabel('Key pattern').fill('')
  await page.getByLabel('Key pattern').pressSequentially('gf?')
  await expect(page).toHaveURL(/\/hot-keys/)
  await expect(page.getByLabel('Key pattern')).toHaveValue('gf?')
  await expect(page.getByRole('dialog')).toBeHidden()
})
