/** What happened to a cache that is no doing of a mitigation: it moves every figure that a mitigation is judged by. */

import type { Mitigation } from '../core/mitigations/model.ts'
import type { EventKind, NodeState } from '../core/model.ts'
import { query, type Store } from './client.ts'

/** Clients reconnect and replicas fill for so long after it. */
const FELT_MS = 10_000
const KINDS: EventKind[] = ['restart', 'failover', 'slots-moved', 'cluster-down']
/** A node that hangs is not among them: what was done may have brought it so far. */
const GONE: NodeState[] = ['refused', 'unreachable', 'unresolved', 'loading']

/**
 * @param from epoch milliseconds, `to` likewise
 * @returns a sentence of the first that was felt then, or of a node that left since the window before and is still
 *   gone; null where there was none
 * @throws CachescopeError store-unreachable
 */
export async function findIncident(
  store: Store,
  { cacheId, action, proof }: Pick<Mitigation, 'cacheId' | 'action' | 'proof'>,
  from: number,
  to: number,
): Promise<string | null> {
  // Its target may have been down before, and its nodes change their roles by it.
  if (action === 'failover') return null
  const kinds = KINDS.filter((kind) => action !== 'move-slot' || kind !== 'slots-moved')
  const end = new Date(to)
  // One that was gone by then is missing from every figure alike, for weeks where nobody takes it out.
  const since = proof?.before ? Date.parse(proof.before.from) : from
  const [event, down] = await query(store, (prisma) =>
    Promise.all([
      prisma.event.findFirst({
        where: { cacheId, kind: { in: kinds }, at: { gt: new Date(from - FELT_MS), lte: end } },
        orderBy: { at: 'asc' },
        select: { message: true },
      }),
      prisma.node.findFirst({
        where: {
          ...{ cacheId, removedAt: null, state: { in: GONE } },
          stateSince: { gte: new Date(since), lte: end },
          // A host that is dead is unreachable and times out by turns.
          sampledAt: { gt: new Date(since - FELT_MS) },
        },
        orderBy: { stateSince: 'asc' },
        select: { address: true },
      }),
    ]),
  )
  if (event !== null) return event.message
  return down === null ? null : `${down.address} was down.`
}
