/** Moves one hash slot to a named shard or the one with the least load: natively where both servers can, else key by key. */
import { z } from 'zod'
import { ownerOf } from '../../../core/mitigations/cluster-nodes.ts'
import type { Parameters } from '../../../core/mitigations/parameters.ts'
import type { TopologyNode, TopologyShard } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import { closeSlot, moveClassic, takeBack } from './move-slot-classic.ts'
import { cancelNative, moveNative } from './move-slot-native.ts'
import { Ended, fail, field, readInfo, refuse, savedState, serverAction, tryInfo } from './server-action.ts'
import { checkFormat } from './slot-format.ts'
import { FailedBatch, refuseLargeKeys, Unmovable } from './slot-keys.ts'
import { chooseMethod } from './slot-method.ts'
import { checkRoom } from './slot-room.ts'
import { countKeys, readClusterNodes, readSlot, type Side } from './slot-view.ts'

const SideState = z.object({ id: z.string(), address: z.string() })
const State = z.object({
  method: z.enum(['classic', 'redis', 'valkey']),
  source: SideState,
  destination: SideState,
  total: z.number(),
  attempts: z.number(),
  /** Until when the next one waits, and why the one before came to nothing. */
  pause: z.object({ until: z.number(), message: z.string() }).nullable().default(null),
  /** Ids of the tasks of a native move that are not of this attempt. */
  known: z.array(z.string()).default([]),
  /** Why keys do not leave: those that have left come back. */
  unmovable: z.string().nullable().default(null),
  /** Of a drain: forward to the end first, then all of it back. */
  isReturning: z.boolean(),
})
type State = z.infer<typeof State>

/** Of a native move each begins anew, with the primaries of that moment; key by key they are batches that failed in a row. */
const MAX_ATTEMPTS = 5
/** A server that refuses an order does so at once, and again: a failover takes it seconds to learn of. */
const BETWEEN_MS = 5_000

export function moveSlot(): Action {
  return serverAction({ prepare, activate, watch: activate, drain })
}

const parametersOf = (context: ActionContext) => context.mitigation.parameters as Parameters<'move-slot'>

async function prepare(context: ActionContext): Promise<Outcome> {
  const { slot } = parametersOf(context)
  if (context.cache.kind !== 'cluster')
    refuse('Only a cluster has slots. Use a mitigation of the key instead.')
  const owner =
    context.topology.shards.find((shard) => shard.slots?.some(([from, to]) => from <= slot && slot <= to)) ??
    refuse(`Nobody serves slot ${slot}: the cluster has to be mended first.`)
  const source = sideOf(owner)
  const shard = await chooseShard(context, owner)
  const destination = sideOf(shard)
  const [view, far] = [
    await readClusterNodes(context, source.address),
    await readClusterNodes(context, destination.address),
  ]
  if (ownerOf(view, slot) !== source.id)
    refuse(`Slot ${slot} has moved by itself. Look at the cluster again.`)
  const moving = view.migrating.get(slot) ?? far.importing.get(slot)
  if (moving !== undefined && moving !== destination.id && moving !== source.id) {
    refuse(`Slot ${slot} is being moved to another node already. Let that end first.`)
  }
  const [from, to] = [await readInfo(context, source.address), await readInfo(context, destination.address)]
  const total = await countKeys(context, source, slot)
  checkRoom(from, to, destination, total)
  const sides = { source, destination, total, attempts: 1, pause: null, unmovable: null, isReturning: false }
  const state: State = { ...sides, ...(await chooseMethod(context, slot, source, destination, from, to)) }
  if (state.method === 'classic') {
    await checkFormat(context, source, destination, 'refused')
    await refuseLargeKeys(context, slot, source)
  }
  await context.saveState(state)
  return { kind: 'done', message: `Slot ${slot} with ${total} keys goes to ${destination.address}.` }
}

function sideOf(shard: TopologyShard): Side {
  const primary: TopologyNode =
    shard.nodes.find((node) => node.role === 'primary') ??
    refuse(`Shard ${shard.ordinal} has no primary now.`)
  const id = primary.clusterNodeId ?? refuse(`${primary.address} has no id in its cluster.`)
  return { id, address: primary.address }
}

async function chooseShard(context: ActionContext, owner: TopologyShard): Promise<TopologyShard> {
  const { slot, toShardId } = parametersOf(context)
  const others = context.topology.shards.filter((shard) => shard !== owner)
  if (toShardId !== null) {
    const ordinal = context.shardOrdinals.get(toShardId)
    if (ordinal === owner.ordinal) refuse(`Slot ${slot} is on shard ${ordinal} already.`)
    return (
      others.find((shard) => shard.ordinal === ordinal) ??
      refuse('The shard is not part of the cache any more.')
    )
  }
  const loads: { shard: TopologyShard; ops: number }[] = []
  for (const shard of others) {
    const primary = shard.nodes.find((node) => node.role === 'primary')
    const info = primary ? await tryInfo(context, primary.address) : null
    const ops = info && field(info, 'instantaneous_ops_per_sec')
    if (ops !== null) loads.push({ shard, ops })
  }
  const [least] = loads.sort((a, b) => a.ops - b.ops)
  return least?.shard ?? refuse('There is no other shard to take it.')
}

async function activate(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State) ?? fail('It was not prepared.')
  return await move(context, state, current(context, state.source), current(context, state.destination), '')
}

/** Who is the primary of its shard by now: after a failover the move goes on with the new one. */
function current(context: ActionContext, side: Side): Side {
  const shard = context.topology.shards.find(({ nodes }) =>
    nodes.some((node) => node.clusterNodeId === side.id),
  )
  const primary = shard?.nodes.find((node) => node.role === 'primary')
  return primary?.clusterNodeId ? { id: primary.clusterNodeId, address: primary.address } : side
}

async function move(
  context: ActionContext,
  state: State,
  source: Side,
  destination: Side,
  label: string,
): Promise<Outcome> {
  const { slot } = parametersOf(context)
  if (state.method === 'classic') return await moveByKeys(context, state, source, destination, label)
  const { attempts: number, known, pause } = state
  if (pause !== null && context.now() < pause.until) return { kind: 'wait', message: pause.message }
  try {
    const result = await moveNative(context, state.method, slot, source, destination, { number, known })
    return result.kind === 'again' ? await tryAgain(context, state, result.message, result.known) : result
  } catch (error) {
    if (!(error instanceof NodeFailure) || error.replyCode !== 'ERR') throw error
    return await tryAgain(context, state, error.message, known)
  }
}

async function tryAgain(
  context: ActionContext,
  state: State,
  message: string,
  known: string[],
): Promise<Outcome> {
  if (state.attempts >= MAX_ATTEMPTS) return fail(message)
  const pause = { until: context.now() + BETWEEN_MS, message: `${message} It is begun anew.` }
  await context.saveState({ ...state, attempts: state.attempts + 1, pause, known })
  return { kind: 'wait', message: pause.message }
}

async function moveByKeys(
  context: ActionContext,
  state: State,
  source: Side,
  destination: Side,
  label: string,
): Promise<Outcome> {
  const { slot } = parametersOf(context)
  const { attempts, pause, total, unmovable } = state
  if (pause !== null && context.now() < pause.until) return { kind: 'wait', message: pause.message }
  try {
    if (unmovable !== null) {
      const left = await takeBack(context, slot, source, destination, label)
      if (left === 0) return fail(unmovable)
      const message = `${unmovable} Keys of slot ${slot} go back to ${source.address}, ${left} are left.`
      return { kind: 'wait', message }
    }
    const outcome = await moveClassic(context, slot, source, destination, total, label)
    if (attempts > 1) await context.saveState({ ...state, attempts: 1, pause: null })
    return outcome
  } catch (error) {
    if (!(error instanceof FailedBatch) && !(error instanceof Unmovable)) throw error
    const { message } = error
    const isGivenUp = unmovable === null && (error instanceof Unmovable || attempts >= MAX_ATTEMPTS)
    const next: State = isGivenUp
      ? { ...state, attempts: 1, pause: null, unmovable: message }
      : { ...state, attempts: attempts + 1, pause: pauseAfter(context, attempts, message) }
    await context.saveState(next)
    if (isGivenUp) return await moveByKeys(context, next, source, destination, label)
    return { kind: 'wait', message: next.pause?.message ?? message }
  }
}

/** Longer each time: what has left is fetched for as long as it takes. */
const pauseAfter = (context: ActionContext, attempts: number, message: string): State['pause'] => ({
  until: context.now() + BETWEEN_MS * attempts,
  message: `${message} It is tried again.`,
})

/**
 * A move that ended stays: its way back is another one. One that is under way goes to its end and all of it back, for
 * a slot can only be turned round where it is whole: closed half-way, the keys that have left would be hidden.
 */
async function drain(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State)
  if (state === null) return { kind: 'done' }
  const sides: [Side, Side] = [current(context, state.source), current(context, state.destination)]
  const failed = (message: string) => whileOpen(context, sides, message)
  try {
    const outcome = await turnRound(context, state, ...sides)
    return outcome.kind === 'failed' ? await failed(outcome.message) : outcome
  } catch (error) {
    if (!(error instanceof Ended) || error.outcome.kind !== 'failed') throw error
    return await failed(error.outcome.message)
  }
}

/** A slot that is left half open hides keys: it is not off before both sides have closed it. */
async function whileOpen(context: ActionContext, sides: Side[], message: string): Promise<Outcome> {
  const { slot } = parametersOf(context)
  for (const { id, address } of sides) {
    const { nodes, migrating, importing } = await readClusterNodes(context, address)
    const isItself = nodes.some((node) => node.isMyself && node.id === id)
    if (!isItself || !(migrating.has(slot) || importing.has(slot))) continue
    return { kind: 'wait', message: `Slot ${slot} is still open at ${address}. ${message}` }
  }
  return { kind: 'failed', message }
}

async function turnRound(
  context: ActionContext,
  state: State,
  source: Side,
  destination: Side,
): Promise<Outcome> {
  const { slot } = parametersOf(context)
  const { method, known } = state
  if (method !== 'classic') return await cancelNative(context, method, slot, source, destination, known)
  if (state.isReturning) {
    const outcome = await moveByKeys(context, state, destination, source, 'back: ')
    return outcome.kind === 'finished'
      ? { kind: 'done', message: `Slot ${slot} is back at ${source.address}.` }
      : outcome
  }
  const view = await readSlot(context, slot, source, destination)
  const isOpen = view.migratingTo === destination.id || view.importingFrom === source.id
  const isAtSource = view.sourceSays === source.id && view.destinationSays === source.id
  if (isAtSource && (!isOpen || (await countKeys(context, destination, slot)) === 0)) {
    await closeSlot(context, slot, source, destination)
    // A client that was sent there just before may have written.
    if ((await countKeys(context, destination, slot)) === 0) {
      const why = state.unmovable === null ? '; nothing was moved.' : `. ${state.unmovable}`
      return { kind: 'done', message: `Slot ${slot} stays at ${source.address}${why}` }
    }
  }
  const outcome = await moveByKeys(context, state, source, destination, 'forth: ')
  if (outcome.kind !== 'finished') return outcome
  await context.saveState({ ...state, isReturning: true })
  return { kind: 'wait', message: `All keys of slot ${slot} go back to ${source.address}.` }
}
