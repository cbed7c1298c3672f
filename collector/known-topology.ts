/**
 * What is known of the topology of one cache: what the store remembers, or the seeds alone while nobody has answered;
 * what is discovered later counts once two discoveries agree on it.
 */
import type { CacheConfig } from '../core/config.ts'
import type { EventSample, NodeAddress, Topology } from '../core/sample.ts'
import {
  assignOrdinals,
  type DiscoveredShard,
  diffTopologies,
  primaryOf,
  sameTopology,
  shareNode,
} from '../core/topology.ts'
import type { Clock } from './clock.ts'

/** A failover that was seen has replicas to fill, and clients that come over. */
const SETTLE_MS = 5_000

export class KnownTopology {
  readonly #cache: CacheConfig
  readonly #clock: Clock
  #current: Topology | null
  #isProvisional = false
  #candidate: Topology | null = null
  /** When another primary, or slots in other hands, were seen last. */
  #shiftedAt = Number.NEGATIVE_INFINITY

  /** @param remembered by the store; null at first */
  constructor(cache: CacheConfig, remembered: Topology | null, clock: Clock) {
    this.#cache = cache
    this.#clock = clock
    this.#current = remembered !== null && isUsable(remembered, cache) ? remembered : null
  }

  /** As last discovered, or made of the seeds; null before either. */
  get current(): Topology | null {
    return this.#current
  }

  /** As last discovered; null while nobody has answered. */
  get discovered(): Topology | null {
    return this.#isProvisional ? null : this.#current
  }

  /** Made of the seeds alone: nobody has answered yet. */
  get isProvisional(): boolean {
    return this.#isProvisional
  }

  /** A discovery has shown something else, and another is to confirm it. */
  get isToConfirm(): boolean {
    return this.#candidate !== null
  }

  /** A discovery has shown something else and is to be confirmed, or a failover or a move of slots was seen lately. */
  get isChanging(): boolean {
    return this.isToConfirm || this.#clock.monotonic() - this.#shiftedAt < SETTLE_MS
  }

  primaryFor(address: NodeAddress): NodeAddress | null {
    const shard = this.#current?.shards.find((one) => one.nodes.some((node) => node.address === address))
    return (shard && primaryOf(shard)?.address) ?? null
  }

  /** Begins anew with the seeds. */
  applyProvisional(): Topology {
    const { cacheId, kind, seeds } = this.#cache
    this.#candidate = null
    this.#isProvisional = true
    this.#current = {
      cacheId,
      at: this.#nextAt(),
      shards: [
        {
          ordinal: 1,
          slots: null,
          nodes: seeds.map(({ address }) => ({
            address,
            role: kind === 'sentinel' ? 'sentinel' : 'primary',
            clusterNodeId: null,
          })),
        },
      ],
    }
    return this.#current
  }

  /** @returns what counts from now on, and what has come of it; null where that is what counted, or is to be confirmed */
  consider(discovered: DiscoveredShard[]): { topology: Topology; events: EventSample[] } | null {
    const known = this.discovered
    // Not one node in common: a new cluster at the addresses of the old one, with shards of its own.
    const previous = known && shareNode(known.shards, discovered) ? known : null
    const next: Topology = {
      cacheId: this.#cache.cacheId,
      at: this.#nextAt(),
      shards: assignOrdinals(previous?.shards ?? [], discovered),
    }
    if (previous && sameTopology(previous, next)) {
      this.#candidate = null
      return null
    }
    if (known && !(this.#candidate && sameTopology(this.#candidate, next))) {
      this.#candidate = next
      return null
    }
    this.#candidate = null
    this.#current = next
    this.#isProvisional = false
    const events = previous ? diffTopologies(previous, next, this.#clock.now()) : []
    if (events.some(({ kind }) => kind === 'failover' || kind === 'slots-moved')) {
      this.#shiftedAt = this.#clock.monotonic()
    }
    return { topology: next, events }
  }

  /** Later than the last one, whatever the clock does. */
  #nextAt(): number {
    return Math.max(this.#clock.now(), (this.#current?.at ?? 0) + 1)
  }
}

/** The configuration may have made another kind of the cache meanwhile. */
function isUsable({ shards }: Topology, cache: CacheConfig): boolean {
  if (shards.length === 0) return false
  return cache.kind === 'cluster'
    ? shards.some((shard) => shard.nodes.some((node) => node.clusterNodeId !== null))
    : shards.every(({ slots, nodes }) => slots === null && !nodes.some(({ role }) => role === 'sentinel'))
}
