/** The HTTP side of protocol hk/1: the document that an application asks for, the heartbeat that it sends. */
import { CachescopeError } from '../core/errors.ts'
import { buildPolicyDocument } from '../core/mitigations/policy-document.ts'
import type { Heartbeat } from '../core/protocol/heartbeat.ts'
import type { PolicyDocument } from '../core/protocol/policy.ts'
import { saveHeartbeats } from './app-instances.ts'
import { query, type Store } from './client.ts'
import { listRunning } from './mitigation-progress.ts'

/**
 * Without a policy, and of revision 0, while no collector has the cache: nobody drains then, or keeps copies right. A
 * reader does not take that for newer than what it holds; it only is not told to go on, and its lease ends.
 * @throws CachescopeError not-found (cacheId), store-unreachable
 */
export async function readPolicyDocument(
  store: Store,
  options: { cacheId: string; app: string; now: number },
): Promise<PolicyDocument> {
  const { cacheId, app, now } = options
  await requireCache(store, cacheId)
  const [isLed, { mitigations, revs }] = await Promise.all([
    hasCollector(store, cacheId),
    listRunning(store, [cacheId]),
  ])
  if (!isLed) return buildPolicyDocument({ app, running: [], rev: 0, now })
  return buildPolicyDocument({ app, running: mitigations, rev: revs.get(cacheId) ?? 0, now })
}

/** @throws CachescopeError not-found (cacheId), store-unreachable */
export async function saveHeartbeat(
  store: Store,
  options: { cacheId: string; heartbeat: Heartbeat; now: number },
): Promise<void> {
  await requireCache(store, options.cacheId)
  await saveHeartbeats(store, options.cacheId, [
    { heartbeat: options.heartbeat, seenAt: options.now, isForCollector: true },
  ])
}

async function hasCollector(store: Store, cacheId: string): Promise<boolean> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<unknown[]>`
      SELECT 1 FROM lease WHERE cache_id = ${cacheId} AND expires_at > clock_timestamp()`,
  )
  return rows.length > 0
}

async function requireCache(store: Store, cacheId: string): Promise<void> {
  const cache = await query(store, (prisma) =>
    prisma.cache.findFirst({ where: { cacheId, removedAt: null }, select: { cacheId: true } }),
  )
  if (cache) return
  throw new CachescopeError('not-found', `There is no cache ${cacheId}. GET /api/v1/caches lists them.`, {
    where: 'cacheId',
  })
}
