/** A dashboard over a living synthetic fleet with mitigations in every phase, and applications that take part. */
import type { Page } from 'playwright/test'
import { closeStore, openStore, type Store } from '../../../store/client.ts'
import { seedInstances, seedMitigations } from '../../support/seed-mitigations.ts'
import { type Dashboard, startDashboard } from './dashboard.ts'
import { createDatabase, feedFleet } from './database.ts'
import { expect } from './test.ts'

const BEAT_MS = 4_000

export type MitigatedFleet = {
  dashboard: Dashboard
  store: Store
  /** Mitigations by what they are aimed at: a key, or the ordinal of a shard. */
  ids: Map<string, number>
  stop(): Promise<void>
}

export async function startMitigatedFleet(): Promise<MitigatedFleet> {
  const database = await createDatabase()
  const feed = await feedFleet(database, { minutes: 2, hotKeyWrites: 0.0001 })
  const store = openStore(database)
  const { byLabel: ids } = await seedMitigations(store)
  const beats = setInterval(() => void seedInstances(store).catch(() => {}), BEAT_MS)
  const dashboard = await startDashboard(database)
  return {
    dashboard,
    store,
    ids,
    async stop() {
      clearInterval(beats)
      await feed.stop()
      await dashboard.stop()
      await closeStore(store)
    },
  }
}

/** @param key of the cache shop */
export const keyPath = (key: string): string => `/caches/shop/keys/0/${btoa(key).replaceAll('=', '')}`

export const PREVIEW = '**/api/v1/mitigations/preview'

/** Until it is live. */
export async function openPage(page: Page, fleet: MitigatedFleet | undefined, path: string): Promise<void> {
  await page.goto(`${fleet?.dashboard.url}${path}`)
  await expect(page.getByRole('button', { name: /^Live/ })).toBeVisible()
}
