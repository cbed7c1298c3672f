/**
 * Promotes a replica that has all writes of the primary: by CLUSTER FAILOVER or FAILOVER TO, which see to it themselves,
 * by SENTINEL FAILOVER under a pause of writes (sentinel-handover.ts), and where none of them is, by hand under one
 * (handover.ts). FORCE and TAKEOVER are never sent.
 */
import {
  clusterFailover,
  failoverAbort,
  failoverTo,
  hostPort,
  NO_WRITE_PAUSE,
  replicaOf,
  type ServerCommand,
} from '../../../core/mitigations/server-commands.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { InfoReading } from '../../sources/info.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import { chooseReplica, chosenReplica, knownAs, readPlaces } from './failover-replica.ts'
import { FailoverState, follows } from './failover-state.ts'
import { finishHandover, handOver, undoHandover } from './handover.ts'
import { askSentinels, holdWrites, isSentinelBusy, undoSentinels } from './sentinel-handover.ts'
import {
  Ended,
  fail,
  isAtLeast,
  primaryAddress,
  readInfo,
  refuse,
  savedState,
  send,
  sendStep,
  serverAction,
  targetShard,
  tryInfo,
} from './server-action.ts'

/** After which an accepted failover that did not happen is asked for again: later than the servers give it up. */
const RETRY_MS = { cluster: 5_500, failover: 11_000 } as const
const MAX_ATTEMPTS = 3
const SYNC_MS = 60_000

export function failover(): Action {
  return serverAction({ prepare, activate, watch: activate, drain })
}

async function prepare(context: ActionContext): Promise<Outcome> {
  const shard = targetShard(context)
  const from = primaryAddress(shard)
  const primary = await readInfo(context, from)
  if (primary.role !== 'primary') {
    refuse(`${from} is no primary any more: a failover was there before. Look at the shard again.`)
  }
  const { address: to, info, instead } = await chooseReplica(context, shard, primary)
  const replicas = shard.nodes.filter((node) => node.role === 'replica').map((node) => node.address)
  const method = await chooseMethod(context, from, primary)
  if (method === 'sentinel' && chosenReplica(context) !== null && replicas.length > 1) {
    refuse(
      'A Sentinel chooses the replica itself. Leave the node open, or set replica-priority on the others to 0.',
    )
  }
  const known = primary.replicas.find((line) => line.address === to)
  const announced = knownAs(primary, info)
  const state: FailoverState = {
    method,
    from,
    to,
    instead,
    toPlace: hostPort(known?.address ?? announced ?? to),
    others: replicas.filter((address) => address !== to),
    sentinel: method === 'sentinel' ? await answeringSentinel(context) : null,
    places: method === 'sentinel' ? await readPlaces(context, primary, replicas) : {},
    sentAt: null,
    pausedAt: null,
    attempts: 0,
    promotedAt: null,
  }
  await context.saveState(state)
  return {
    kind: 'done',
    message:
      method === 'sentinel' && replicas.length > 1
        ? `${to} is in step with ${from}; the Sentinels choose whom they promote.`
        : `${to} is in step with ${from} and will be promoted.${insteadOf(state)}`,
  }
}

const insteadOf = ({ instead }: FailoverState): string => (instead === null ? '' : ` ${instead}`)

async function chooseMethod(
  context: ActionContext,
  from: NodeAddress,
  primary: InfoReading,
): Promise<FailoverState['method']> {
  if (context.cache.kind === 'cluster') {
    const info = String(await send(context, from, 'CLUSTER', 'INFO'))
    if (!info.includes('cluster_state:ok')) {
      refuse('The cluster does not serve all its slots: let it settle, then try again.')
    }
    return 'cluster'
  }
  // It holds back our REPLICAOF as well, and takes writes again in the moment when that gets through.
  if (!isAtLeast(primary, 6, 2)) refuse(`${from} is older than Redis 6.2: ${NO_WRITE_PAUSE}`)
  if (context.cache.kind === 'sentinel') return 'sentinel'
  // A server may have it renamed away.
  const reply = await send(context, from, 'COMMAND', 'INFO', 'failover')
  return Array.isArray(reply) && reply[0] !== null ? 'failover' : 'handover'
}

async function answeringSentinel(context: ActionContext): Promise<NodeAddress> {
  for (const { address } of context.cache.seeds) {
    try {
      await send(context, address, 'PING')
      return address
    } catch (error) {
      if (!(error instanceof NodeFailure) || error.replyCode === 'NOPERM') throw error
    }
  }
  return refuse('No Sentinel answers: they have to agree to a failover.')
}

async function activate(context: ActionContext): Promise<Outcome> {
  const { state, isBusy } = await watchSentinel(
    context,
    savedState(context, FailoverState) ?? fail('It was not prepared.'),
  )
  const roles = await readRoles(context, state)
  const promoted = promotedOf(state, roles.primaries)
  if (promoted !== undefined) return await settle(context, state, promoted)
  if (state.method === 'sentinel') {
    return await askSentinels(context, state, { isBusy, isSure: roles.isSure })
  }
  if (state.method === 'handover') return await handOver(context, state)
  const sinceMs = state.sentAt === null ? Number.POSITIVE_INFINITY : context.now() - state.sentAt
  const retryMs = RETRY_MS[state.method]
  if (state.attempts >= MAX_ATTEMPTS && sinceMs > retryMs && roles.primaries.includes(state.from)) {
    return fail(
      `The servers gave the failover up: ${state.from} is the primary as before. Nothing was changed.`,
    )
  }
  // A cluster's voters refuse a second failover of a shard within seconds, and say nothing.
  const isNew = sinceMs > retryMs && state.attempts < MAX_ATTEMPTS
  const next = isNew ? { ...state, sentAt: context.now(), attempts: state.attempts + 1 } : state
  if (isNew) await context.saveState(next)
  // Sent or not is unknown after a kill: the same command again changes nothing that is under way.
  const name = next.attempts <= 1 ? 'failover' : `failover (${next.attempts})`
  try {
    await sendStep(context, name, failoverCommand(next), isUnderWay)
  } catch (error) {
    // Its link is up before its primary has heard of it: asked for again, as long as an attempt lasts.
    if (!(error instanceof NodeFailure) || !/replica is not online/i.test(error.message)) throw error
    return { kind: 'wait', message: `${state.to} has just joined ${state.from}: it is not in step yet.` }
  }
  return { kind: 'wait', message: `${state.from} hands over to ${state.to}.${insteadOf(state)}` }
}

/** Of Sentinels that were asked: before the roles are read, so that who is not busy any more has promoted by then. */
async function watchSentinel(
  context: ActionContext,
  state: FailoverState,
): Promise<{ state: FailoverState; isBusy: boolean | null }> {
  if (state.method !== 'sentinel' || state.sentAt === null) return { state, isBusy: null }
  return { state: await holdWrites(context, state), isBusy: await isSentinelBusy(context, state) }
}

/** By hand and by Sentinels the old primary may be one still: its writes wait. */
function promotedOf(state: FailoverState, primaries: readonly NodeAddress[]): NodeAddress | undefined {
  const isHeld = state.method === 'handover' || (state.method === 'sentinel' && state.sentAt !== null)
  if (primaries.includes(state.from) && !isHeld) return undefined
  return primaries.find((address) => address !== state.from)
}

const isUnderWay = (error: NodeFailure): boolean =>
  error.replyCode === 'INPROG' ||
  /already in progress|when server is a replica|to a replica/i.test(error.message)

function failoverCommand(state: FailoverState): ServerCommand {
  if (state.method === 'cluster') return clusterFailover(state.to)
  return failoverTo(state.from, state.toPlace)
}

/** Of those that answer. */
async function readRoles(
  context: ActionContext,
  state: FailoverState,
): Promise<{ primaries: NodeAddress[]; infos: Map<NodeAddress, InfoReading>; isSure: boolean }> {
  const infos = new Map<NodeAddress, InfoReading>()
  for (const address of [state.from, state.to, ...state.others]) {
    const info = await tryInfo(context, address)
    if (info) infos.set(address, info)
  }
  const primaries = [...infos].filter(([, info]) => info.role === 'primary').map(([address]) => address)
  const isSure = [state.to, ...state.others].every((address) => infos.get(address)?.role === 'replica')
  return { primaries, infos, isSure }
}

/** The new primary is there: everybody else follows it, and nobody else takes writes. */
async function settle(context: ActionContext, state: FailoverState, promoted: NodeAddress): Promise<Outcome> {
  const promotedAt = state.promotedAt ?? context.now()
  const others = [state.to, ...state.others].filter((address) => address !== promoted)
  if (state.promotedAt === null) await context.saveState({ ...state, to: promoted, others, promotedAt })
  if (state.method === 'handover') await finishHandover(context, state)
  if (state.method === 'sentinel' && (await tryInfo(context, state.from)) !== null) {
    await finishHandover(context, state, state.places[promoted])
  }
  const { infos } = await readRoles(context, state)
  const rest = [state.from, ...state.others, state.to].filter((address) => address !== promoted)
  const behind: string[] = []
  for (const address of rest) {
    const info = infos.get(address)
    // Cluster and Sentinel see to their replicas themselves, and may name the new primary in another way.
    const isOurs = state.method === 'failover' || state.method === 'handover'
    const isFollowing = info?.role === 'replica' && (!isOurs || follows(info, state))
    if (isFollowing && info.primary?.linkUp) continue
    behind.push(address)
    if (!isFollowing && isOurs && info && address !== state.from) {
      await sendStep(context, `follow ${address}`, replicaOf(address, state.toPlace))
    }
  }
  const writable = [...infos].filter(([, info]) => info.role === 'primary').map(([address]) => address)
  const why = promoted === state.to ? insteadOf(state) : ''
  const done = `${promoted} is the primary now, ${state.from} was.${why}`
  // They lead the others, and their clients, to it as the last.
  const isBusy = state.method === 'sentinel' && (await isSentinelBusy(context, state)) === true
  if (behind.length === 0 && writable.length === 1 && !isBusy) return { kind: 'finished', message: done }
  if (context.now() - promotedAt > SYNC_MS) {
    const who =
      behind.length === 0
        ? 'The Sentinels are not done yet.'
        : `Not in step with it yet: ${behind.join(', ')}.`
    return { kind: 'finished', message: `${done} ${who}` }
  }
  const who = behind.length === 0 ? 'the Sentinels tell the others' : `${behind.join(', ')} still joins it`
  return { kind: 'wait', message: `${promoted} is the primary; ${who}.` }
}

/** What it waits for the servers come to within seconds, or never. */
async function drain(context: ActionContext): Promise<Outcome> {
  const outcome = await callOff(context)
  if (outcome.kind === 'wait') throw new Ended(outcome)
  return outcome
}

/** A failover that happened stays: its way back is another one. One that has not is called off. */
async function callOff(context: ActionContext): Promise<Outcome> {
  const saved = savedState(context, FailoverState)
  if (saved === null || (saved.sentAt === null && saved.method !== 'handover')) return { kind: 'done' }
  const { state, isBusy } = await watchSentinel(context, saved)
  const { primaries, infos, isSure } = await readRoles(context, state)
  const promoted = promotedOf(state, primaries)
  if (promoted !== undefined) {
    const outcome = await settle(context, state, promoted)
    const message = `The failover had happened; its way back is one to ${state.from}.`
    return outcome.kind === 'finished' ? { kind: 'done', message } : outcome
  }
  if (state.method === 'handover') return await undoHandover(context, state)
  if (state.method === 'sentinel') return await undoSentinels(context, state, { isBusy, isSure })
  const failoverState = infos.get(state.from)?.fields.get('master_failover_state') ?? 'no-failover'
  if (state.method === 'failover' && failoverState !== 'no-failover') {
    await sendStep(context, 'abort', failoverAbort(state.from), (error) => /No failover/i.test(error.message))
    return { kind: 'wait', message: 'The failover is called off.' }
  }
  // FAILOVER shows that it is under way; a cluster's own limit has to pass.
  const isOver = state.method === 'failover' || context.now() - (state.sentAt ?? 0) > RETRY_MS[state.method]
  if (isOver && primaries.length === 1 && primaries[0] === state.from) {
    return { kind: 'done', message: `${state.from} is the primary as before.` }
  }
  return { kind: 'wait', message: 'The servers settle who the primary is.' }
}
