/** What the plans of the actions on servers have in common. */

import type { NodeAddress } from '../sample.ts'
import { isPrimary, type MitigationFacts, type MitigationNode, type MitigationShard } from './facts.ts'
import type { MitigationDraft, Preview, Refusal } from './model.ts'
import { commandText, type ServerCommand } from './server-commands.ts'

export type Plan = Pick<Preview, 'summary' | 'commands' | 'refusals' | 'warnings' | 'wayBack'> & {
  /** Each shard serves what it served before. */
  keepsLoads: boolean
  promotes?: Preview['promotes']
}

export function unplanned(...refusals: Refusal[]): Plan {
  return {
    summary: 'It cannot be done.',
    commands: [],
    refusals,
    warnings: [],
    wayBack: 'Nothing is done, so there is nothing to undo.',
    keepsLoads: false,
  }
}

export const refusal = (id: string, message: string): Refusal => ({ id, message, overridable: false })

export const shown = ({ node, words }: ServerCommand): Preview['commands'][number] => ({
  node,
  command: commandText(words),
})

export const nodesOf = (facts: MitigationFacts): MitigationNode[] =>
  facts.shards.flatMap((shard) => shard.nodes)

export const primaryOfShard = (shard: MitigationShard): MitigationNode | null =>
  shard.nodes.find((node) => isPrimary(node) && node.state === 'up') ?? shard.nodes.find(isPrimary) ?? null

/** How often, where it is not once and to do it. */
const BEFORE = 'before'
export const UNTIL_OVER = 'twice a second until it is over'
export const EVERY_CHECK = 'every 10 s'
/** Of the two windows that the verdict is made from. */
export const FOR_VERDICT = 'after each window of the verdict'
const WAY_BACK = 'the way back'

/** What only looks: it changes nothing. */
export const looks = (how: string, node: NodeAddress, ...commands: string[]): Preview['commands'] =>
  commands.map((command) => when(how, { node, command }))
export const looksBefore = (node: NodeAddress, ...commands: string[]) => looks(BEFORE, node, ...commands)
export const looksBack = (node: NodeAddress, ...commands: string[]) => looks(WAY_BACK, node, ...commands)

/** Of every connection that an action opens. */
export const CONNECTING: Preview['commands'] = [
  'AUTH <user> <password>, where they are configured',
  'CLIENT SETNAME cachescope',
  'CLIENT INFO',
].map((command) => ({ node: 'each node, on connecting', command }))

/** A command as it is sent by the way back, and only then. */
export const back = (command: ServerCommand): Preview['commands'][number] => when(WAY_BACK, shown(command))

/** `10.0.0.1:7000, every 10 s` */
export const when = (
  how: string,
  { node, command }: Preview['commands'][number],
): Preview['commands'][number] => ({ node: `${node}, ${how}`, command })

/** The shard that a draft is aimed at. */
export function shardOf(facts: MitigationFacts, draft: MitigationDraft): MitigationShard | null {
  const { target } = draft
  if (target.kind !== 'shard') return null
  return facts.shards.find(({ shardId }) => shardId === target.shardId) ?? null
}

/** The node that a draft is aimed at. */
export function nodeOf(facts: MitigationFacts, draft: MitigationDraft): MitigationNode | null {
  const { target } = draft
  return target.kind === 'node'
    ? (nodesOf(facts).find(({ nodeId }) => nodeId === target.nodeId) ?? null)
    : null
}

export const GONE = refusal('gone', 'It is not part of the cache any more. Choose what the cache page shows.')

export function down(node: MitigationNode): Refusal {
  return refusal('node-down', `${node.address} does not answer now (${node.state}). Bring it back first.`)
}

/** Whether its version is known to be at least that. */
export function isAtLeast(node: MitigationNode, engine: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = (node.version ?? '').split('.').map(Number)
  return node.engine === engine && (a > major || (a === major && b >= minor))
}

/** Every Valkey began as a Redis 7.2. */
export const isRedisAtLeast = (node: MitigationNode, major: number, minor: number): boolean =>
  isAtLeast(node, 'redis', major, minor) || (node.engine === 'valkey' && major <= 7)
