/** How a key action is carried out, decided at the nodes themselves and not by what was seen of them minutes ago. */
import { formatKey } from '../../../core/key-text.ts'
import { IN_SYNC_SECONDS } from '../../../core/mitigations/facts.ts'
import type { KeyState } from '../../../core/mitigations/key-state.ts'
import { ELIGIBILITY, LOCAL_JITTER } from '../../../core/mitigations/limits.ts'
import { PARAMETERS } from '../../../core/mitigations/parameters.ts'
import { COPY_LIFE_MS } from '../../../core/mitigations/staleness.ts'
import { chooseVariants } from '../../../core/mitigations/variants.ts'
import type { NodeAddress, TopologyShard } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext, ActionNode } from '../action.ts'
import type { SlotMap } from '../slot-map.ts'

export type KeyOf = { db: number; key: Buffer }

export function keyOf({ mitigation }: ActionContext): KeyOf {
  const { target } = mitigation
  if (target.kind !== 'key') throw new Error(`${mitigation.action} needs a key to aim at.`)
  return { db: target.db, key: Buffer.from(target.keyBase64, 'base64') }
}

/** For reading, as it is sent. */
export const lookCommand = ({ key }: KeyOf): string => {
  const shown = formatKey(key)
  return `TYPE ${shown}; PTTL ${shown}; MEMORY USAGE ${shown}`
}

/** @throws NodeFailure, Halted */
export async function planKey(
  context: ActionContext,
  address: NodeAddress,
  slots: SlotMap,
): Promise<KeyState> {
  const state = await planAsIs(context, address, slots)
  const { action, preview } = context.mitigation
  if (action !== 'replicate' || preview === null || state.plan === null) return state
  const isAsShown = (preview.variants === null) === (state.plan.variants === null)
  return isAsShown ? state : refused("The replica's state changed since the preview; look again.")
}

async function planAsIs(context: ActionContext, address: NodeAddress, slots: SlotMap): Promise<KeyState> {
  const { mitigation } = context
  const { db, key } = keyOf(context)
  const node = await context.node(address, db)
  const size = await memoryUsage(node, key)
  const refusal = await refuseKey(node, key, size)
  if (refusal !== null) return refused(refusal)
  if (mitigation.action === 'local-cache') return planned({ local: localPlan(mitigation.parameters) })
  if (mitigation.action === 'split') {
    const { variants, writeFanout } = PARAMETERS.split.parse(mitigation.parameters)
    return planCopies(context, address, slots, variants, writeFanout, size)
  }
  const { by, copies } = PARAMETERS.replicate.parse(mitigation.parameters)
  const hasReplica = hasReplicaInSync(context, shardOf(context, address))
  if (by === 'replicas' || (by === 'auto' && hasReplica)) {
    return hasReplica
      ? planned({ replicaRead: true })
      : refused(
          `No replica of the shard is up and at most ${IN_SYNC_SECONDS} s behind its primary. Choose copies, or add a replica.`,
        )
  }
  return planCopies(context, address, slots, copies, false, size)
}

async function refuseKey(node: ActionNode, key: Buffer, size: number | null): Promise<string | null> {
  const [type] = await Promise.all([node.call('TYPE', key), node.call('PTTL', key)])
  if (type === 'none') {
    return 'The key does not exist now: there is nothing to copy or to hold.'
  }
  if (type === 'stream') {
    return 'The key is a stream: its readers take turns, and copies would give them the same entries again.'
  }
  const most = ELIGIBILITY.maxValueBytes
  if (size !== null && size > most) {
    return `The key takes ${Math.round(size / 1024)} KiB; more than ${most / 1024} KiB is neither copied nor held in processes.`
  }
  return null
}

/** @returns null where the user may not ask */
async function memoryUsage(node: ActionNode, key: Buffer): Promise<number | null> {
  try {
    const size = await node.call('MEMORY', 'USAGE', key)
    return typeof size === 'number' ? size : null
  } catch (error) {
    if (error instanceof NodeFailure && error.state === 'denied') return null
    throw error
  }
}

async function planCopies(
  context: ActionContext,
  address: NodeAddress,
  slots: SlotMap,
  count: number | null,
  writeFanout: boolean,
  size: number | null,
): Promise<KeyState> {
  if (size === null) {
    return refused(
      `How large the key is, ${address} does not say, and a large one holds its primary up each time that it is copied. Give the user +memory|usage there (docs/permissions.md).`,
    )
  }
  const { db, key } = keyOf(context)
  const owner = shardOf(context, address)
  const shards = context.topology.shards.map(({ ordinal, slots: owned }) => ({
    shardId: ordinal,
    ordinal,
    slots: owned,
  }))
  const owning = shards.filter((shard) => shard.slots !== null && shard.slots.length > 0).length
  if (owner === undefined || owning < 2 || db !== 0) {
    return refused('The cache has one shard: a copy would lie beside its key and move no load off the node.')
  }
  const names = chooseVariants({ key, shards, ownerShardId: owner.ordinal, count: count ?? owning })
  const [base, ...copies] = names.map((variant) => variant.keyBase64)
  if (base === undefined || copies.length === 0)
    return refused('No names for copies were found on other shards.')
  for (const copy of copies) {
    const foreign = await refuseForeign(context, slots, Buffer.from(copy, 'base64'))
    if (foreign !== null) return refused(foreign)
  }
  return { ...planned({ variants: { keysBase64: [base, ...copies], writeFanout } }), copies }
}

/** Whatever outlives a copy is none, and not ours to replace. */
async function refuseForeign(context: ActionContext, slots: SlotMap, key: Buffer): Promise<string | null> {
  const address = slots.primaryOf(key)
  if (address === null) return null
  const node = await context.node(address)
  const ttl = Number(await node.call('PTTL', key))
  if (ttl === -2 || (ttl >= 0 && ttl <= COPY_LIFE_MS)) return null
  return `${formatKey(key)} is a key of the application at ${address}; a copy under that name would replace it.`
}

function localPlan(parameters: Record<string, unknown>) {
  const { ttlSeconds, track, staleSeconds } = PARAMETERS['local-cache'].parse(parameters)
  return {
    ttlMs: Math.round(ttlSeconds * 1_000),
    jitter: LOCAL_JITTER,
    maxBytes: ELIGIBILITY.maxValueBytes,
    track,
    staleMs: Math.round(staleSeconds * 1_000),
  }
}

function planned(plan: Partial<NonNullable<KeyState['plan']>>): KeyState {
  return {
    plan: { local: null, variants: null, replicaRead: false, ...plan },
    copies: [],
    refusal: null,
    isInUse: false,
  }
}

const refused = (refusal: string): KeyState => ({ plan: null, copies: [], refusal, isInUse: false })

function shardOf({ topology }: ActionContext, address: NodeAddress): TopologyShard | undefined {
  return topology.shards.find((shard) => shard.nodes.some((node) => node.address === address))
}

/** By the guard of the preview: what was shown is what is done. */
function hasReplicaInSync(context: ActionContext, shard: TopologyShard | undefined): boolean {
  return (shard?.nodes ?? []).some(({ address, role }) => {
    const lagSeconds = context.lagSeconds(address)
    return role === 'replica' && lagSeconds !== null && lagSeconds <= IN_SYNC_SECONDS
  })
}
