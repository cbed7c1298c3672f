/**
 * Switches an ACL user off on every node and ends its connections. Its passwords and rights stay as they are; the way
 * back switches it on where it was on.
 */
import { z } from 'zod'
import { type Observed, ObservedUser } from '../../../core/mitigations/observed.ts'
import type { Parameters } from '../../../core/mitigations/parameters.ts'
import { ACL_LOG_LENGTH, killUser, userOff, userOn } from '../../../core/mitigations/server-commands.ts'
import { list } from '../../../core/mitigations/words.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import { type ClientLine, isSentinelName, opsPerSecOf, parseClientList } from './client-list.ts'
import { eachNode, leftOver } from './each-node.ts'
import {
  allNodes,
  fail,
  readInfo,
  refuse,
  savedState,
  send,
  sendStep,
  serverAction,
  tryInfo,
} from './server-action.ts'

const State = z.object({
  /** Where the user was on, and is switched off. */
  nodes: z.array(z.string()),
  /** The process that was last seen, by node: another one has its users from a file. */
  runIds: z.record(z.string(), z.string().nullable()),
  checkedAt: z.number(),
  /** Times that a node was found with the user on again. */
  rounds: z.number(),
  /** null: not told. */
  before: ObservedUser.nullable().default(null),
})

/** A node that was restarted, or joined, has its user from a file. */
const CHECK_MS = 10_000

export function denyUser(): Action {
  return serverAction({ prepare, activate, watch, drain, observe })
}

const usernameOf = (context: ActionContext): string =>
  (context.mitigation.parameters as Parameters<'deny-user'>).username

async function prepare(context: ActionContext): Promise<Outcome> {
  const username = usernameOf(context)
  const ours = [context.cache.username ?? 'default', context.cache.mitigations.username]
  if (ours.includes(username)) {
    refuse(`${username} is whom Cachescope signs in as: it would shut itself out, and could not undo it.`)
  }
  if (context.cache.mitigations.username === null && context.cache.mitigations.password !== null) {
    if (username === 'default') refuse('default is whom Cachescope signs in as to change something.')
  }
  const nodes: NodeAddress[] = []
  const runIds: Record<NodeAddress, string | null> = {}
  const seen: Seen[] = []
  for (const { address, role } of allNodes(context)) {
    if (role === 'replica') await refuseReplicationUser(context, address, username)
    seen.push({
      clients: await refuseSentinelUser(context, address, username),
      refusals: await readRefusals(context, address, username),
    })
    runIds[address] = (await readInfo(context, address)).runId
    if ((await stateOf(context, address, username)) === 'on') nodes.push(address)
  }
  if (nodes.length === 0) refuse(`No node has a user ${username} that is on.`)
  await context.saveState({ nodes, runIds, checkedAt: 0, rounds: 0, before: observedOf(seen) })
  return { kind: 'done' }
}

type Seen = { clients: ClientLine[] | null; refusals: number | null }

/** Of all nodes; null where one of them does not tell who is connected. */
function observedOf(seen: readonly Seen[]): z.infer<typeof ObservedUser> | null {
  const clients = seen.map((node) => node.clients).filter((one) => one !== null)
  if (clients.length < seen.length) return null
  const refusals = seen.map((node) => node.refusals)
  return {
    connections: clients.flat().length,
    opsPerSec: opsPerSecOf(clients.flat()),
    refusals: refusals.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0),
  }
}

/** Two looks at each node for each window after: who is connected, and who was refused. */
async function observe(context: ActionContext, when: 'before' | 'after'): Promise<Observed | null> {
  const before = savedState(context, State)?.before ?? null
  if (when === 'before' || before === null) return before === null ? null : { user: before }
  const username = usernameOf(context)
  const seen: Seen[] = []
  for (const { address } of allNodes(context)) {
    const text = await send(context, address, 'CLIENT', 'LIST').catch(unlessDenied)
    const clients = text === null ? null : parseClientList(String(text))
    seen.push({
      clients: clients?.filter((one) => one.get('user') === username) ?? null,
      refusals: await readRefusals(context, address, username),
    })
  }
  const user = observedOf(seen)
  return user === null ? null : { user }
}

/** Sign-ins as the user that a node has refused, of the last ones that it keeps; null where we may not ask. */
async function readRefusals(
  context: ActionContext,
  address: NodeAddress,
  username: string,
): Promise<number | null> {
  const reply = await send(context, address, 'ACL', 'LOG', ACL_LOG_LENGTH).catch(unlessDenied)
  if (!Array.isArray(reply)) return null
  return reply
    .filter((entry) => Array.isArray(entry))
    .map((entry) => (name: string) => String(entry[entry.indexOf(name) + 1]))
    .filter((field) => field('reason') === 'auth' && field('username') === username)
    .reduce((sum, field) => sum + (Number(field('count')) || 0), 0)
}

/** The user that replicas sign in with at their primary. */
async function refuseReplicationUser(
  context: ActionContext,
  replica: NodeAddress,
  username: string,
): Promise<void> {
  const reply = await send(context, replica, 'CONFIG', 'GET', 'masteruser').catch(unlessDenied)
  if (!Array.isArray(reply)) {
    refuse(
      `${replica} does not tell as whom it signs in at its primary, and ${username} may be that. Allow CONFIG GET (docs/permissions.md).`,
    )
  } else if ((String(reply[1] ?? '') || 'default') === username) {
    refuse(`${replica} signs in at its primary as ${username}: replication would end.`)
  }
}

/**
 * Sentinels that cannot sign in any more take the node for dead: of a primary, they would promote another.
 * @returns the user's connections; null where the node does not tell
 */
async function refuseSentinelUser(
  context: ActionContext,
  address: NodeAddress,
  username: string,
): Promise<ClientLine[] | null> {
  const text = await send(context, address, 'CLIENT', 'LIST').catch(unlessDenied)
  if (text === null) {
    // Sentinels watch no cluster.
    if (context.cache.kind === 'cluster') return null
    refuse(
      `${address} does not tell who is connected, and the Sentinels may sign in as ${username}. Allow CLIENT LIST (docs/permissions.md).`,
    )
  }
  const clients = parseClientList(String(text))
  if (clients.some((one) => isSentinelName(one.get('name') ?? '') && one.get('user') === username)) {
    refuse(`The Sentinels sign in at ${address} as ${username}: they would take it for dead.`)
  }
  return text === null ? null : clients.filter((one) => one.get('user') === username)
}

function unlessDenied(error: unknown): null {
  if (error instanceof NodeFailure && error.replyCode === 'NOPERM') return null
  throw error
}

/** The reply of ACL GETUSER holds hashes of passwords: nothing of it but the flags leaves this function. */
async function stateOf(
  context: ActionContext,
  address: NodeAddress,
  username: string,
): Promise<'on' | 'off' | 'absent'> {
  const reply = await send(context, address, 'ACL', 'GETUSER', username)
  if (!Array.isArray(reply)) return 'absent'
  const flags: unknown = reply[reply.indexOf('flags') + 1]
  return Array.isArray(flags) && flags.map(String).includes('on') ? 'on' : 'off'
}

async function activate(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State) ?? fail('It was not prepared.')
  const username = usernameOf(context)
  const round = state.rounds === 0 ? '' : ` (${state.rounds + 1})`
  const left = await eachNode(state.nodes, async (address) => {
    if ((await stateOf(context, address, username)) === 'absent') return
    await sendStep(context, `off ${address}${round}`, userOff(address, username))
    await sendStep(context, `disconnect ${address}${round}`, killUser(address, username))
  })
  if (left[0] !== undefined) throw left[0].error
  for (const address of state.nodes) {
    if ((await stateOf(context, address, username)) === 'on') {
      await context.saveState({ ...state, rounds: state.rounds + 1 })
      return { kind: 'wait', message: `${address} has ${username} on again.` }
    }
  }
  await context.saveState({ ...state, checkedAt: context.now() })
  const count = state.nodes.length
  return { kind: 'done', message: `${username} is off on ${count} ${count === 1 ? 'node' : 'nodes'}.` }
}

async function watch(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State) ?? fail('It was not prepared.')
  const username = usernameOf(context)
  const message = `${username} is off.`
  if (context.now() - state.checkedAt < CHECK_MS) return { kind: 'wait', message }
  const nodes: NodeAddress[] = []
  const byHand: NodeAddress[] = []
  const runIds = { ...state.runIds }
  for (const { address } of allNodes(context)) {
    // Before the user: of a restart in between the next look learns.
    const info = await tryInfo(context, address)
    if (info === null) continue
    const is = await stateOf(context, address, username).catch(away)
    if (is === null) continue
    const isKnown = Object.hasOwn(state.runIds, address) && state.runIds[address] === info.runId
    if (is === 'on') (isKnown ? byHand : nodes).push(address)
    // Killed in between, it is off there and its connections are not ended.
    else if (is === 'off' && !isKnown && state.nodes.includes(address)) nodes.push(address)
    runIds[address] = info.runId
  }
  const next = { ...state, checkedAt: context.now() }
  const kept = byHand.length > 0 ? ` Somebody has switched it on at ${list(byHand)}: it stays.` : ''
  if (nodes.length === 0) {
    await context.saveState({ ...next, runIds })
    return { kind: 'wait', message: `${message}${kept}` }
  }
  // Written before it is done: the way back must know every node.
  const again = { ...next, nodes: [...new Set([...state.nodes, ...nodes])], rounds: state.rounds + 1 }
  await context.saveState(again)
  for (const address of nodes) {
    await sendStep(context, `off ${address} (${again.rounds + 1})`, userOff(address, username))
    await sendStep(context, `disconnect ${address} (${again.rounds + 1})`, killUser(address, username))
  }
  // Not before it is off: whoever goes on after a kill must see that the process is another.
  await context.saveState({ ...again, runIds })
  return {
    kind: 'wait',
    message: `${message} Its connections were ended again at ${list(nodes)}, which came back or joined.${kept}`,
  }
}

async function drain(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State)
  const username = usernameOf(context)
  const members = new Set(allNodes(context).map(({ address }) => address))
  const left = await eachNode(state?.nodes ?? [], async (address) => {
    // One that left the cache is nobody's business any more.
    if (!members.has(address) || (await stateOf(context, address, username)) !== 'off') return
    await sendStep(context, `on ${address}`, userOn(address, username))
  })
  return (
    leftOver(context, left, `${username} is off`) ?? { kind: 'done', message: `${username} is on again.` }
  )
}

function away(error: unknown): null {
  if (error instanceof NodeFailure && error.replyCode === null) return null
  throw error
}
