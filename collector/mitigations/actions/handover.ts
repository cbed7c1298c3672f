/**
 * A failover by hand, for servers without FAILOVER: writes are paused, the replica catches up, the old primary steps
 * down before the new one is promoted. Whoever is killed in between leaves a shard without a primary, and never one
 * with two that lose each other's writes; the next run promotes.
 */
import {
  HANDOVER_PAUSE_MS,
  pause,
  promote,
  replicaOf,
  unpause,
} from '../../../core/mitigations/server-commands.ts'
import type { ActionContext, Outcome } from '../action.ts'
import { type FailoverState, follows } from './failover-state.ts'
import { sendAgain } from './send-again.ts'
import { fail, readInfo, sendStep } from './server-action.ts'
import { pauseUntilEqual, sendInTime } from './write-pause.ts'

const MAX_ATTEMPTS = 3

export async function handOver(context: ActionContext, state: FailoverState): Promise<Outcome> {
  const from = await readInfo(context, state.from)
  if (from.role === 'replica') {
    if (follows(from, state)) return await promoteNew(context, state)
    return fail(`${state.from} follows another primary by now. Look at the shard again.`)
  }
  if (state.attempts >= MAX_ATTEMPTS) {
    return fail(
      `${state.to} did not catch up while writes were paused. ${state.from} is the primary as before.`,
    )
  }
  const next = { ...state, sentAt: context.now(), attempts: state.attempts + 1 }
  await context.saveState(next)
  const attempt = next.attempts === 1 ? '' : ` (${next.attempts})`
  const command = pause(state.from, HANDOVER_PAUSE_MS)
  const endsAt = await pauseUntilEqual(context, `pause writes${attempt}`, command, [state.to])
  if (endsAt === null) {
    await sendStep(context, `resume writes${attempt}`, unpause(state.from))
    return { kind: 'wait', message: `${state.to} has not caught up yet.` }
  }
  await sendInTime(context, `step down${attempt}`, replicaOf(state.from, state.toPlace), endsAt)
  return await promoteNew(context, next)
}

async function promoteNew(context: ActionContext, state: FailoverState): Promise<Outcome> {
  await sendStep(context, `promote (${state.attempts})`, promote(state.to))
  return { kind: 'wait', message: `${state.to} is promoted.` }
}

/**
 * The new primary is there. A pause that the old one still keeps would only delay the refusals that clients need.
 * @param place how the new primary is known in the shard
 */
export async function finishHandover(
  context: ActionContext,
  state: FailoverState,
  place = state.toPlace,
): Promise<void> {
  const from = await readInfo(context, state.from)
  if (from.role === 'primary') await sendAgain(context, 'step down late', replicaOf(state.from, place))
  await sendStep(context, 'resume', unpause(state.from))
}

/** Of one that has promoted nobody yet: once the old primary has stepped down there is no way back but forward. */
export async function undoHandover(context: ActionContext, state: FailoverState): Promise<Outcome> {
  const from = await readInfo(context, state.from)
  if (from.role === 'replica') {
    if (follows(from, state)) return await promoteNew(context, state)
    return { kind: 'done', message: `${state.from} follows another primary by now.` }
  }
  await sendStep(context, 'resume', unpause(state.from))
  return { kind: 'done', message: `${state.from} is the primary as before.` }
}
