/** Application processes that use a cache with the library, by their newest heartbeat. */
import type { AppInstance } from '../core/mitigations/app-instance.ts'
import type { Heartbeat } from '../core/protocol/heartbeat.ts'
import { query, type Store } from './client.ts'
import { Prisma } from './generated/client.ts'

const KEPT_MS = 86_400_000

/** `seenAt` is epoch milliseconds by the clock of whoever received it. */
export type SeenHeartbeat = {
  heartbeat: Heartbeat
  seenAt: number
  /** Whether a collector has yet to count its keys: else only of those that it timed is kept what is told of them. */
  isForCollector?: boolean
}
/** Of what a collector has counted: a page shows one key, and that is a hot one. */
const TIMED_KEYS = 16

/**
 * Saves the newest of each instance; an older one than is there changes nothing. Nobody is notified: a hundred may come
 * in a second, and who shows them is told of every tick.
 * @throws CachescopeError store-unreachable
 */
export async function saveHeartbeats(
  store: Store,
  cacheId: string,
  seen: readonly SeenHeartbeat[],
): Promise<void> {
  if (seen.length === 0) return
  // A row can be written once in a statement.
  const newest = new Map<string, SeenHeartbeat>()
  for (const one of seen) {
    const name = JSON.stringify([one.heartbeat.app, one.heartbeat.instanceId])
    const other = newest.get(name)
    if (other === undefined || other.seenAt < one.seenAt) newest.set(name, one)
  }
  const json = JSON.stringify(
    [...newest.values()].map(({ heartbeat, seenAt, isForCollector }) => ({
      app: heartbeat.app,
      instanceId: heartbeat.instanceId,
      host: heartbeat.host,
      pid: heartbeat.pid,
      library: heartbeat.library,
      startedAt: heartbeat.startedAt,
      seenAt,
      rev: heartbeat.rev,
      state: heartbeat.state,
      errors: heartbeat.errors,
      policies: heartbeat.policies,
      connections: heartbeat.connections,
      hotKeys: isForCollector ? { at: heartbeat.at, hotKeys: heartbeat.hotKeys } : timedOf(heartbeat),
    })),
  )
  await query(
    store,
    (prisma) => prisma.$executeRaw`
      INSERT INTO app_instance AS i (cache_id, app, instance_id, host, pid, library, started_at, seen_at, rev,
        state, errors, policies, connections, hot_keys)
      SELECT c.cache_id, h.app, h."instanceId", h.host, h.pid, h.library, from_ms(h."startedAt"),
        from_ms(h."seenAt"), h.rev, h.state, h.errors, h.policies,
        ARRAY(SELECT jsonb_array_elements_text(h.connections)), nullif(h."hotKeys", 'null')
      FROM jsonb_to_recordset(${json}::text::jsonb) AS h(
        app text, "instanceId" text, host text, pid integer, library text, "startedAt" double precision,
        "seenAt" double precision, rev bigint, state text, errors bigint, policies jsonb, connections jsonb,
        "hotKeys" jsonb
      ) JOIN cache c ON c.cache_id = ${cacheId}
      ORDER BY h.app, h."instanceId"
      ON CONFLICT (cache_id, app, instance_id) DO UPDATE SET
        host = excluded.host, pid = excluded.pid, library = excluded.library, started_at = excluded.started_at,
        seen_at = excluded.seen_at, rev = excluded.rev, state = excluded.state, errors = excluded.errors,
        policies = excluded.policies, connections = excluded.connections, hot_keys = excluded.hot_keys
      WHERE i.seen_at < excluded.seen_at`,
  )
}

/** In the form of one that is for a collector, and marked: a collector of the version before reads them all. */
function timedOf({ at, hotKeys }: Heartbeat): unknown {
  const keys = hotKeys.keys.filter(({ timed = 0 }) => timed > 0).slice(0, TIMED_KEYS)
  return keys.length === 0 ? null : { at, hotKeys: { ...hotKeys, keys }, isCounted: true }
}

/**
 * Those seen within a day, the newest first.
 * @param options.freshMs only those seen within so long
 * @throws CachescopeError store-unreachable
 */
export async function listAppInstances(
  store: Store,
  options: { cacheId?: string; app?: string; freshMs?: number; now: number },
): Promise<AppInstance[]> {
  const { cacheId, app, freshMs, now } = options
  const where = [Prisma.sql`i.seen_at >= ${new Date(now - (freshMs ?? KEPT_MS))}`]
  if (cacheId !== undefined) where.push(Prisma.sql`i.cache_id = ${cacheId}`)
  if (app !== undefined) where.push(Prisma.sql`i.app = ${app}`)
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<
      (Omit<AppInstance, 'startedAt' | 'seenAt' | 'rev' | 'errors'> & {
        startedAt: Date
        seenAt: Date
        rev: bigint
        errors: bigint
      })[]
    >`
      SELECT i.cache_id AS "cacheId", i.app, i.instance_id AS "instanceId", i.host, i.pid, i.library,
        i.started_at AS "startedAt", i.seen_at AS "seenAt", i.rev, i.state, i.errors, i.policies
      FROM app_instance i JOIN cache c USING (cache_id)
      WHERE c.removed_at IS NULL AND ${Prisma.join(where, ' AND ')}
      ORDER BY i.app, i.seen_at DESC, i.instance_id LIMIT 5000`,
  )
  return rows.map(({ startedAt, seenAt, rev, errors, ...row }) => ({
    ...row,
    startedAt: startedAt.toISOString(),
    seenAt: seenAt.toISOString(),
    rev: Number(rev),
    errors: Number(errors),
  }))
}

/** `ip:port` of all connections that fresh instances have told of. @throws CachescopeError store-unreachable */
export async function listInstanceConnections(
  store: Store,
  options: { cacheId: string; freshMs: number; now: number },
): Promise<Set<string>> {
  const { cacheId, freshMs, now } = options
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ connection: string }[]>`
      SELECT DISTINCT unnest(connections) AS connection FROM app_instance
      WHERE cache_id = ${cacheId} AND seen_at >= ${new Date(now - freshMs)}`,
  )
  return new Set(rows.map(({ connection }) => connection))
}

export type ToldCounts = {
  cacheId: string
  app: string
  instanceId: string
  seenAt: number
  at: number
  hotKeys: Heartbeat['hotKeys']
}
/** Of one look. */
const MAX_COUNTS = 2_000

/**
 * What instances counted of their keys, of their newest heartbeats over HTTP; the newest first.
 * @param since by cache, epoch milliseconds by the clock of whoever received them
 * @throws CachescopeError store-unreachable
 */
export async function listToldCounts(
  store: Store,
  since: ReadonlyMap<string, number>,
): Promise<ToldCounts[]> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<
      (Pick<ToldCounts, 'cacheId' | 'app' | 'instanceId'> & {
        seenAt: Date
        told: Pick<ToldCounts, 'at' | 'hotKeys'>
      })[]
    >`
      SELECT i.cache_id AS "cacheId", i.app, i.instance_id AS "instanceId", i.seen_at AS "seenAt",
        i.hot_keys AS told
      FROM unnest(${[...since.keys()]}::text[], ${[...since.values()]}::double precision[]) AS c(cache_id, since)
      JOIN app_instance i ON i.cache_id = c.cache_id AND i.seen_at >= from_ms(c.since)
      WHERE i.hot_keys IS NOT NULL AND i.hot_keys -> 'isCounted' IS NULL
      ORDER BY i.seen_at DESC LIMIT ${MAX_COUNTS}`,
  )
  return rows.map(({ seenAt, told, ...row }) => ({ ...row, ...told, seenAt: seenAt.getTime() }))
}
