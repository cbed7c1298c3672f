/** What the actions on servers have in common: whom they are aimed at, how they send, what an error means. */
import type { z } from 'zod'
import { findConflict } from '../../../core/mitigations/conflicts.ts'
import { commandText, type ServerCommand } from '../../../core/mitigations/server-commands.ts'
import type { NodeAddress, TopologyNode, TopologyShard } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { CommandArgument } from '../../connection/node-connection.ts'
import { type InfoReading, infoSource, numberField } from '../../sources/info.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import { Halted } from '../halted.ts'
import { Obstacles } from './give-up.ts'

/** Ends the phase's method with an outcome, from however deep. */
export class Ended extends Error {
  override readonly name = 'Ended'
  readonly outcome: Outcome

  constructor(outcome: Outcome) {
    super('message' in outcome ? outcome.message : outcome.kind)
    this.outcome = outcome
  }
}
export const refuse = (message: string): never => {
  throw new Ended({ kind: 'refused', message })
}
export const fail = (message: string): never => {
  throw new Ended({ kind: 'failed', message })
}

type Methods = Pick<Action, 'prepare' | 'activate' | 'watch' | 'drain' | 'observe'>

/**
 * An action whose every connection is the context's. A node that does not answer refuses what is only prepared, and is
 * waited for once something may have been changed; one that answers with an error ends it. Of a drain what it throws
 * stands in its way, and what it returns is its work, which takes its time.
 */
export function serverAction(methods: Methods): Action {
  const obstacles = new Obstacles()
  return {
    prepare: (context) =>
      attempt(async () => {
        refuseConflict(context)
        return await methods.prepare(context)
      }, 'refused'),
    activate: (context) => attempt(() => methods.activate(context), 'failed'),
    watch: (context) => attempt(() => methods.watch(context), 'wait'),
    async drain(context) {
      try {
        const outcome = await methods.drain(context)
        obstacles.forget(context.mitigation.mitigationId)
        return outcome
      } catch (error) {
        const outcome = outcomeOf(error, 'wait')
        return outcome.kind === 'wait' ? obstacles.meet(context, outcome.message) : outcome
      }
    },
    async observe(context, when) {
      try {
        return (await methods.observe?.(context, when)) ?? null
      } catch (error) {
        if (error instanceof NodeFailure) return null
        throw error
      }
    },
    async stop(mitigationId) {
      obstacles.forget(mitigationId)
    },
  }
}

/** Of two that were asked for at once, the later one. */
function refuseConflict(context: ActionContext): void {
  const { mitigation, others, topology, shardOrdinals, nodeAddresses } = context
  const conflict = findConflict(
    mitigation,
    others.filter(({ mitigationId }) => mitigationId < mitigation.mitigationId),
    (target) => {
      if (target.kind === 'shard') return shardOrdinals.get(target.shardId) ?? null
      if (target.kind !== 'node') return null
      const address = nodeAddresses.get(target.nodeId)
      return (
        topology.shards.find(({ nodes }) => nodes.some((node) => node.address === address))?.ordinal ?? null
      )
    },
  )
  if (conflict !== null) refuse(conflict.message)
}

type OnReply = 'refused' | 'failed' | 'wait'

async function attempt(run: () => Promise<Outcome>, onReply: OnReply): Promise<Outcome> {
  try {
    return await run()
  } catch (error) {
    return outcomeOf(error, onReply)
  }
}

/** @throws what is neither an end nor a node's failure */
function outcomeOf(error: unknown, onReply: OnReply): Outcome {
  if (error instanceof Ended) return error.outcome
  if (!(error instanceof NodeFailure)) throw error
  const isAnswer = error.replyCode !== null && !isTransient(error)
  return { kind: isAnswer || onReply === 'refused' ? onReply : 'wait', message: error.message }
}

const TRANSIENT = new Set(['LOADING', 'BUSY', 'CLUSTERDOWN', 'TRYAGAIN', 'MASTERDOWN', 'IOERR'])
function isTransient(error: NodeFailure): boolean {
  return TRANSIENT.has(error.replyCode ?? '')
}

/** One command. @throws NodeFailure, for a right that is missing with the command that it is missing for */
export async function send(
  context: ActionContext,
  address: NodeAddress,
  command: string,
  ...args: CommandArgument[]
): Promise<unknown> {
  return await guarded(context, address, 0, command, args, (node) => node.call(command, ...args))
}

/** The same to one database, with bytes in the reply. */
export async function sendBuffer(
  context: ActionContext,
  address: NodeAddress,
  db: number,
  command: string,
  ...args: CommandArgument[]
): Promise<unknown> {
  return await guarded(context, address, db, command, args, (node) => node.callBuffer(command, ...args))
}

async function guarded(
  context: ActionContext,
  address: NodeAddress,
  db: number,
  command: string,
  args: CommandArgument[],
  run: (node: Awaited<ReturnType<ActionContext['node']>>) => Promise<unknown>,
): Promise<unknown> {
  if (context.signal.aborted) throw new Halted()
  const node = await context.node(address, db)
  try {
    return await run(node)
  } catch (error) {
    if (!(error instanceof NodeFailure) || error.replyCode !== 'NOPERM') throw error
    const sub = /^(CLIENT|CLUSTER|CONFIG|ACL|SENTINEL|FAILOVER)$/.test(command) ? ` ${String(args[0])}` : ''
    const message = `The user may not run ${command}${sub} at ${address}. Give it the rights of docs/permissions.md.`
    throw new NodeFailure({ state: 'denied', message }, 'NOPERM')
  }
}

/** A command that changes something: written first, then sent, then its result is written. */
export async function sendStep(
  context: ActionContext,
  name: string,
  { node, words }: ServerCommand,
  tolerate: (error: NodeFailure) => boolean = () => false,
): Promise<unknown> {
  return await context.step({ name, node, command: commandText(words) }, async () => {
    const [command = '', ...args] = words
    try {
      return await send(context, node, command, ...args)
    } catch (error) {
      if (error instanceof NodeFailure && tolerate(error)) return null
      throw error
    }
  })
}

export async function readInfo(context: ActionContext, address: NodeAddress): Promise<InfoReading> {
  const text = await send(context, address, 'INFO')
  const info = infoSource.parse(String(text))
  if (info.loading) {
    throw new NodeFailure(
      { state: 'loading', message: `${address} is reading its data from disk.` },
      'LOADING',
    )
  }
  return info
}

/** null where it does not answer. */
export async function tryInfo(context: ActionContext, address: NodeAddress): Promise<InfoReading | null> {
  try {
    return await readInfo(context, address)
  } catch (error) {
    if (error instanceof NodeFailure && error.replyCode !== 'NOPERM') return null
    throw error
  }
}

/** `7.0.15` against 6.2: whether it is at least that. */
export function isAtLeast(info: Pick<InfoReading, 'fields'>, major: number, minor: number): boolean {
  const [a = 0, b = 0] = (info.fields.get('redis_version') ?? '').split('.').map(Number)
  return a > major || (a === major && b >= minor)
}

/** @throws Ended as refused when the shard is not there any more */
export function targetShard(context: ActionContext): TopologyShard {
  const { target } = context.mitigation
  const ordinal = target.kind === 'shard' ? context.shardOrdinals.get(target.shardId) : undefined
  const shard = context.topology.shards.find((one) => one.ordinal === ordinal)
  return shard ?? refuse('The shard is not part of the cache any more. Choose one that the cache page shows.')
}

/** @throws Ended as refused when the node is not there any more */
export function targetNode(context: ActionContext, nodeId: number): TopologyNode {
  const address = context.nodeAddresses.get(nodeId)
  const node = allNodes(context).find((one) => one.address === address)
  return node ?? refuse('The node is not part of the cache any more. Choose one that the cache page shows.')
}

export const allNodes = (context: ActionContext): TopologyNode[] =>
  context.topology.shards.flatMap((shard) => shard.nodes)

export function primaryAddress(shard: TopologyShard): NodeAddress {
  const primary = shard.nodes.find((node) => node.role === 'primary')
  return primary?.address ?? refuse(`Shard ${shard.ordinal} has no primary now.`)
}

/** What the action saved; null at first. */
export function savedState<T>(context: ActionContext, schema: z.ZodType<T>): T | null {
  return context.state === null || context.state === undefined ? null : schema.parse(context.state)
}

/** `1.5 MB` */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

export const field = (info: InfoReading, name: string): number | null => numberField(info, name)
