/** The store's connection: one Prisma client for ticks and pages, one plain connection for long maintenance. */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { CachescopeError } from '../core/errors.ts'
import { translateError } from './errors.ts'
import { PrismaClient } from './generated/client.ts'

const CONNECT_TIMEOUT_MS = 2_000
/** Together with the connection's own timeout this keeps any answer, good or bad, within three seconds. */
const QUERY_TIMEOUT_MS = 2_800

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
 * Runs one query of a page or tick, within the time that the contract of every query allows.
 * @throws CachescopeError store-unreachable within 3 s when Postgres is away
 */
export async function query<T>(store: Store, run: (prisma: PrismaClient) => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('query read timeout')), QUERY_TIMEOUT_MS)
  })
  try {
    return await Promise.race([run(store.prisma), deadline])
  } catch (error) {
    throw translateError(error, store.databaseUrl)
  } finally {
    clearTimeout(timer)
  }
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
