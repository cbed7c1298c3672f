/** What people ask of a mitigation that is there: that it runs longer, or ends. Each is a revision of its own. */
import { CachescopeError } from '../core/errors.ts'
import type { Mitigation, MitigationChange } from '../core/mitigations/model.ts'
import { query, type Store } from './client.ts'
import { lockPolicies, notifyOf } from './mitigation-rows.ts'
import { requireMitigation } from './mitigations.ts'

/** @throws CachescopeError not-found, mitigation-conflict (it drains or is off), store-unreachable */
export async function extendMitigation(
  store: Store,
  mitigationId: number,
  change: MitigationChange,
  now: number,
): Promise<Mitigation> {
  const current = await requireMitigation(store, mitigationId)
  if (current.phase === 'off' || current.phase === 'draining' || current.desired === 'off') {
    const how = current.phase === 'off' ? 'is off' : 'is being drained'
    throw endedError(current, `${how} and cannot be extended. Ask for it again.`)
  }
  const expiresAt = now + (change.expiresInSeconds ?? 3_600) * 1_000
  if (await revise(store, current, { ...change, desired: 'on', expiresAt, now })) {
    return requireMitigation(store, mitigationId)
  }
  throw endedError(current, 'was drained at the same moment and cannot be extended. Ask for it again.')
}

/**
 * Asks for its end. One that drains already is answered as it is.
 * @throws CachescopeError not-found, mitigation-conflict (it is off), store-unreachable
 */
export async function drainMitigation(
  store: Store,
  mitigationId: number,
  change: MitigationChange,
  now: number,
): Promise<Mitigation> {
  const current = await requireMitigation(store, mitigationId)
  if (current.phase === 'off') throw endedError(current, 'is off already; there is nothing to drain.')
  if (current.desired === 'off') return current
  const expiresAt = Date.parse(current.expiresAt)
  const isRevised = await revise(store, current, { ...change, desired: 'off', expiresAt, now })
  const after = await requireMitigation(store, mitigationId)
  if (!isRevised && after.desired === 'on')
    throw endedError(after, 'is off already; there is nothing to drain.')
  return after
}

function endedError(current: Mitigation, what: string): CachescopeError {
  return new CachescopeError(
    'mitigation-conflict',
    `Mitigation ${current.mitigationId} (${current.action} of ${current.label}) ${what}`,
    { where: `mitigations/${current.mitigationId}` },
  )
}

/** @returns false where it has ended, or somebody has asked for its end, since it was looked at */
async function revise(
  store: Store,
  current: Mitigation,
  revision: { actor: string; reason: string; desired: 'on' | 'off'; expiresAt: number; now: number },
): Promise<boolean> {
  const { mitigationId, cacheId } = current
  const { actor, reason, desired, expiresAt, now } = revision
  return query(store, (prisma) =>
    prisma.$transaction(async (tx) => {
      await tx.$executeRaw(lockPolicies(cacheId))
      // Looked at once more under the lock: an end that was asked for is not taken back by who had not seen it.
      const revised = await tx.$executeRaw`
        INSERT INTO mitigation_revision (mitigation_id, at, actor, reason, desired, expires_at)
        SELECT m.mitigation_id, from_ms(${now}), ${actor}, ${reason}, ${desired}, from_ms(${expiresAt})
        FROM mitigation m
        WHERE m.mitigation_id = ${mitigationId} AND m.phase <> 'off'
          AND (${desired} = 'off' OR m.phase IN ('prepare', 'active'))
          AND 'on' = (
            SELECT r.desired FROM mitigation_revision r WHERE r.mitigation_id = m.mitigation_id
            ORDER BY r.revision DESC LIMIT 1
          )`
      if (revised === 0) return false
      // Readers go by the expiry: an extension is theirs to know.
      await tx.$executeRaw`UPDATE mitigation SET rev = nextval('policy_rev') WHERE mitigation_id = ${mitigationId}`
      await tx.$executeRaw(notifyOf(cacheId))
      return true
    }),
  )
}
