/** Where a slot is, as the cluster itself says it: the only memory that a move needs. */
import { type ClusterNodes, ownerOf, parseClusterNodes } from '../../../core/mitigations/cluster-nodes.ts'
import type { HostPort } from '../../../core/mitigations/server-commands.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext } from '../action.ts'
import { allNodes, Ended, fail, send } from './server-action.ts'

/** One side of a move. */
export type Side = { id: string; address: NodeAddress }

export type SlotView = {
  /** Who owns it, by each side's own word; null: nobody. */
  sourceSays: string | null
  destinationSays: string | null
  /** The source sends to this id, the destination takes from that one. */
  migratingTo: string | null
  importingFrom: string | null
  /** How each side names the other: where keys are sent. */
  destinationPlace: HostPort
  sourcePlace: HostPort
  /** Other primaries, by id. */
  otherPrimaries: string[]
}

export async function readClusterNodes(context: ActionContext, address: NodeAddress): Promise<ClusterNodes> {
  return parseClusterNodes(String(await send(context, address, 'CLUSTER', 'NODES')))
}

export async function readSlot(
  context: ActionContext,
  slot: number,
  source: Side,
  destination: Side,
): Promise<SlotView> {
  const [from, to] = [
    await readClusterNodes(context, source.address),
    await readClusterNodes(context, destination.address),
  ]
  const myself = (view: ClusterNodes) => view.nodes.find((node) => node.isMyself)
  for (const [side, view] of [
    [source, from],
    [destination, to],
  ] as const) {
    if (myself(view)?.id !== side.id)
      fail(`${side.address} is another node than it was. Look at the cluster again.`)
    if (!myself(view)?.isPrimary) {
      throw new Ended({
        kind: 'wait',
        message: `${side.address} is a primary no more: its shard is looked at again, then the move goes on.`,
      })
    }
  }
  const [sourceSays, destinationSays] = [ownerOf(from, slot), ownerOf(to, slot)]
  for (const owner of [sourceSays, destinationSays]) {
    if (owner === null || owner === source.id || owner === destination.id) continue
    if (!isMate(context, owner, source) && !isMate(context, owner, destination)) continue
    throw new Ended({ kind: 'wait', message: `The cluster learns who serves slot ${slot} after a failover.` })
  }
  const place = (view: ClusterNodes, side: Side): HostPort => {
    const line = view.nodes.find(({ id }) => id === side.id)
    return line ?? fail(`The cluster does not know ${side.address} any more.`)
  }
  return {
    sourceSays,
    destinationSays,
    migratingTo: from.migrating.get(slot) ?? null,
    importingFrom: to.importing.get(slot) ?? null,
    destinationPlace: place(from, destination),
    sourcePlace: place(to, source),
    otherPrimaries: from.nodes
      .filter(
        ({ id, isPrimary, isFailing }) =>
          isPrimary && !isFailing && id !== source.id && id !== destination.id,
      )
      .map(({ id }) => id),
  }
}

/** Whether a node is of the shard of that side. */
function isMate(context: ActionContext, id: string, side: Side): boolean {
  return context.topology.shards.some(({ nodes }) => {
    const ids = nodes.map(({ clusterNodeId }) => clusterNodeId)
    return ids.includes(id) && ids.includes(side.id)
  })
}

export async function countKeys(context: ActionContext, side: Side, slot: number): Promise<number> {
  return Number(await send(context, side.address, 'CLUSTER', 'COUNTKEYSINSLOT', slot))
}

/** By the ids of their cluster. One that does not answer is told by the others, in time. */
export async function tellOthers(
  context: ActionContext,
  ids: readonly string[],
  tell: (address: NodeAddress) => Promise<unknown>,
): Promise<void> {
  for (const { address, clusterNodeId } of allNodes(context)) {
    if (clusterNodeId === null || !ids.includes(clusterNodeId)) continue
    try {
      await tell(address)
    } catch (error) {
      if (!(error instanceof NodeFailure) || error.replyCode === 'NOPERM') throw error
    }
  }
}
