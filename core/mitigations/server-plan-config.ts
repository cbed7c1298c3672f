/** Plans of a changed maxmemory or eviction policy. */
import type { MitigationFacts, MitigationNode } from './facts.ts'
import type { MitigationDraft, Refusal } from './model.ts'
import type { Parameters } from './parameters.ts'
import { configSet, hostPort, isLowered } from './server-commands.ts'
import {
  back,
  EVERY_CHECK,
  GONE,
  looks,
  looksBack,
  looksBefore,
  nodeOf,
  nodesOf,
  type Plan,
  refusal,
  shown,
  unplanned,
} from './server-plans.ts'
import { bytes, list, percent, short } from './words.ts'

const MAX_SHARE_OF_MACHINE = 0.9

export function planConfig(
  facts: MitigationFacts,
  draft: MitigationDraft,
  parameters: Parameters<'set-config'>,
): Plan {
  const own = nodeOf(facts, draft)
  const nodes = draft.target.kind === 'cache' ? nodesOf(facts) : own === null ? [] : [own]
  if (nodes.length === 0) return unplanned(GONE)
  const [name, value] =
    parameters.name === 'maxmemory'
      ? [parameters.name, String(parameters.bytes)]
      : [parameters.name, parameters.policy]
  const look = `CONFIG GET ${name}`
  const before = (node: MitigationNode): string | null =>
    parameters.name === 'maxmemory' ? (node.maxMemoryBytes?.toString() ?? null) : node.maxMemoryPolicy
  const changed = nodes.filter((node) => before(node) !== value)
  if (changed.length === 0) return unplanned(refusal('unchanged', `${name} is ${value} there already.`))
  const was = [...new Set(changed.map((node) => before(node) ?? 'unknown'))]
  return {
    summary: `${name} becomes ${parameters.name === 'maxmemory' ? bytes(parameters.bytes) : value} on ${list(changed.map((node) => node.address))} (before: ${list(was.map((one) => words(name, one)))}).`,
    commands: [
      ...nodes.flatMap(({ address }) => looksBefore(address, 'INFO', look)),
      ...neighboursOf(facts, nodes, parameters).flatMap(({ address }) => looksBefore(address, 'INFO')),
      ...changed.flatMap(({ address }) => [
        shown(configSet(address, name, value)),
        ...looks('once it is set', address, look),
      ]),
      ...changed.flatMap(({ address }) => looks(EVERY_CHECK, address, 'INFO', look)),
      ...changed.flatMap((node) => [
        ...looksBack(node.address, look, ...(mayStay(node, parameters) ? ['INFO'] : [])),
        back(configSet(node.address, name, before(node) ?? '<the value before>')),
      ]),
    ],
    refusals: parameters.name === 'maxmemory' ? refuseMemory(facts, nodes, parameters.bytes) : [],
    warnings:
      parameters.name === 'maxmemory'
        ? [...warnLowered(changed, parameters.bytes), ...warnMemory(changed, parameters.bytes)]
        : [...warnPolicy(changed, parameters.policy), ...notKept(facts, draft)],
    wayBack: `Drained or expired, each node gets the value back that it had, unless somebody else has set another one meanwhile.${changed.some((node) => mayStay(node, parameters)) ? ' One that uses more than that by then keeps this one: the mitigation ends as failed, with the command to run by hand.' : ''} It is not written to redis.conf: a node that restarts has its old value, and gets this one again while the mitigation lasts. What a person sets meanwhile stays.`,
    keepsLoads: true,
  }
}

/** Whether the way back lowers its limit, which is not done below what it uses. */
const mayStay = ({ maxMemoryBytes: before }: MitigationNode, parameters: Parameters<'set-config'>): boolean =>
  parameters.name === 'maxmemory' && (before === null || isLowered(parameters.bytes, before))

/** Servers of the same machines, whose memory counts where a limit is raised. */
function neighboursOf(
  facts: MitigationFacts,
  nodes: MitigationNode[],
  { name }: Parameters<'set-config'>,
): MitigationNode[] {
  if (name !== 'maxmemory') return []
  const hosts = new Set(nodes.map((node) => hostPort(node.address).host))
  return nodesOf(facts).filter((node) => !nodes.includes(node) && hosts.has(hostPort(node.address).host))
}

const words = (name: string, value: string): string =>
  name === 'maxmemory' && value !== 'unknown' ? (value === '0' ? 'no limit' : bytes(Number(value))) : value

function refuseMemory(facts: MitigationFacts, nodes: MitigationNode[], limit: number): Refusal[] {
  const full = nodes.filter((node) => node.usedMemoryBytes !== null && node.usedMemoryBytes > limit)
  const below = full.map((node) =>
    refusal(
      'below-used',
      `${node.address} uses ${bytes(node.usedMemoryBytes ?? 0)}, more than ${bytes(limit)}: keys would be evicted or writes refused at once. Choose more.`,
    ),
  )
  const hosts = new Set(nodes.map((node) => hostPort(node.address).host))
  const beyond = [...hosts].flatMap((host) => {
    const neighbours = nodesOf(facts).filter((node) => hostPort(node.address).host === host)
    const raised = neighbours.some((node) => nodes.includes(node) && (node.maxMemoryBytes ?? 0) < limit)
    const total = neighbours.find((node) => node.systemMemoryBytes !== null)?.systemMemoryBytes ?? null
    const allowed = neighbours.reduce(
      (sum, node) =>
        sum + Math.max(nodes.includes(node) ? limit : (node.maxMemoryBytes ?? 0), node.rssBytes ?? 0),
      0,
    )
    if (!raised || total === null || allowed <= total * MAX_SHARE_OF_MACHINE) return []
    return [
      refusal(
        'no-room',
        `${host} has ${bytes(total)} of memory, and its servers would be allowed ${bytes(allowed)}: more than ${percent(MAX_SHARE_OF_MACHINE)}. Choose less.`,
      ),
    ]
  })
  return [...below, ...beyond]
}

/** One sentence for each policy, of the node with the least room: what happens once the lower limit is reached. */
function warnLowered(nodes: MitigationNode[], limit: number): string[] {
  const lowered = nodes.filter(({ maxMemoryBytes: most }) => most === null || most === 0 || most > limit)
  return [...Map.groupBy(lowered, (node) => node.maxMemoryPolicy)].map(([policy, those]) => {
    const room = ({ usedMemoryBytes: used }: MitigationNode) =>
      used === null ? -1 : Math.max(0, limit - used)
    const [least] = those.toSorted((a, b) => room(a) - room(b))
    const left =
      least === undefined || least.usedMemoryBytes === null
        ? `how much of it is left at ${least?.address ?? 'a node'} is not known`
        : `${least.address} has ${bytes(room(least))} of it left, ${percent(room(least) / limit)}`
    return `The limit is lowered: ${left}. ${onceFull(policy)}`
  })
}

function onceFull(policy: string | null): string {
  if (policy === null) return 'Beyond it keys are evicted or writes are refused: its policy is not known.'
  if (policy === 'noeviction') return 'Beyond it every write is refused with an error (noeviction).'
  return policy.startsWith('volatile')
    ? `Beyond it keys with a time to live are evicted (${policy}), and writes are refused once there is none left.`
    : `Beyond it keys are evicted (${policy}).`
}

function warnMemory(nodes: MitigationNode[], limit: number): string[] {
  const back = nodes.filter((node) => node.maxMemoryBytes !== null && node.maxMemoryBytes !== 0)
  const smallest = Math.min(...back.map((node) => node.maxMemoryBytes ?? 0))
  if (back.length === 0 || smallest >= limit) return []
  return [
    `A node that uses more than ${bytes(smallest)} at the end keeps the new value: the old one would evict keys or refuse writes.`,
  ]
}

/** What each policy may delete once memory is full. */
function warnPolicy(nodes: MitigationNode[], policy: string): string[] {
  const keys = sum(nodes, (node) => (node.role === 'replica' ? 0 : node.keys))
  const expires = sum(nodes, (node) => (node.role === 'replica' ? 0 : node.expires))
  if (policy === 'noeviction')
    return ['Once memory is full every write is refused with an error; nothing is deleted.']
  if (policy.startsWith('volatile')) {
    const only = expires === null ? 'Only keys' : `Only the ${short(expires)} keys`
    const none = expires === 0 ? ' There is none: writes would be refused as with noeviction.' : ''
    return [`${only} with a time to live can be deleted once memory is full.${none}`]
  }
  const kept = keys === null || expires === null ? null : Math.max(0, keys - expires)
  return [
    `Any key can be deleted once memory is full${kept === null ? '' : `, the ${short(kept)} without a time to live included`}. What has no other source is lost then.`,
  ]
}

function sum(nodes: MitigationNode[], of: (node: MitigationNode) => number | null): number | null {
  return nodes.map(of).reduce((all, one) => (all === null || one === null ? null : all + one), 0)
}

function notKept(facts: MitigationFacts, draft: MitigationDraft): string[] {
  return draft.target.kind === 'node' && facts.shards.some((shard) => shard.nodes.length > 1)
    ? ['Replicas keep their own value: after a failover that one counts.']
    : []
}
