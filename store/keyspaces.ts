/** How many keys each database of a node holds. */
import type { KeyspaceRow } from '../core/model.ts'
import { query, type Store } from './client.ts'

/** A node that has been sampled this much later without naming its databases has none left. */
const EMPTIED_AFTER_MS = 60_000

/**
 * The newest reading; `at` is null where there is none yet.
 * @throws CachescopeError store-unreachable
 */
export async function listKeyspaces(
  store: Store,
  nodeId: number,
): Promise<{ at: string | null; rows: KeyspaceRow[] }> {
  const [node, newest] = await query(store, (prisma) =>
    Promise.all([
      prisma.node.findUnique({ where: { nodeId }, select: { sampledAt: true } }),
      prisma.keyspaceSample.findFirst({ where: { nodeId }, orderBy: { at: 'desc' }, select: { at: true } }),
    ]),
  )
  const sampledAt = node?.sampledAt ?? null
  if (newest === null) return { at: sampledAt?.toISOString() ?? null, rows: [] }
  if (sampledAt !== null && sampledAt.getTime() - newest.at.getTime() > EMPTIED_AFTER_MS) {
    return { at: sampledAt.toISOString(), rows: [] }
  }
  const rows = await query(store, (prisma) =>
    prisma.keyspaceSample.findMany({ where: { nodeId, at: newest.at }, orderBy: { db: 'asc' } }),
  )
  return {
    at: newest.at.toISOString(),
    rows: rows.map(({ db, keys, expires, avgTtlMs }) => ({
      db,
      keys: Number(keys),
      expires: Number(expires),
      avgTtlMs,
    })),
  }
}
