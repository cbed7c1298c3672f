/** maxmemory or maxmemory-policy of running servers; the value before is kept, and put back at the end. Never CONFIG REWRITE. */
import { z } from 'zod'
import type { Parameters } from '../../../core/mitigations/parameters.ts'
import { commandText, configSet, hostPort, isLowered } from '../../../core/mitigations/server-commands.ts'
import { list } from '../../../core/mitigations/words.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { InfoReading } from '../../sources/info.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import { eachNode, leftOver } from './each-node.ts'
import {
  allNodes,
  bytesText,
  fail,
  field,
  readInfo,
  refuse,
  savedState,
  send,
  sendStep,
  serverAction,
  targetNode,
  tryInfo,
} from './server-action.ts'

const State = z.object({
  name: z.string(),
  value: z.string(),
  /** What was there before, by node. */
  previous: z.record(z.string(), z.string()),
  /** The process that was last seen with the value, by node: another one has forgotten it. */
  runIds: z.record(z.string(), z.string().nullable()),
  checkedAt: z.number(),
  rounds: z.number(),
  /** Where somebody has set another value, at the last look. */
  byHand: z.array(z.string()),
})
type State = z.infer<typeof State>

/** Of a machine's memory that its servers may be allowed together. */
const MAX_SHARE_OF_MACHINE = 0.9
/** A restarted server has its old value again. */
const CHECK_MS = 10_000

export function setConfig(): Action {
  return serverAction({ prepare, activate, watch, drain })
}

function wanted(context: ActionContext): { name: string; value: string } {
  const parameters = context.mitigation.parameters as Parameters<'set-config'>
  return parameters.name === 'maxmemory'
    ? { name: parameters.name, value: String(parameters.bytes) }
    : { name: parameters.name, value: parameters.policy }
}

function targets(context: ActionContext): NodeAddress[] {
  const { target } = context.mitigation
  return target.kind === 'node'
    ? [targetNode(context, target.nodeId).address]
    : allNodes(context).map(({ address }) => address)
}

async function prepare(context: ActionContext): Promise<Outcome> {
  const { name, value } = wanted(context)
  const addresses = targets(context)
  const infos = new Map<NodeAddress, InfoReading>()
  const previous: Record<NodeAddress, string> = {}
  for (const address of addresses) {
    infos.set(address, await readInfo(context, address))
    const before = await readValue(context, address, name)
    if (before !== value) previous[address] = before
  }
  if (Object.keys(previous).length === 0) refuse(`${name} is ${value} there already.`)
  if (name === 'maxmemory') {
    checkLowering(infos, Number(value))
    await checkMachines(context, infos, previous, Number(value))
  }
  const runIds = Object.fromEntries(Object.keys(previous).map((one) => [one, infos.get(one)?.runId ?? null]))
  const state: State = { name, value, previous, runIds, checkedAt: 0, rounds: 0, byHand: [] }
  await context.saveState(state)
  return { kind: 'done' }
}

function checkLowering(infos: ReadonlyMap<NodeAddress, InfoReading>, bytes: number): void {
  for (const [address, info] of infos) {
    const used = field(info, 'used_memory') ?? refuse(`${address} does not tell its memory.`)
    if (bytes < used) {
      refuse(
        `${address} uses ${bytesText(used)}, more than ${bytesText(bytes)}: keys would be evicted or writes refused at once.`,
      )
    }
  }
}

/** What all of them on one machine may take together, those that are not aimed at included as they are. */
async function checkMachines(
  context: ActionContext,
  infos: ReadonlyMap<NodeAddress, InfoReading>,
  previous: Readonly<Record<NodeAddress, string>>,
  bytes: number,
): Promise<void> {
  const raised = Object.entries(previous).filter(([, before]) => before !== '0' && Number(before) < bytes)
  for (const host of new Set(raised.map(([address]) => hostPort(address).host))) {
    const neighbours = allNodes(context).filter(({ address }) => hostPort(address).host === host)
    let total: number | null = null
    let allowed = 0
    for (const { address } of neighbours) {
      const info = infos.get(address) ?? (await readInfo(context, address))
      total ??= field(info, 'total_system_memory')
      const rss = field(info, 'used_memory_rss') ?? 0
      allowed += infos.has(address) ? Math.max(bytes, rss) : Math.max(field(info, 'maxmemory') ?? 0, rss)
    }
    if (total === null) refuse(`${host} does not tell how much memory it has, so there may be no room.`)
    else if (allowed > total * MAX_SHARE_OF_MACHINE) {
      refuse(
        `${host} has ${bytesText(total)}, and its servers would be allowed ${bytesText(allowed)}: more than ${MAX_SHARE_OF_MACHINE * 100}%.`,
      )
    }
  }
}

async function readValue(context: ActionContext, address: NodeAddress, name: string): Promise<string> {
  const reply = await send(context, address, 'CONFIG', 'GET', name)
  const value: unknown = Array.isArray(reply) ? reply[1] : undefined
  return value === undefined ? refuse(`${address} does not know ${name}.`) : String(value)
}

async function activate(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State) ?? fail('It was not prepared.')
  await apply(context, state, Object.keys(state.previous))
  for (const address of Object.keys(state.previous)) {
    const value = await readValue(context, address, state.name)
    if (value !== state.value) return fail(`${address} has ${state.name} ${value} after it was set.`)
  }
  await context.saveState({ ...state, checkedAt: context.now() })
  return { kind: 'done', message: `${state.name} is ${state.value}.` }
}

async function apply(context: ActionContext, state: State, addresses: readonly NodeAddress[]): Promise<void> {
  const round = state.rounds === 0 ? '' : ` (${state.rounds + 1})`
  const left = await eachNode(addresses, async (address) => {
    await sendStep(context, `set ${address}${round}`, configSet(address, state.name, state.value))
  })
  if (left[0] !== undefined) throw left[0].error
}

/** What a person sets is left alone, the old value included; one that came back with a restart is set again. */
async function watch(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State) ?? fail('It was not prepared.')
  if (context.now() - state.checkedAt < CHECK_MS) return { kind: 'wait', message: messageOf(state) }
  const lost: NodeAddress[] = []
  const byHand: NodeAddress[] = []
  const runIds = { ...state.runIds }
  for (const [address, before] of Object.entries(state.previous)) {
    // Before the value: of a restart in between the next look learns.
    const info = await tryInfo(context, address)
    if (info === null) continue
    const value = await readValue(context, address, state.name).catch(away)
    if (value === null) continue
    if (value !== state.value && info.runId === state.runIds[address]) byHand.push(address)
    else if (value === before) lost.push(address)
    runIds[address] = info.runId
  }
  const rounds = state.rounds + (lost.length > 0 ? 1 : 0)
  const next = { ...state, byHand, checkedAt: context.now(), rounds }
  await context.saveState(next)
  await apply(context, next, lost)
  // Not before it is set: whoever goes on after a kill must see that the process is another.
  await context.saveState({ ...next, runIds })
  return { kind: 'wait', message: messageOf(next) }
}

function messageOf(state: State): string {
  const kept =
    state.byHand.length > 0 ? ` Somebody has set another value on ${list(state.byHand)}: it stays.` : ''
  return `${state.name} is ${state.value}.${kept}`
}

async function drain(context: ActionContext): Promise<Outcome> {
  const state = savedState(context, State)
  if (state === null) return { kind: 'done' }
  const members = new Set(allNodes(context).map(({ address }) => address))
  const others: NodeAddress[] = []
  const full: string[] = []
  const left = await eachNode(Object.keys(state.previous), async (address) => {
    if (!members.has(address)) return
    const before = state.previous[address] ?? state.value
    const value = await readValue(context, address, state.name)
    if (value !== state.value) {
      if (value !== before) others.push(address)
      return
    }
    const back = configSet(address, state.name, before)
    const used = await usedBeyond(context, address, state, before)
    if (used === null) await sendStep(context, `back ${address}`, back)
    else full.push(`${address} uses ${bytesText(used)}: ${commandText(back.words)} there once it uses less.`)
  })
  const rest = leftOver(context, left, `${state.name} is ${state.value}`)
  if (rest?.kind === 'wait') return rest
  if (full.length > 0) {
    const why = `${state.name} stays ${state.value}, for the value before would evict keys or refuse writes.`
    const given = rest === null ? '' : ` ${rest.message}`
    return fail(`${why} ${full.join(' ')}${given}`)
  }
  if (rest !== null) return rest
  const kept =
    others.length > 0 ? ` Somebody else has set another value on ${others.join(', ')}: it stays.` : ''
  return { kind: 'done', message: `${state.name} is as it was before.${kept}` }
}

/** What a node uses where its limit before is lower than that; null where it may have that limit back. */
async function usedBeyond(
  context: ActionContext,
  address: NodeAddress,
  { name, value }: State,
  before: string,
): Promise<number | null> {
  if (name !== 'maxmemory' || !isLowered(Number(value), Number(before))) return null
  const used =
    field(await readInfo(context, address), 'used_memory') ?? fail(`${address} does not tell its memory.`)
  return used > Number(before) ? used : null
}

function away(error: unknown): null {
  if (error instanceof NodeFailure && error.replyCode === null) return null
  throw error
}
