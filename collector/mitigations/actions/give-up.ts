/** A way back that cannot go on ends as failed some time: until it is off nobody else may act on its target. */
import type { MitigationAction } from '../../../core/mitigations/model.ts'
import type { ActionContext, Outcome } from '../action.ts'

/** After its time is over, and after it could go on last, a way back is tried for so long. */
const GIVE_UP_MS = 600_000

/** What is left to do by hand. */
const BY_HAND: Partial<Record<MitigationAction, string>> = {
  failover: ' See which node of the shard takes writes, and that the others follow it.',
  'move-slot': ' See with CLUSTER NODES whether the slot is still open at a node, and close it there.',
}

/** @param stuckSince from when on it could not go on, in epoch milliseconds */
export function isGivenUp({ mitigation, now }: ActionContext, stuckSince = 0): boolean {
  const { expiresAt, phaseSince } = mitigation
  return now() >= Math.max(Date.parse(expiresAt), Date.parse(phaseSince), stuckSince) + GIVE_UP_MS
}

/** Ways back of one action that met an obstacle at their last turn. */
export class Obstacles {
  readonly #since = new Map<number, number>()

  /** @returns its outcome for this turn: what stands in the way is waited for, or it is given up */
  meet(context: ActionContext, message: string): Outcome {
    const { mitigationId, action } = context.mitigation
    const since = this.#since.get(mitigationId) ?? context.now()
    this.#since.set(mitigationId, since)
    if (!isGivenUp(context, since)) return { kind: 'wait', message }
    return { kind: 'failed', message: `Given up: ${message}${BY_HAND[action] ?? ''}` }
  }

  forget(mitigationId: number): void {
    this.#since.delete(mitigationId)
  }
}
