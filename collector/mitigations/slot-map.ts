/** Which node has a key: by the topology, and sooner by what the nodes say themselves. */
import { slotOf } from '../../core/key-slot.ts'
import type { NodeAddress, Topology } from '../../core/sample.ts'
import { primaryOf } from '../../core/topology.ts'
import { NodeFailure } from '../connection/failure.ts'

export class SlotMap {
  readonly #topology: () => Topology | null
  /** Slots that a node has sent us elsewhere for, since the topology of that time. */
  readonly #moved = new Map<number, { to: NodeAddress; topologyAt: number }>()
  readonly #onMoved: () => void

  /** @param onMoved the topology is behind: it should be discovered again */
  constructor(topology: () => Topology | null, onMoved: () => void) {
    this.#topology = topology
    this.#onMoved = onMoved
  }

  /** @returns null while it is not known */
  primaryOf(key: Uint8Array): NodeAddress | null {
    const topology = this.#topology()
    if (topology === null) return null
    const slot = slotOf(key)
    const moved = this.#moved.get(slot)
    if (moved?.topologyAt === topology.at) return moved.to
    this.#moved.delete(slot)
    const shard = topology.shards.find(
      ({ slots }) => slots === null || slots.some(([first, last]) => slot >= first && slot <= last),
    )
    return (shard && primaryOf(shard)?.address) ?? null
  }

  /** @returns whether the failure was that the key's slot is elsewhere: to be tried again there */
  noteFailure(key: Uint8Array, error: unknown): boolean {
    if (!(error instanceof NodeFailure) || error.movedTo === null) return false
    const topology = this.#topology()
    if (topology === null) return false
    this.#moved.set(slotOf(key), { to: error.movedTo, topologyAt: topology.at })
    this.#onMoved()
    return true
  }
}
