/**
 * Holds writing commands back on one primary: clients wait, nothing is refused. Given in slices of five seconds that
 * are renewed, so that writes go on by themselves when the collector dies.
 */
import { z } from 'zod'
import { type Observed, ObservedWrites } from '../../../core/mitigations/observed.ts'
import type { Parameters } from '../../../core/mitigations/parameters.ts'
import {
  PAUSE_RENEW_MS,
  PAUSE_SLICE_MS,
  pauseSlice,
  unpause,
} from '../../../core/mitigations/server-commands.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { InfoReading } from '../../sources/info.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import { readMaster } from './sentinel-master.ts'
import {
  fail,
  field,
  isAtLeast,
  primaryAddress,
  readInfo,
  refuse,
  savedState,
  sendStep,
  serverAction,
  targetNode,
  targetShard,
  tryInfo,
} from './server-action.ts'
import { Count, countOf, growth } from './write-count.ts'

const State = z.object({
  address: z.string(),
  /** When the first slice was to be sent; null: not yet. */
  startedAt: z.number().nullable(),
  slices: z.number(),
  slicedAt: z.number(),
  /** Until then writes surely wait: of the newest slice that the server has answered; 0: of none. */
  holdsUntil: z.number(),
  /** At the last look. */
  count: Count,
  /** At the end of each window of the proof. */
  counts: z.array(Count),
  /** Whether writes have surely waited from that look on. */
  isHeld: z.boolean(),
  before: ObservedWrites.nullable(),
  /** Between looks under the pause, where the server has saved nothing in between; null until there are two. */
  held: z.object({ ms: z.number(), changes: z.number(), blockedClients: z.number() }).nullable(),
})
type State = z.infer<typeof State>

/** How long changes are counted before writes are held back. */
const COUNT_MS = 500
/** So much earlier than the Sentinels lose patience a pause is over. */
const PATIENCE_MARGIN_MS = 2_000

export function pauseWrites(): Action {
  return serverAction({
    prepare,
    async activate(context) {
      const outcome = await renew(context)
      return outcome.kind === 'wait' ? { kind: 'done', message: outcome.message } : outcome
    },
    watch: renew,
    drain,
    observe,
  })
}

async function prepare(context: ActionContext): Promise<Outcome> {
  const { target } = context.mitigation
  const address =
    target.kind === 'node' ? targetNode(context, target.nodeId).address : primaryAddress(targetShard(context))
  const info = await readInfo(context, address)
  if (info.role !== 'primary')
    refuse(`${address} is a replica: clients do not write there. Pause its primary.`)
  if (!isAtLeast(info, 6, 2)) refuse(`${address} is older than Redis 6.2 and can only pause reads as well.`)
  await keepWithinPatience(context, address)
  const now = countOf(info, context.now())
  const first = savedState(context, State)?.count ?? lastCount(context, address) ?? now
  const isCounted = now.at - first.at >= COUNT_MS
  const state: State = {
    ...{ address, startedAt: null, slices: 0, slicedAt: 0, holdsUntil: 0 },
    ...{ count: isCounted ? now : first, counts: [], isHeld: false, held: null },
    before: isCounted ? writesOf(info, first, now) : null,
  }
  await context.saveState(state)
  return isCounted ? { kind: 'done' } : { kind: 'wait', message: 'It is counted how much is written there.' }
}

/** A pause holds the Sentinels' own PUBLISH back, and their PINGs behind it: they take the primary for down. */
async function keepWithinPatience(context: ActionContext, address: NodeAddress): Promise<void> {
  if (context.cache.kind !== 'sentinel') return
  const { pauseSeconds } = context.mitigation.parameters as Parameters<'pause-writes'>
  const master = await readMaster(
    context,
    context.cache.seeds.map((seed) => seed.address),
  )
  const patienceMs = Number(master?.get('down-after-milliseconds') ?? Number.NaN)
  if (Number.isNaN(patienceMs)) {
    refuse(`No Sentinel tells its down-after-milliseconds: a longer pause makes them replace ${address}.`)
  }
  const mostSeconds = Math.floor((patienceMs - PATIENCE_MARGIN_MS) / 1_000)
  if (pauseSeconds <= mostSeconds) return
  const instead =
    mostSeconds >= 1 ? `Ask for ${mostSeconds} s at most.` : 'No pause is short enough for that.'
  refuse(
    `The Sentinels hear nothing from ${address} while writes are held back, and replace it after ${patienceMs} ms (down-after-milliseconds). ${instead}`,
  )
}

/** As the collector saw the node last, for its own purposes. */
function lastCount(context: ActionContext, address: NodeAddress): Count | null {
  const reading = context.reading(address)
  return reading === null ? null : countOf(reading.info, reading.at)
}

function writesOf(info: InfoReading, before: Count, now: Count): NonNullable<Observed['writes']> {
  const grown = growth(before, now)
  return {
    changesPerSec: grown === null ? null : (grown.changes * 1_000) / grown.ms,
    blockedClients: field(info, 'blocked_clients'),
    isPaused: isPaused(info),
    held: null,
  }
}

function isPaused(info: InfoReading): boolean | null {
  const actions = info.fields.get('paused_actions')
  return actions === undefined ? null : actions !== 'none'
}

/** One look for each window once writes go on again: the first counts from the end of the pause, the next from there. */
async function observe(context: ActionContext, when: 'before' | 'after'): Promise<Observed | null> {
  const state = savedState(context, State)
  if (state === null || state.before === null) return null
  if (when === 'before') return { writes: state.before }
  const info = await readInfo(context, state.address)
  const now = countOf(info, context.now())
  // Made again where nobody lived to write the window: from where it had begun.
  const windows = context.mitigation.proof?.after.length ?? 0
  const from = state.counts[windows - 1] ?? state.count
  await context.saveState({ ...state, counts: [...state.counts.slice(0, windows), now] })
  const { held } = state
  return {
    writes: {
      ...writesOf(info, from, now),
      held:
        held === null
          ? null
          : {
              ...{ seconds: held.ms / 1_000, changesPerSec: (held.changes * 1_000) / held.ms },
              blockedClients: held.blockedClients,
            },
    },
  }
}

async function renew(context: ActionContext): Promise<Outcome> {
  const saved = savedState(context, State) ?? fail('It was not prepared.')
  const { pauseSeconds } = context.mitigation.parameters as Parameters<'pause-writes'>
  const { address } = saved
  const info = await tryInfo(context, address)
  const now = context.now()
  const startedAt = saved.startedAt ?? now
  const leftMs = startedAt + pauseSeconds * 1_000 - now
  const isPrimary = info === null || info.role === 'primary'
  const isDue =
    isPrimary && leftMs > 0 && (saved.startedAt === null || now - saved.slicedAt >= PAUSE_RENEW_MS)
  const state = {
    ...saved,
    ...(info === null ? {} : lookedAt(saved, info, now)),
    ...(isDue ? { startedAt, slicedAt: now, slices: saved.slices + 1 } : {}),
  }
  await context.saveState(state)
  if (!isPrimary || leftMs <= 0) {
    await resume(context, state)
    const message = isPrimary
      ? `Writes were held back on ${address} for ${pauseSeconds} s.`
      : `${address} is no primary any more: its writes are not held back.`
    return { kind: 'finished', message }
  }
  const name = state.slices === 1 ? 'pause' : `pause (${state.slices})`
  const slice = pauseSlice(address, leftMs)
  await sendStep(context, name, slice)
  if (isDue) await context.saveState(holding(state, now + Number(slice.words[2]), context.now()))
  return {
    kind: 'wait',
    message: `Writes wait on ${address} for ${Math.ceil(leftMs / 1_000)} s more.`,
    progress: { done: pauseSeconds - leftMs / 1_000, total: pauseSeconds, unit: 's' },
  }
}

/** A slice that came when the one before it may have been over has let writes through in between. */
function holding(state: State, holdsUntil: number, now: number): State {
  return { ...state, holdsUntil, isHeld: state.isHeld && now < state.holdsUntil }
}

function lookedAt(state: State, info: InfoReading, now: number): Pick<State, 'count' | 'isHeld' | 'held'> {
  const count = countOf(info, now)
  const isHeld = now < state.holdsUntil
  const grown = state.isHeld && isHeld ? growth(state.count, count) : null
  if (grown === null) return { count, isHeld, held: state.held }
  return {
    ...{ count, isHeld },
    held: {
      ms: (state.held?.ms ?? 0) + grown.ms,
      changes: (state.held?.changes ?? 0) + grown.changes,
      blockedClients: Math.max(state.held?.blockedClients ?? 0, field(info, 'blocked_clients') ?? 0),
    },
  }
}

async function drain(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State)
  if (state === null || state.startedAt === null) return { kind: 'done' }
  // A server that does not answer for longer than a slice holds nothing back any more.
  const info = await tryInfo(context, state.address)
  if (info === null && context.now() - state.slicedAt < PAUSE_SLICE_MS) {
    return { kind: 'wait', message: `${state.address} does not answer; its pause ends by itself.` }
  }
  if (info !== null) await resume(context, state)
  return { kind: 'done', message: `Writes go on at ${state.address}.` }
}

async function resume(context: ActionContext, { address, slicedAt }: State): Promise<void> {
  try {
    await sendStep(context, 'resume', unpause(address))
  } catch (error) {
    // Without the right to end it, its last slice has ended by itself.
    const isAnswer = error instanceof NodeFailure && error.replyCode !== null
    if (!isAnswer || context.now() - slicedAt < PAUSE_SLICE_MS) throw error
  }
}
