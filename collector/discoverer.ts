/** Finds out who belongs to a cache, from whoever of its nodes answers. */
import type { CacheConfig, Seed } from '../core/config.ts'
import type { NodeState } from '../core/model.ts'
import type { NodeAddress, Topology, TopologyShard } from '../core/sample.ts'
import { type DiscoveredShard, shareNode } from '../core/topology.ts'
import { Aliases } from './aliases.ts'
import type { Clock } from './clock.ts'
import { ClusterMemory } from './cluster-memory.ts'
import { NodeFailure } from './connection/failure.ts'
import { type Credentials, NodeConnection, type NodePlace } from './connection/node-connection.ts'
import { type ClusterView, discoverStandalone, NotInCluster, placeOf, readCluster } from './discovery.ts'
import type { Logger } from './logger.ts'
import type { NodeWatcher } from './node-watcher.ts'
import { SentinelSeeds } from './sentinel-seeds.ts'
import { infoSource } from './sources/info.ts'

export type DiscovererOptions = {
  cache: CacheConfig
  credentials: Credentials
  /** What the store remembers of it. */
  previous: Topology | null
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
  /** The nodes serve, but what the cache is cannot be read: said on each of those that are up. */
  problem: { state: NodeState; message: string } | null = null
  readonly #options: DiscovererOptions
  #lastSeen = new Map<NodeAddress, number>()
  #aliases = this.#newAliases()
  /** Aliases no more, until they are watched. */
  #freed = new Set<NodeAddress>()
  #memory: ClusterMemory
  /** Of a `sentinel` cache. */
  readonly #sentinels: SentinelSeeds | null

  constructor(options: DiscovererOptions) {
    this.#options = options
    const { cache, credentials, clock } = options
    this.#sentinels = cache.kind === 'sentinel' ? new SentinelSeeds(cache, credentials, clock) : null
    const nodes = options.previous?.shards.flatMap((shard) => shard.nodes) ?? []
    this.#memory = new ClusterMemory(nodes.flatMap((node) => node.clusterNodeId ?? []))
  }

  /** @param previous the one shard of a standalone cache, as last known. @returns null when nobody could say */
  async discover(previous: TopologyShard | null): Promise<DiscoveredShard[] | null> {
    return this.#isCluster ? await this.#askCluster() : await this.#askStandalone(previous)
  }

  /** Whether the seeds lead to another deployment than what is known; null where none of them could say. */
  async hasMoved(known: readonly TopologyShard[]): Promise<boolean | null> {
    const seeds = await this.#seeds()
    if (this.#isCluster) {
      const shown = await this.#askSeeds()
      return shown.length > 0 ? !shareNode(known, shown) : null
    }
    const addresses = new Set(known.flatMap((shard) => shard.nodes.map((node) => node.address)))
    if (this.#sentinels !== null && !seeds.some((seed) => addresses.has(seed.address))) {
      const shown = await this.#askSeeds()
      return shown.length > 0 ? !shareNode(known, shown) : null
    }
    // A standalone cache is what its seeds are, whether they answer or not.
    return seeds.some((seed) => addresses.has(seed.address))
      ? false
      : !shareNode(known, await this.#askSeeds())
  }

  /** What the seeds show, all asked at once; `[]` where none of them could say. */
  async #askSeeds(): Promise<DiscoveredShard[]> {
    const answers = await Promise.allSettled(
      (await this.#seeds()).map((seed) => this.#ask(seed, (node) => this.#readShards(node))),
    )
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  }

  /** Begins anew: what was known is of another deployment. */
  forget(): void {
    this.problem = null
    this.#lastSeen = new Map()
    this.#aliases = this.#newAliases()
    this.#freed = new Set()
    this.#memory = new ClusterMemory([])
  }

  /** As configured; of a `sentinel` cache what its Sentinels say, `[]` while none of them could. */
  async #seeds(): Promise<readonly Seed[]> {
    if (this.#sentinels === null) return this.#options.cache.seeds
    try {
      const seeds = await this.#sentinels.find()
      this.problem = null
      return seeds
    } catch (error) {
      if (!(error instanceof NodeFailure)) throw error
      this.#setProblem(error)
      return []
    }
  }

  get #isCluster(): boolean {
    return this.#options.cache.kind === 'cluster'
  }

  /** On a connection of its own, to whoever is not watched. @throws NodeFailure */
  async #ask<T>(place: NodePlace, read: (node: NodeConnection) => Promise<T>): Promise<T> {
    const connection = new NodeConnection(place, this.#options.credentials)
    try {
      await connection.open()
      return await read(connection)
    } finally {
      connection.close()
    }
  }

  async #readShards(node: NodeConnection): Promise<DiscoveredShard[]> {
    const { address } = node.place
    if (!this.#isCluster) {
      const info = infoSource.parse(await infoSource.read(node))
      return [discoverStandalone([{ address, info }], [address], null, new Set())]
    }
    const { shards } = await this.#readCluster(node)
    // A node that was reset and has not joined yet shows nothing but itself.
    return shards.some((shard) => (shard.slots ?? []).length > 0) ? shards : []
  }

  async #readCluster(node: NodeConnection): Promise<ClusterView> {
    return await readCluster(node, this.#options.credentials.tls !== null)
  }

  async #askCluster(): Promise<DiscoveredShard[] | null> {
    const { watchers, cache, isStopped } = this.#options
    const up = [...watchers.values()].filter((watcher) => watcher.reading && watcher.connection.isOpen)
    const rank = (watcher: NodeWatcher) => {
      const state = watcher.reading?.cluster
      return (state?.ok ? 1e12 : 0) + (state?.epoch ?? 0) * 1e4 + (state?.knownNodes ?? 0)
    }
    up.sort((a, b) => rank(b) - rank(a))
    // Nobody that is watched answers: any seed may, even one that is not watched.
    const seeds = up.length > 0 ? [] : cache.seeds.filter((seed) => !watchers.has(seed.address))
    const reads = [
      ...up.slice(0, MAX_ASKED).map((watcher) => () => this.#readCluster(watcher.connection)),
      ...seeds.map((seed) => () => this.#ask(seed, (node) => this.#readCluster(node))),
    ]
    let hasAnswered = false
    let problem: NodeFailure | null = null
    const view = await this.#memory.choose(
      reads.map((read) => async () => {
        if (isStopped()) return null
        try {
          const view = await read()
          hasAnswered = true
          return view
        } catch (error) {
          if (!(error instanceof NodeFailure)) throw error
          if (concernsCache(error)) problem = error
          return null
        }
      }),
    )
    if (hasAnswered) this.problem = null
    else if (problem) this.#setProblem(problem)
    return view?.shards ?? null
  }

  #setProblem(failure: NodeFailure): void {
    const message =
      failure.state === 'denied'
        ? 'The user may not run CLUSTER SHARDS, NODES and INFO. Give it the rights of docs/permissions.md.'
        : failure.message
    if (this.problem?.message !== message) {
      this.#options.logger.warn({ cache: this.#options.cache.cacheId, state: failure.state }, message)
    }
    this.problem = { state: failure.state, message }
  }

  async #askStandalone(previous: TopologyShard | null): Promise<DiscoveredShard[] | null> {
    const { watchers, clock } = this.#options
    const now = clock.now()
    const seeds = (await this.#seeds()).map((seed) => seed.address)
    await this.#findAliases(seeds, now)
    const known = [...watchers.values()]
      .filter((watcher) => !this.#aliases.has(watcher.place.address))
      .map((watcher) => ({ address: watcher.place.address, info: watcher.reading?.info ?? null }))
    if (known.every(({ info }) => info === null)) {
      // What was remembered is gone, or nothing was: the Sentinels have the word.
      const isNew = this.#sentinels !== null && !watchers.has(seeds[0] ?? '')
      return isNew && seeds.length > 0 ? [discoverStandalone([], seeds, null, new Set())] : null
    }
    for (const { address, info } of known) {
      if (info)
        for (const one of [address, ...info.replicas.map((line) => line.address)])
          this.#lastSeen.set(one, now)
      else if (!this.#lastSeen.has(address)) this.#lastSeen.set(address, now)
    }
    const remembered = new Set(
      [...this.#lastSeen].filter(([, at]) => now - at < REMEMBER_REPLICA_MS).map(([address]) => address),
    )
    const freed = [...this.#freed].map((address) => ({
      address,
      role: 'replica' as const,
      clusterNodeId: null,
    }))
    const before = previous && { ...previous, nodes: [...previous.nodes, ...freed] }
    const canonical = (address: NodeAddress) => this.#aliases.canonical(address)
    return [discoverStandalone(known, seeds, before, remembered, canonical)]
  }

  async #findAliases(seeds: NodeAddress[], now: number): Promise<void> {
    const watched = [...this.#options.watchers]
      .map(([address, watcher]) => ({ address, runId: watcher.reading?.info.runId ?? null }))
      .sort((a, b) => Number(seeds.includes(b.address)) - Number(seeds.includes(a.address)))
    for (const address of await this.#aliases.update(watched)) {
      this.#freed.add(address)
      this.#lastSeen.set(address, now)
    }
    for (const address of this.#freed) {
      if (this.#options.watchers.has(address) || this.#aliases.has(address)) this.#freed.delete(address)
    }
  }

  #newAliases(): Aliases {
    return new Aliases(async (address) => {
      try {
        return await this.#ask(
          placeOf(address),
          async (node) => infoSource.parse(await infoSource.read(node)).runId,
        )
      } catch (error) {
        if (!(error instanceof NodeFailure)) throw error
        return null
      }
    })
  }
}

/** A node that hangs, loads or is held by a script says nothing about the others. */
function concernsCache(failure: NodeFailure): boolean {
  return failure instanceof NotInCluster || failure.state === 'denied'
}
