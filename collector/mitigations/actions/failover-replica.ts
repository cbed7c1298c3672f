/** Whom a failover promotes: one that is in step, as its primary and it say themselves. */
import type { Parameters } from '../../../core/mitigations/parameters.ts'
import { hostPort } from '../../../core/mitigations/server-commands.ts'
import type { NodeAddress, TopologyShard } from '../../../core/sample.ts'
import type { InfoReading } from '../../sources/info.ts'
import type { ActionContext } from '../action.ts'
import type { FailoverState } from './failover-state.ts'
import { bytesText, field, refuse, targetNode, tryInfo } from './server-action.ts'

/** What a replica may be behind: more would keep writers waiting, or time out. */
const MAX_GAP_BYTES = 1_048_576
const MAX_SILENCE_SECONDS = 10

/** The replica's line at its primary, told by the port: behind an address translation the hosts differ. */
export function knownAs(primary: InfoReading, replica: InfoReading): NodeAddress | null {
  const port = field(replica, 'tcp_port')
  const lines = primary.replicas.filter((line) => hostPort(line.address).port === port)
  return lines.length === 1 ? (lines[0]?.address ?? null) : null
}

export async function readPlaces(
  context: ActionContext,
  primary: InfoReading,
  replicas: readonly NodeAddress[],
): Promise<FailoverState['places']> {
  const places: FailoverState['places'] = {}
  for (const address of replicas) {
    const isKnown = primary.replicas.some((line) => line.address === address)
    const info = isKnown ? null : await tryInfo(context, address)
    places[address] = hostPort((info && knownAs(primary, info)) ?? address)
  }
  return places
}

export function chosenReplica(context: ActionContext): NodeAddress | null {
  const { toNodeId } = context.mitigation.parameters as Parameters<'failover'>
  return toNodeId === null ? null : targetNode(context, toNodeId).address
}

/** Whom the preview has named: who asked for it has seen that one. */
function shownReplica(context: ActionContext): NodeAddress | null {
  const promotes = context.mitigation.preview?.promotes ?? null
  return promotes === null ? null : (context.nodeAddresses.get(promotes.nodeId) ?? promotes.address)
}

/** Where nobody was chosen: the one that was shown, as long as the guards let it pass. */
export async function chooseReplica(
  context: ActionContext,
  shard: TopologyShard,
  primary: InfoReading,
): Promise<{ address: NodeAddress; info: InfoReading; instead: string | null }> {
  const chosen = chosenReplica(context)
  const shownOne = chosen === null ? shownReplica(context) : null
  const replicas = shard.nodes.filter((node) => node.role === 'replica').map((node) => node.address)
  if (chosen !== null && !replicas.includes(chosen)) refuse(`${chosen} is no replica of this shard.`)
  if (replicas.length === 0) refuse('The shard has no replica: there is nobody to promote. Add one first.')
  const offset = field(primary, 'master_repl_offset') ?? 0
  const problems = new Map<NodeAddress, string>()
  const fit: { address: NodeAddress; info: InfoReading; gap: number; priority: number }[] = []
  for (const address of chosen === null ? replicas : [chosen]) {
    const info = await tryInfo(context, address)
    const gap = info === null ? 0 : Math.max(0, offset - (field(info, 'slave_repl_offset') ?? 0))
    const problem = problemOf(address, info, gap)
    if (problem !== null || info === null) problems.set(address, problem ?? '')
    else fit.push({ address, info, gap, priority: field(info, 'slave_priority') ?? 100 })
  }
  const [first] = fit.sort((a, b) => a.priority - b.priority || a.gap - b.gap)
  const best = fit.find(({ address }) => address === shownOne) ?? first
  if (best === undefined) return refuse(`No replica is in step. ${[...problems.values()].join(' ')}`)
  if (shownOne === null || best.address === shownOne) return { ...best, instead: null }
  const why = problems.get(shownOne) ?? `${shownOne} is no replica of the shard any more.`
  return { ...best, instead: `It is another one than was shown: ${why}` }
}

function problemOf(address: NodeAddress, info: InfoReading | null, gap: number): string | null {
  if (info === null) return `${address} does not answer.`
  if (info.role !== 'replica') return `${address} is no replica now.`
  if (info.primary?.linkUp !== true) return `${address} has lost its primary.`
  if (info.fields.get('master_sync_in_progress') === '1') return `${address} still copies the data.`
  if (info.fields.get('slave_priority') === '0') return `${address} is set never to be promoted.`
  if ((field(info, 'master_last_io_seconds_ago') ?? 0) > MAX_SILENCE_SECONDS) {
    return `${address} has not heard of its primary for ${MAX_SILENCE_SECONDS} s.`
  }
  return gap > MAX_GAP_BYTES ? `${address} is ${bytesText(gap)} behind; wait until it has caught up.` : null
}
