/** Databases on the server that global-setup.ts runs, and figures in them. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { closeStore, openStore, type Store } from '../../../store/client.ts'
import { migrate } from '../../../store/migrate.ts'
import { type SeedOptions, seedFleet } from '../../support/seed.ts'

const FEED_MS = 2_000

/** A migrated database without any row. */
export async function createDatabase(serverUrl = postgresUrl()): Promise<string> {
  const name = `e2e_${randomBytes(6).toString('hex')}`
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${name}`)
  } finally {
    await client.end()
  }
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  await migrate(url.href)
  return url.href
}

function postgresUrl(): string {
  const url = process.env.CACHESCOPE_E2E_POSTGRES
  if (url === undefined) throw new Error('global-setup.ts has not run')
  return url
}

/** Runs `work` with a store of its own. */
export async function withStore<T>(databaseUrl: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openStore(databaseUrl)
  try {
    return await work(store)
  } finally {
    await closeStore(store)
  }
}

/** A history, then a tick every two seconds as a collector would bring it, until stopped. */
export async function feedFleet(
  databaseUrl: string,
  options: SeedOptions = {},
): Promise<{ stop(): Promise<void> }> {
  const store = openStore(databaseUrl)
  await seedFleet(store, options)
  let stopped = false
  const feeding = (async () => {
    while (!stopped) {
      await new Promise((resolve) => setTimeout(resolve, FEED_MS))
      if (!stopped) await seedFleet(store, { ...options, minutes: 0, now: Date.now() })
    }
  })()
  return {
    async stop() {
      stopped = true
      await feeding
      await closeStore(store)
    },
  }
}
