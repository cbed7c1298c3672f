/** One PostgreSQL for the run, and one dashboard over a living synthetic fleet for the tests that only look. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../../bin/embedded-postgres.ts'
import { ensureBuilt, startDashboard } from './dashboard.ts'
import { createDatabase, feedFleet, withStore } from './database.ts'
import { saveHostileKeys } from './hostile-keys.ts'

export default async function globalSetup(): Promise<() => Promise<void>> {
  ensureBuilt()
  const dataDir = await mkdtemp(join(tmpdir(), 'cachescope-e2e-pg-'))
  const postgres = await startEmbeddedPostgres({
    dataDir,
    log: () => {},
    settings: {
      ...{ fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
      // Of the dashboards and collectors of all tests, two at a time.
      max_connections: '200',
    },
  })
  const database = await createDatabase(postgres.url)
  const feed = await feedFleet(database, { caches: 2, minutes: 15, downShard: 3 })
  // On a replica, which has no hot keys of its own: a minute keeps only the busiest of a node.
  await withStore(database, (store) => saveHostileKeys(store, 'shop', '10.0.0.1:7001'))
  const dashboard = await startDashboard(database)
  process.env.CACHESCOPE_E2E_POSTGRES = postgres.url
  process.env.CACHESCOPE_E2E_DATABASE = database
  process.env.CACHESCOPE_E2E_URL = dashboard.url
  return async () => {
    await feed.stop()
    await dashboard.stop()
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
