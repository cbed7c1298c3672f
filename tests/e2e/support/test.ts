/** Playwright's test with the shared dashboard, and an eye on the console. */
import { test as base, expect } from 'playwright/test'

export { expect }

export const fleetUrl = (): string => process.env.CACHESCOPE_E2E_URL ?? ''

type Fixtures = {
  /** What the page complained about: console errors, uncaught errors, failed requests for its own parts. */
  complaints: string[]
}

export const test = base.extend<Fixtures>({
  complaints: async ({ page }, use) => {
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    await use(complaints)
  },
})

type Api = { items: Record<string, unknown>[] }

/** The items of an API list of the shared dashboard. */
export async function listApi(path: string, url = fleetUrl()): Promise<Api['items']> {
  const response = await fetch(`${url}${path}`)
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return ((await response.json()) as Api).items
}
