/**
 * One cache: its topology by discovery, a watcher per node, and what they bring until the next tick takes it.
 * Nodes come and go here; a changed topology counts once two discoveries agree on it.
 */
import type { CacheConfig } from '../core/config.ts'
import type { EventSample, NodeAddress, NodeStatus, Tick, Topology } from '../core/sample.ts'
import {
  assignOrdinals,
  type DiscoveredShard,
  diffTopologies,
  primaryOf,
  sameTopology,
} from '../core/topology.ts'
import { type Clock, Sleeper } from './clock.ts'
import { NodeFailure } from './connection/failure.ts'
import { type Credentials, NodeConnection } from './connection/node-connection.ts'
import { type ClusterView, discoverStandalone, readCluster } from './discovery.ts'
import { LagTracker } from './lag-tracker.ts'
import type { Logger } from './logger.ts'
import { type CreateDetector, type NodeOutput, NodeWatcher } from './node-watcher.ts'
import { TickParts } from './tick-parts.ts'

export type CacheWatcherOptions = {
  cache: CacheConfig
  credentials: Credentials
  /** What the store remembers of it; null at first. */
  previous: Topology | null
  onTopology(topology: Topology): void
  createDetector: CreateDetector
  clock: Clock
  logger: Logger
}

const REDISCOVER_MS = 30_000
const REDISCOVER_LOST_MS = 1_000
const CONFIRM_MS = 300
const STANDALONE_MS = 1_000
/** Nodes asked in one discovery before it is given up for this time. */
const MAX_ASKED = 3
/** A standalone cache has nobody who says that a replica left for good. */
const REMEMBER_REPLICA_MS = 24 * 3_600_000

export class CacheWatcher {
  readonly cacheId: string
  readonly #options: CacheWatcherOptions
  readonly #watchers = new Map<NodeAddress, NodeWatcher>()
  readonly #sleeper = new Sleeper()
  readonly #parts: TickParts
  readonly #lag = new LagTracker()
  readonly #lastSeen = new Map<NodeAddress, number>()
  readonly #aliases = new Map<NodeAddress, NodeAddress>()
  #stopping = new Set<Promise<void>>()
  #running: Promise<void> | null = null
  #stopped = false
  #topology: Topology | null
  /** Made of the seeds alone: nobody has answered yet. */
  #isProvisional = false
  #candidate: Topology | null = null
  #epoch = 0
  #problem: { state: NodeStatus['state']; message: string } | null = null
  #clusterOk: boolean | null = null
  #clusterOkSeen: boolean | null = null

  constructor(options: CacheWatcherOptions) {
    this.#options = options
    this.cacheId = options.cache.cacheId
    const remembered = options.previous
    const isUsable =
      remembered !== null &&
      remembered.shards.length > 0 &&
      (options.cache.kind === 'standalone'
        ? remembered.shards.every((shard) => shard.slots === null)
        : remembered.shards.some((shard) => shard.nodes.some((node) => node.clusterNodeId !== null)))
    this.#topology = isUsable ? remembered : null
    this.#parts = new TickParts(this.#lag, (address) => this.#primaryFor(address), options.cache.intervalMs)
  }

  get nodeCount(): number {
    return this.#watchers.size
  }

  /** How many nodes are in which state. */
  get states(): Map<NodeStatus['state'], number> {
    const counts = new Map<NodeStatus['state'], number>()
    for (const { state } of this.#watchers.values()) counts.set(state, (counts.get(state) ?? 0) + 1)
    return counts
  }

  start(): void {
    if (this.#running) return
    if (this.#topology) this.#watch(this.#topology)
    else this.#applyProvisional()
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#sleeper.stop()
    await Promise.all([this.#running, ...[...this.#watchers.values()].map((watcher) => watcher.stop())])
    await Promise.all(this.#stopping)
    this.#watchers.clear()
  }

  /** What came in since the last call. */
  drain(): Omit<Tick, 'at'> {
    this.#tellClusterState()
    return this.#parts.take()
  }

  async #run(): Promise<void> {
    let last = Number.NEGATIVE_INFINITY
    let due = 0
    for (;;) {
      const now = this.#options.clock.monotonic()
      // A wake-up asks for a discovery soon, never for a storm of them.
      const earliest = last + CONFIRM_MS
      if (now < earliest) due = Math.max(due, earliest)
      if (!(await this.#sleeper.sleep(Math.max(due - now, 20)))) return
      const woken = this.#options.clock.monotonic()
      if (woken < earliest && !(await this.#sleeper.sleep(earliest - woken))) return
      last = this.#options.clock.monotonic()
      await this.#discover()
      due = this.#options.clock.monotonic() + this.#nextMs()
    }
  }

  #nextMs(): number {
    if (this.#candidate) return CONFIRM_MS
    if (this.#options.cache.kind === 'standalone') return STANDALONE_MS
    const isLost = [...this.#watchers.values()].some((watcher) => watcher.isLost)
    return isLost || this.#isProvisional ? REDISCOVER_LOST_MS : REDISCOVER_MS
  }

  async #discover(): Promise<void> {
    try {
      const discovered =
        this.#options.cache.kind === 'cluster' ? await this.#askCluster() : this.#askStandalone()
      if (discovered && !this.#stopped) this.#consider(discovered)
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error
      this.#options.logger.error({ cache: this.cacheId, error: name }, 'discovery failed unexpectedly')
    }
  }

  async #askCluster(): Promise<DiscoveredShard[] | null> {
    const up = [...this.#watchers.values()].filter((watcher) => watcher.reading && watcher.connection.isOpen)
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
      if (this.#stopped) return null
      if (this.#watchers.has(seed.address)) continue
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
      this.#problem = null
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

  /** Every node answers, but what the cache is cannot be read: said on each of them. */
  #setProblem(failure: NodeFailure): void {
    const isDenied = failure.state === 'denied'
    const message = isDenied
      ? 'The user may not run CLUSTER SHARDS, NODES and INFO. Give it the rights of docs/permissions.md.'
      : failure.message
    if (this.#problem?.message !== message) {
      this.#options.logger.warn({ cache: this.cacheId, state: failure.state }, message)
    }
    this.#problem = { state: failure.state, message }
  }

  #askStandalone(): DiscoveredShard[] | null {
    const now = this.#options.clock.now()
    const seeds = this.#options.cache.seeds.map((seed) => seed.address)
    this.#findAliases(seeds)
    const known = [...this.#watchers.values()]
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
    const previous = this.#topology?.shards[0] ?? null
    const canonical = (address: NodeAddress) => this.#aliases.get(address) ?? address
    return [discoverStandalone(known, seeds, previous, remembered, canonical)]
  }

  /** Two addresses with one run id are one server: `localhost:6379` as configured, `127.0.0.1:6379` as announced. */
  #findAliases(seeds: NodeAddress[]): void {
    const byRun = new Map<string, NodeAddress>()
    const addresses = [...this.#watchers.keys()].sort(
      (a, b) => Number(seeds.includes(b)) - Number(seeds.includes(a)),
    )
    for (const address of addresses) {
      const runId = this.#watchers.get(address)?.reading?.info.runId
      if (!runId) continue
      const first = byRun.get(runId)
      if (first === undefined) byRun.set(runId, address)
      else this.#aliases.set(address, first)
    }
  }

  #consider(discovered: DiscoveredShard[]): void {
    const { clock, onTopology } = this.#options
    const previous = this.#isProvisional ? null : this.#topology
    const at = Math.max(clock.now(), (this.#topology?.at ?? 0) + 1)
    const next: Topology = {
      cacheId: this.cacheId,
      at,
      shards: assignOrdinals(previous?.shards ?? [], discovered),
    }
    if (previous && sameTopology(previous, next)) {
      this.#candidate = null
      return
    }
    if (previous && !(this.#candidate && sameTopology(this.#candidate, next))) {
      this.#candidate = next
      return
    }
    this.#candidate = null
    this.#topology = next
    this.#isProvisional = false
    onTopology(next)
    if (previous) for (const event of diffTopologies(previous, next, clock.now())) this.#addEvent(event)
    this.#watch(next)
  }

  #applyProvisional(): void {
    const { cache, clock, onTopology } = this.#options
    this.#isProvisional = true
    this.#topology = {
      cacheId: this.cacheId,
      at: clock.now(),
      shards: [
        {
          ordinal: 1,
          slots: null,
          nodes: cache.seeds.map(({ address }) => ({ address, role: 'primary', clusterNodeId: null })),
        },
      ],
    }
    onTopology(this.#topology)
    this.#watch(this.#topology)
  }

  /** Starts a watcher for every node of the topology that has none, stops those of the nodes that left. */
  #watch(topology: Topology): void {
    const wanted = new Set<NodeAddress>()
    for (const shard of topology.shards) {
      for (const { address } of shard.nodes) {
        wanted.add(address)
        const watcher = this.#watchers.get(address) ?? this.#startWatcher(address, shard.ordinal)
        watcher.shardOrdinal = shard.ordinal
      }
    }
    for (const [address, watcher] of this.#watchers) {
      if (wanted.has(address)) continue
      this.#watchers.delete(address)
      this.#lag.forget(address)
      const stopped = watcher.stop().finally(() => this.#stopping.delete(stopped))
      this.#stopping.add(stopped)
    }
  }

  #startWatcher(address: NodeAddress, ordinal: number): NodeWatcher {
    const { cache, credentials, createDetector, clock, logger } = this.#options
    const colon = address.lastIndexOf(':')
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
    const watcher = new NodeWatcher({
      cache,
      place: { host, port: Number(address.slice(colon + 1)), address },
      credentials,
      // The golden ratio spreads any number of shards evenly over the interval.
      phase: (ordinal * 0.618_034) % 1,
      output: this.#output(),
      createDetector,
      clock,
      logger,
    })
    this.#watchers.set(address, watcher)
    watcher.start()
    return watcher
  }

  #output(): NodeOutput {
    return {
      onReading: (watcher, reading, shaped, slowlog) => {
        this.#lag.note(watcher.place.address, reading)
        this.#parts.addReading(this.cacheId, watcher.place.address, reading, shaped, slowlog)
      },
      onStatus: (status) => this.#parts.addStatus(this.#problem ? { ...status, ...this.#problem } : status),
      onEvent: (event) => this.#addEvent(event),
      onHotKeys: (samples) => this.#parts.addHotKeys(samples),
      onChange: () => this.#sleeper.wake(),
    }
  }

  #addEvent(event: EventSample): void {
    const { logger } = this.#options
    logger.info({ cache: this.cacheId, node: event.address, event: event.kind }, event.message)
    this.#parts.addEvent(event)
  }

  #primaryFor(address: NodeAddress): NodeAddress | null {
    const shard = this.#topology?.shards.find((one) => one.nodes.some((node) => node.address === address))
    return (shard && primaryOf(shard)?.address) ?? null
  }

  /** What most nodes say of the cluster, once they have said it twice. */
  #tellClusterState(): void {
    const votes = [...this.#watchers.values()].flatMap(({ reading }) =>
      reading?.cluster ? [reading.cluster.ok] : [],
    )
    if (votes.length === 0) return
    const isOk = votes.filter((vote) => vote).length * 2 >= votes.length
    const isConfirmed = this.#clusterOkSeen === isOk
    this.#clusterOkSeen = isOk
    if (!isConfirmed || this.#clusterOk === isOk) return
    const isFirst = this.#clusterOk === null
    this.#clusterOk = isOk
    if (isFirst && isOk) return
    this.#addEvent({
      at: this.#options.clock.now(),
      cacheId: this.cacheId,
      address: null,
      shardOrdinal: null,
      kind: isOk ? 'cluster-ok' : 'cluster-down',
      message: isOk
        ? 'The cluster serves all slots again.'
        : 'The cluster does not serve: slots have no primary, or most primaries are out of reach.',
    })
  }
}
