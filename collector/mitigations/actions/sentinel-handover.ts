/**
 * A failover by Sentinels loses no write that was answered: they promote without a word to the old primary, and make it
 * a replica about ten seconds later. So its writes wait from before they are asked, until it follows the new one.
 */
import {
  pause,
  SENTINEL_PAUSE_MS,
  sentinelFailover,
  unpause,
} from '../../../core/mitigations/server-commands.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext, Outcome } from '../action.ts'
import type { FailoverState } from './failover-state.ts'
import { sendAgain } from './send-again.ts'
import { readMaster } from './sentinel-master.ts'
import { fail, sendStep, tryInfo } from './server-action.ts'
import { pauseUntilEqual, sendInTime } from './write-pause.ts'

const MAX_ATTEMPTS = 3
/** A replica that was not fit may be a moment later: attempts that came to nothing are so far apart. */
const RETRY_MS = 2_000
const RENEW_MS = SENTINEL_PAUSE_MS / 3
/** Writes do not wait for Sentinels that are busy for longer. */
const HOLD_MS = 30_000

/** @returns null: the Sentinel that was asked does not answer */
export async function isSentinelBusy(context: ActionContext, state: FailoverState): Promise<boolean | null> {
  const master = await readMaster(context, state.sentinel === null ? [] : [state.sentinel])
  return master === null ? null : (master.get('flags') ?? '').includes('failover_in_progress')
}

/** While they are at it: a slice of the pause is followed by the next. @returns the state as it is saved by then */
export async function holdWrites(context: ActionContext, state: FailoverState): Promise<FailoverState> {
  const now = context.now()
  const isDue = now - (state.pausedAt ?? 0) >= RENEW_MS
  if (state.sentAt === null || !isDue || now - state.sentAt > HOLD_MS) return state
  if (!(await isPrimary(context, state.from))) return state
  const next = { ...state, pausedAt: now }
  await context.saveState(next)
  await sendAgain(context, 'hold writes', pause(state.from, SENTINEL_PAUSE_MS))
  return next
}

/** Nobody is promoted by now. @param isBusy asked before the roles were read; `isSure`: every replica is seen as one */
export async function askSentinels(
  context: ActionContext,
  state: FailoverState,
  { isBusy, isSure }: { isBusy: boolean | null; isSure: boolean },
): Promise<Outcome> {
  const waits = { kind: 'wait', message: `The Sentinels put another in the place of ${state.from}.` } as const
  if (isPending(context, state, { isBusy, isSure }) || !(await isPrimary(context, state.from))) return waits
  if (state.attempts >= MAX_ATTEMPTS) {
    const why =
      state.sentAt === null
        ? 'No replica caught up while writes waited, or the Sentinels would promote none'
        : 'The Sentinels gave it up'
    return fail(`${why}: ${state.from} is the primary as before. Nothing was changed.`)
  }
  const now = context.now()
  if (state.sentAt === null && state.pausedAt !== null && now - state.pausedAt < RETRY_MS) {
    return {
      kind: 'wait',
      message: `No replica of ${state.from} is fit to take over yet; it is tried again.`,
    }
  }
  const next = { ...state, sentAt: now, pausedAt: now, attempts: state.attempts + 1 }
  await context.saveState(next)
  const attempt = next.attempts === 1 ? '' : ` (${next.attempts})`
  const command = pause(state.from, SENTINEL_PAUSE_MS)
  const replicas: NodeAddress[] = [state.to, ...state.others]
  const endsAt = await pauseUntilEqual(context, `pause writes${attempt}`, command, replicas)
  const giveUp = async (message: string): Promise<Outcome> => {
    await sendStep(context, `resume writes${attempt}`, unpause(state.from))
    await context.saveState({ ...next, sentAt: null })
    return { kind: 'wait', message }
  }
  if (endsAt === null) return await giveUp(`The replicas of ${state.from} have not caught up yet.`)
  const failover = sentinelFailover(state.sentinel ?? '', context.cache.sentinel?.masterName ?? '')
  try {
    await sendInTime(
      context,
      `failover${attempt}`,
      failover,
      endsAt,
      ({ replyCode }) => replyCode === 'INPROG',
    )
  } catch (error) {
    // The Sentinel has not heard of a replica lately: busy, or just begun itself.
    if (!(error instanceof NodeFailure) || error.replyCode !== 'NOGOODSLAVE') throw error
    return await giveUp('The Sentinels know of no replica yet that they would promote.')
  }
  return waits
}

/** Called off while nobody is promoted: what the Sentinels have begun they end by themselves. */
export async function undoSentinels(
  context: ActionContext,
  state: FailoverState,
  seen: { isBusy: boolean | null; isSure: boolean },
): Promise<Outcome> {
  if (isPending(context, state, seen)) {
    return { kind: 'wait', message: 'The Sentinels settle who the primary is.' }
  }
  await sendStep(context, 'resume', unpause(state.from))
  const isStill = await isPrimary(context, state.from)
  const message = isStill
    ? 'is the primary as before.'
    : 'is no primary any more; the new one does not answer.'
  return { kind: 'done', message: `${state.from} ${message}` }
}

async function isPrimary(context: ActionContext, address: NodeAddress): Promise<boolean> {
  return (await tryInfo(context, address))?.role === 'primary'
}

function isPending(
  context: ActionContext,
  state: FailoverState,
  { isBusy, isSure }: { isBusy: boolean | null; isSure: boolean },
): boolean {
  if (state.sentAt === null) return false
  return isBusy === true || ((isBusy === null || !isSure) && context.now() - state.sentAt <= HOLD_MS)
}
