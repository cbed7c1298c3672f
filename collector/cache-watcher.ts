/**
 * One cache: its topology by discovery, a watcher per node, and what they bring until the next tick takes it.
 * Nodes come and go here, by what is known of the topology (known-topology.ts).
 */
import type { CacheConfig } from '../core/config.ts'
import type { EventSample, NodeAddress, NodeStatus, Tick, Topology } from '../core/sample.ts'
import type { DiscoveredShard } from '../core/topology.ts'
import { type Clock, Sleeper } from './clock.ts'
import { ClusterState } from './cluster-state.ts'
import type { CommandTables } from './command-tables.ts'
import type { Credentials } from './connection/node-connection.ts'
import { Discoverer } from './discoverer.ts'
import { placeOf } from './discovery.ts'
import { factsOfCache } from './hot-keys/cache-facts.ts'
import type { Claims } from './hot-keys/claims.ts'
import type { ClientCountsOfCache } from './hot-keys/client-counts.ts'
import type { LookPace } from './hot-keys/look-pace.ts'
import type { CreateHotKeySource } from './hot-keys/source-types.ts'
import { KnownTopology } from './known-topology.ts'
import { LagTracker } from './lag-tracker.ts'
import type { Logger } from './logger.ts'
import type { NodeBill } from './mitigations/node-bill.ts'
import { type NodeOutput, NodeWatcher } from './node-watcher.ts'
import { phaseOf } from './phase.ts'
import type { NodeReading } from './reading.ts'
import { TickParts } from './tick-parts.ts'

export type CacheWatcherOptions = {
  cache: CacheConfig
  credentials: Credentials
  /** What the store remembers of it; null at first. */
  previous: Topology | null
  onTopology(topology: Topology): void
  /** Why no node may be read for hot keys now; null when they may. */
  hotKeyPause(): string | null
  createHotKeySource: CreateHotKeySource
  /** What applications' heartbeats tell of their keys. */
  appCounts?: ClientCountsOfCache
  /** What mitigations have cost a node. */
  actionBill?(address: NodeAddress): NodeBill
  /** A key has become hot, and `drainHotKeys` has its row: nobody should wait for the next tick to see it. */
  onUrgent?(): void
  /** Shared by all caches of the process: a server is read for hot keys once. */
  claims?: Claims
  pace?: LookPace
  /** How often the hot keys of a node are reported while nothing is new. @default 5000 */
  reportEveryMs?: number
  tables: CommandTables
  clock: Clock
  logger: Logger
}

const REDISCOVER_MS = 30_000
const REDISCOVER_LOST_MS = 1_000
const CONFIRM_MS = 300
const STANDALONE_MS = 1_000

export class CacheWatcher {
  readonly cacheId: string
  readonly #options: CacheWatcherOptions
  readonly #watchers = new Map<NodeAddress, NodeWatcher>()
  readonly #sleeper = new Sleeper()
  readonly #parts: TickParts
  readonly #lag = new LagTracker()
  readonly #discoverer: Discoverer
  readonly #known: KnownTopology
  readonly #clusterState = new ClusterState()
  #stopping = new Set<Promise<void>>()
  #running: Promise<void> | null = null
  #stopped = false
  /** When the seeds are asked whether they still belong to what is remembered; null once they have said so. */
  #seedsDue: number | null = null

  constructor(options: CacheWatcherOptions) {
    this.#options = options
    this.cacheId = options.cache.cacheId
    const known = new KnownTopology(options.cache, options.previous, options.clock)
    this.#known = known
    if (known.current) this.#seedsDue = Number.NEGATIVE_INFINITY
    this.#discoverer = new Discoverer({
      ...options,
      watchers: this.#watchers,
      isStopped: () => this.#stopped,
    })
    this.#parts = new TickParts(this.#lag, (address) => known.primaryFor(address), options.cache.intervalMs)
  }

  /** As last discovered; null while nobody has answered. */
  get topology(): Topology | null {
    return this.#known.discovered
  }

  /** The last good reading of a node that is up. */
  reading(address: NodeAddress): NodeReading | null {
    return this.#watchers.get(address)?.reading ?? null
  }

  /** How far a replica that is up is behind its primary; null where that is not known. */
  lagSeconds(address: NodeAddress): number | null {
    const reading = this.reading(address)
    if (reading === null) return null
    const freshMs = 2 * this.#options.cache.intervalMs
    return this.#lag.measure(address, reading, this.#known.primaryFor(address), freshMs).seconds
  }

  /** What is known is behind: it is looked at again soon. */
  rediscover(): void {
    this.#sleeper.wake()
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
    // A Sentinel is no node of its cache: it stands in for one only while it cannot say where they are.
    if (!this.#known.current && this.#options.cache.kind !== 'sentinel') this.#applyProvisional()
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

  /** Of what came in since, hot keys alone. */
  drainHotKeys(): Omit<Tick, 'at'> {
    return this.#parts.takeHotKeys()
  }

  async #run(): Promise<void> {
    await this.#checkSeeds()
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
      if (!this.#known.current) this.#applyProvisional()
      due = this.#options.clock.monotonic() + this.#nextMs()
    }
  }

  #nextMs(): number {
    if (this.#known.isToConfirm) return CONFIRM_MS
    if (this.#options.cache.kind !== 'cluster') return STANDALONE_MS
    const isLost = [...this.#watchers.values()].some((watcher) => watcher.isLost)
    return isLost || this.#known.isProvisional ? REDISCOVER_LOST_MS : REDISCOVER_MS
  }

  /** The configuration may name another deployment by now: what is remembered counts if the seeds show a node of it. */
  async #checkSeeds(): Promise<void> {
    const { clock, logger } = this.#options
    const remembered = this.#known.current
    if (!remembered || this.#seedsDue === null || clock.monotonic() < this.#seedsDue) return
    this.#seedsDue = clock.monotonic() + REDISCOVER_MS
    const hasMoved = await this.#discoverer.hasMoved(remembered.shards)
    if (this.#stopped) return
    if (hasMoved !== null) this.#seedsDue = null
    if (!hasMoved) return this.#watch(remembered)
    logger.info({ cache: this.cacheId }, 'the seeds belong to another deployment than before')
    this.#discoverer.forget()
    this.#applyProvisional()
  }

  async #discover(): Promise<void> {
    try {
      await this.#checkSeeds()
      const discovered = await this.#discoverer.discover(this.#known.current?.shards[0] ?? null)
      if (discovered && !this.#stopped) this.#consider(discovered)
      if (this.#known.isProvisional && this.#options.cache.kind === 'sentinel') this.#tellSentinels()
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error
      this.#options.logger.error({ cache: this.cacheId, error: name }, 'discovery failed unexpectedly')
    }
  }

  #consider(discovered: DiscoveredShard[]): void {
    const change = this.#known.consider(discovered)
    if (!change) return
    this.#options.onTopology(change.topology)
    for (const event of change.events) this.#addEvent(event)
    this.#watch(change.topology)
  }

  #applyProvisional(): void {
    const { cache, onTopology } = this.#options
    const topology = this.#known.applyProvisional()
    onTopology(topology)
    if (cache.kind !== 'sentinel') this.#watch(topology)
  }

  /** They are no nodes to watch, but the only ones that could say why there are none. */
  #tellSentinels(): void {
    const { problem } = this.#discoverer
    if (!problem) return
    for (const { address } of this.#options.cache.seeds) {
      this.#parts.addStatus({
        ...{ cacheId: this.cacheId, address, at: this.#options.clock.now(), ...problem },
        ...{ role: 'sentinel', version: null, engine: null, uptimeSeconds: null },
        ...{ maxMemoryPolicy: null, maxClients: null, hotKeysRefusal: null, watching: null },
      })
    }
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
    const cache = { known: this.#known, watchers: this.#watchers, appCounts: this.#options.appCounts }
    const watcher = new NodeWatcher({
      ...this.#options,
      place: placeOf(address),
      phase: phaseOf(this.cacheId, ordinal),
      output: this.#output(),
      ...factsOfCache(cache, address),
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
      onStatus: (status) => {
        const problem = status.state === 'up' ? this.#discoverer.problem : null
        this.#parts.addStatus({ ...status, ...problem })
      },
      onEvent: (event) => this.#addEvent(event),
      onHotKeys: (rows) => {
        this.#parts.addHotKeys(rows.keys, rows.patterns)
        if (rows.isUrgent) this.#options.onUrgent?.()
      },
      onChange: () => this.#sleeper.wake(),
    }
  }

  #addEvent(event: EventSample): void {
    const { logger } = this.#options
    logger.info({ cache: this.cacheId, node: event.address, event: event.kind }, event.message)
    this.#parts.addEvent(event)
  }

  #tellClusterState(): void {
    const change = this.#clusterState.update([...this.#watchers.values()])
    if (!change) return
    const of = { at: this.#options.clock.now(), cacheId: this.cacheId, address: null, shardOrdinal: null }
    this.#addEvent({ ...of, ...change })
  }
}
