/** Finds out who belongs to a cache, from whoever of its nodes answers. */
import type { CacheConfig } from '../core/config.ts'
import type { NodeState } from '../core/model.ts'
import type { NodeAddress, TopologyShard } from '../core/sample.ts'
import type { DiscoveredShard } from '../core/topology.ts'
import type { Clock } from './clock.ts'
import { NodeFailure } from './connection/failure.ts'
import { type Credentials, NodeConnection } from './connection/node-connection.ts'
import { type ClusterView, discoverStandalone, readCluster } from './discovery.ts'
import type { Logger } from './logger.ts'
import type { NodeWatcher } from './node-watcher.ts'

export type DiscovererOptions = {
  cache: CacheConfig
  credentials: Credentials
  /** Live: those of the nodes known so far. */
  watchers: ReadonlyMap<NodeAddress, NodeWatcher>
  isStopped(): boolean
  clock: Clock
  logger: Logger
}

/** Nodes asked in one discovery before it is given up for this time. */
const MAX_ASKED = 3
/** A standalone cache has nobody who says that a replica left for good. */
const REMEMBER_REPLICA_MS = 24 * 3_600_000

export class Discoverer {
  /** Every node answers, but what the cache is cannot be read: said on each of them. */
  problem: { state: NodeState; message: string } | null = null
  readonly #options: DiscovererOptions
  readonly #lastSeen = new Map<NodeAddress, number>()
  readonly #aliases = new Map<NodeAddress, NodeAddress>()
  #epoch = 0

  constructor(options: DiscovererOptions) {
    this.#options = options
  }

  /** @param previous the one shard of a standalone cache, as last known. @returns null when nobody could say */
  async discover(previous: TopologyShard | null): Promise<DiscoveredShard[] | null> {
    return this.#options.cache.kind === 'cluster' ? await this.#askCluster() : this.#askStandalone(previous)
  }

  async #askCluster(): Promise<DiscoveredShard[] | null> {
    const up = [...this.#options.watchers.values()].filter(
      (watcher) => watcher.reading && watcher.connection.isOpen,
    )
    const rank = (watcher: NodeWatcher) => {
      const state = watcher.reading?.cluster
      return (state?.ok ? 1e12 : 0) + (state?.epoch ?? 0) * 1e4 + (state?.knownNodes ?? 0)
    }
    up.sort((a, b) => rank(b) - rank(a))
    for (const watcher of up.slice(0, MAX_ASKED)) {
      const view = await this.#tryView(() => readCluster(watcher.connection, this.#usesTls))
      if (view) return view.shards
    }
    return up.length > 0 ? null : await this.#askSeeds()
  }

  /** Nobody that is watched answers: any seed may, even one that is not watched. */
  async #askSeeds(): Promise<DiscoveredShard[] | null> {
    for (const seed of this.#options.cache.seeds) {
      if (this.#options.isStopped()) return null
      if (this.#options.watchers.has(seed.address)) continue
      const connection = new NodeConnection(seed, this.#options.credentials)
      try {
        const view = await this.#tryView(async () => {
          await connection.open()
          return await readCluster(connection, this.#usesTls)
        })
        if (view) return view.shards
      } finally {
        connection.close()
      }
    }
    return null
  }

  get #usesTls(): boolean {
    return this.#options.credentials.tls !== null
  }

  async #tryView(read: () => Promise<ClusterView>): Promise<ClusterView | null> {
    try {
      const view = await read()
      this.problem = null
      // A node that has not yet heard of the last election would undo it.
      if ((view.state.epoch ?? 0) < this.#epoch || view.shards.length === 0) return null
      this.#epoch = view.state.epoch ?? 0
      return view
    } catch (error) {
      if (!(error instanceof NodeFailure)) throw error
      if (error.replyCode !== null) this.#setProblem(error)
      return null
    }
  }

  #setProblem(failure: NodeFailure): void {
    const isDenied = failure.state === 'denied'
    const message = isDenied
      ? 'The user may not run CLUSTER SHARDS, NODES and INFO. Give it the rights of docs/permissions.md.'
      : failure.message
    if (this.problem?.message !== message) {
      this.#options.logger.warn({ cache: this.#options.cache.cacheId, state: failure.state }, message)
    }
    this.problem = { state: failure.state, message }
  }

  #askStandalone(previous: TopologyShard | null): DiscoveredShard[] | null {
    const now = this.#options.clock.now()
    const seeds = this.#options.cache.seeds.map((seed) => seed.address)
    this.#findAliases(seeds)
    const known = [...this.#options.watchers.values()]
      .filter((watcher) => !this.#aliases.has(watcher.place.address))
      .map((watcher) => ({ address: watcher.place.address, info: watcher.reading?.info ?? null }))
    if (known.every(({ info }) => info === null)) return null
    for (const { address, info } of known) {
      if (info)
        for (const one of [address, ...info.replicas.map((line) => line.address)])
          this.#lastSeen.set(one, now)
      else if (!this.#lastSeen.has(address)) this.#lastSeen.set(address, now)
    }
    const remembered = new Set(
      [...this.#lastSeen].filter(([, at]) => now - at < REMEMBER_REPLICA_MS).map(([address]) => address),
    )
    const canonical = (address: NodeAddress) => this.#aliases.get(address) ?? address
    return [discoverStandalone(known, seeds, previous, remembered, canonical)]
  }

  /** Two addresses with one run id are one server: `localhost:6379` as configured, `127.0.0.1:6379` as announced. */
  #findAliases(seeds: NodeAddress[]): void {
    const byRun = new Map<string, NodeAddress>()
    const addresses = [...this.#options.watchers.keys()].sort(
      (a, b) => Number(seeds.includes(b)) - Number(seeds.includes(a)),
    )
    for (const address of addresses) {
      const runId = this.#options.watchers.get(address)?.reading?.info.runId
      if (!runId) continue
      const first = byRun.get(runId)
      if (first === undefined) byRun.set(runId, address)
      else this.#aliases.set(address, first)
    }
  }
}
