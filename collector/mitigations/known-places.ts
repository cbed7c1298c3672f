/** The shards and nodes of one cache by the ids that targets have, as the store knew them when the topology changed last. */
import type { Topology } from '../../core/sample.ts'
import type { Store } from '../../store/client.ts'
import { type Places, readPlaces } from '../../store/mitigation-progress.ts'

const NOWHERE: Places = { shardOrdinals: new Map(), nodeAddresses: new Map() }

export class KnownPlaces {
  readonly #store: Store
  readonly #cacheId: string
  #places = NOWHERE
  #topologyAt: number | null = null

  constructor(store: Store, cacheId: string) {
    this.#store = store
    this.#cacheId = cacheId
  }

  get places(): Places {
    return this.#places
  }

  /** Without them a shard or a node that is aimed at seems to have left. */
  get isKnown(): boolean {
    return this.#places.nodeAddresses.size > 0
  }

  /** @throws CachescopeError store-unreachable */
  async load(topology: Topology): Promise<void> {
    if (this.#topologyAt === topology.at) return
    this.#places = await readPlaces(this.#store, this.#cacheId)
    // The topology may not be saved yet: it is looked for again.
    if (hasAll(this.#places, topology)) this.#topologyAt = topology.at
  }
}

function hasAll({ shardOrdinals, nodeAddresses }: Places, { shards }: Topology): boolean {
  const [ordinals, addresses] = [new Set(shardOrdinals.values()), new Set(nodeAddresses.values())]
  return shards.every(
    ({ ordinal, nodes }) => ordinals.has(ordinal) && nodes.every(({ address }) => addresses.has(address)),
  )
}
