/** The store's connection: one Prisma client for ticks and pages, one plain connection for long maintenance. */

import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { CachescopeError } from '../core/errors.ts'
import { connect } from './connection.ts'
import { translateError } from './errors.ts'
import { PrismaClient } from './generated/client.ts'

const CONNECT_TIMEOUT_MS = 2_000
/** A query that has no answer by then is followed by a probe: Postgres may be busy, or away. */
const PROBE_AFTER_MS = 1_300
/** With the above, and a margin: away is said within three seconds. */
const PROBE_TIMEOUT_MS = 1_300
/** What a busy Postgres gets. */
const QUERY_TIMEOUT_MS = 20_000

/** A process that is stopped inside a transaction keeps its locks from all others for no longer. */
const IDLE_IN_TRANSACTION_MS = 5_000

export type Store = {
  readonly databaseUrl: string
  readonly prisma: PrismaClient
  readonly pool: pg.Pool
  readonly maintenancePool: pg.Pool
}

/** Opens no connection yet: the first query does, and says so when it cannot. */
export function openStore(databaseUrl: string): Store {
  const common = {
    connectionString: parseDatabaseUrl(databaseUrl).href,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  }
  const pool = new pg.Pool({
    ...common,
    application_name: 'cachescope',
    max: 6,
    query_timeout: QUERY_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    idleTimeoutMillis: 60_000,
  })
  const maintenancePool = new pg.Pool({
    ...common,
    application_name: 'cachescope maintenance',
    max: 2,
    idleTimeoutMillis: 10_000,
  })
  // Without a listener an idle connection that breaks would end the process; the next query reports it.
  pool.on('error', () => {})
  maintenancePool.on('error', () => {})
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool), errorFormat: 'minimal' })
  return { databaseUrl, prisma, pool, maintenancePool }
}

export async function closeStore(store: Store): Promise<void> {
  await store.prisma.$disconnect()
  await Promise.all([store.pool.end(), store.maintenancePool.end()])
}

/** @throws CachescopeError store-invalid-url */
export function parseDatabaseUrl(databaseUrl: string): URL {
  let url: URL
  try {
    url = new URL(databaseUrl)
  } catch (cause) {
    throw invalidUrl('is not a URL', cause)
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw invalidUrl(`starts with ${url.protocol}//, not postgres://`)
  }
  if (url.pathname.length < 2) throw invalidUrl('names no database')
  return url
}

function invalidUrl(what: string, cause?: unknown): CachescopeError {
  return new CachescopeError(
    'store-invalid-url',
    `DATABASE_URL ${what}. It reads postgres://user:password@host:5432/database.`,
    { where: 'DATABASE_URL', cause },
  )
}

/**
 * Runs one query of a page or tick.
 * @throws CachescopeError store-unreachable within 3 s when Postgres is away
 */
export async function query<T>(store: Store, run: (prisma: PrismaClient) => Promise<T>): Promise<T> {
  const watch = new AbortController()
  try {
    return await Promise.race([run(store.prisma), watchForSilence(store.databaseUrl, watch.signal)])
  } catch (error) {
    throw translateError(error, store.databaseUrl)
  } finally {
    watch.abort()
  }
}

/** Rejects when Postgres stops answering, settles never otherwise. */
async function watchForSilence(databaseUrl: string, signal: AbortSignal): Promise<never> {
  try {
    await sleep(PROBE_AFTER_MS, undefined, { signal })
    await probe(databaseUrl)
    await sleep(QUERY_TIMEOUT_MS, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
    return new Promise<never>(() => {})
  }
  throw new Error('query read timeout')
}

async function probe(databaseUrl: string): Promise<void> {
  const client = await connect(databaseUrl, PROBE_TIMEOUT_MS)
  await client.end()
}

/**
 * Runs maintenance on a connection of its own, without a time limit.
 * @throws CachescopeError store-unreachable when Postgres is away
 */
export async function maintain<T>(store: Store, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  let client: pg.PoolClient | undefined
  let broken: Error | undefined
  try {
    client = await store.maintenancePool.connect()
    client.on('error', () => {})
    return await run(client)
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error))
    throw translateError(error, store.databaseUrl)
  } finally {
    client?.removeAllListeners('error')
    // A connection that failed may hold a transaction or a lock: closing it releases both.
    client?.release(broken)
  }
}
