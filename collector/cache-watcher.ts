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
  shareNode,
} from '../core/topology.ts'
import { type Clock, Sleeper } from './clock.ts'
import type { CommandTables } from './command-tables.ts'
import type { Credentials } from './connection/node-connection.ts'
import { Discoverer } from './discoverer.ts'
import { placeOf } from './discovery.ts'
import type { Claims } from './hot-keys/claims.ts'
import { type ClientCountsOfCache, countsOfPrimary, type NodeCounts } from './hot-keys/client-counts.ts'
import type { LookPace } from './hot-keys/look-pace.ts'
import type { CreateHotKeySource } from './hot-keys/source-types.ts'
import { LagTracker } from './lag-tracker.ts'
import type { Logger } from './logger.ts'
import type { NodeBill } from './mitigations/node-bill.ts'
import { type NodeOutput, NodeWatcher } from './node-watcher.ts'
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
/** A failover that was seen has replicas to fill, and clients that come over. */
const SETTLE_MS = 5_000

export class CacheWatcher {
  readonly cacheId: string
  readonly #options: CacheWatcherOptions
  readonly #watchers = new Map<NodeAddress, NodeWatcher>()
  readonly #sleeper = new Sleeper()
  readonly #parts: TickParts
  readonly #lag = new LagTracker()
  readonly #discoverer: Discoverer
  #stopping = new Set<Promise<void>>()
  #running: Promise<void> | null = null
  #stopped = false
  #topology: Topology | null
  /** Made of the seeds alone: nobody has answered yet. */
  #isProvisional = false
  /** When the seeds are asked whether they still belong to what is remembered; null once they have said so. */
  #seedsDue: number | null = null
  #candidate: Topology | null = null
  /** When another primary, or slots in other hands, were seen last. */
  #shiftedAt = Number.NEGATIVE_INFINITY
  #clusterOk: boolean | null = null
  #clusterOkSeen: boolean | null = null

  constructor(options: CacheWatcherOptions) {
    this.#options = options
    this.cacheId = options.cache.cacheId
    const remembered = options.previous
    const isUsable =
      remembered !== null &&
      remembered.shards.length > 0 &&
      (options.cache.kind !== 'cluster'
        ? remembered.shards.every(({ slots, nodes }) => slots === null && !nodes.some(isSentinel))
        : remembered.shards.some((shard) => shard.nodes.some((node) => node.clusterNodeId !== null)))
    this.#topology = isUsable ? remembered : null
    if (isUsable) this.#seedsDue = Number.NEGATIVE_INFINITY
    this.#discoverer = new Discoverer({
      ...options,
      watchers: this.#watchers,
      isStopped: () => this.#stopped,
    })
    this.#parts = new TickParts(this.#lag, (address) => this.#primaryFor(address), options.cache.intervalMs)
  }

  /** As last discovered; null while nobody has answered. */
  get topology(): Topology | null {
    return this.#isProvisional ? null : this.#topology
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
    return this.#lag.measure(address, reading, this.#primaryFor(address), freshMs).seconds
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
    if (!this.#topology && this.#options.cache.kind !== 'sentinel') this.#applyProvisional()
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
      if (!this.#topology) this.#applyProvisional()
      due = this.#options.clock.monotonic() + this.#nextMs()
    }
  }

  #nextMs(): number {
    if (this.#candidate) return CONFIRM_MS
    if (this.#options.cache.kind !== 'cluster') return STANDALONE_MS
    const isLost = [...this.#watchers.values()].some((watcher) => watcher.isLost)
    return isLost || this.#isProvisional ? REDISCOVER_LOST_MS : REDISCOVER_MS
  }

  /** The configuration may name another deployment by now: what is remembered counts if the seeds show a node of it. */
  async #checkSeeds(): Promise<void> {
    const { clock, logger } = this.#options
    const remembered = this.#topology
    if (!remembered || this.#seedsDue === null || clock.monotonic() < this.#seedsDue) return
    this.#seedsDue = clock.monotonic() + REDISCOVER_MS
    const hasMoved = await this.#discoverer.hasMoved(remembered.shards)
    if (this.#stopped) return
    if (hasMoved !== null) this.#seedsDue = null
    if (!hasMoved) return this.#watch(remembered)
    logger.info({ cache: this.cacheId }, 'the seeds belong to another deployment than before')
    this.#discoverer.forget()
    this.#candidate = null
    this.#applyProvisional()
  }

  async #discover(): Promise<void> {
    try {
      await this.#checkSeeds()
      const discovered = await this.#discoverer.discover(this.#topology?.shards[0] ?? null)
      if (discovered && !this.#stopped) this.#consider(discovered)
      if (this.#isProvisional && this.#options.cache.kind === 'sentinel') this.#tellSentinels()
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error
      this.#options.logger.error({ cache: this.cacheId, error: name }, 'discovery failed unexpectedly')
    }
  }

  #consider(discovered: DiscoveredShard[]): void {
    const { clock, onTopology } = this.#options
    const known = this.#isProvisional ? null : this.#topology
    // Not one node in common: a new cluster at the addresses of the old one, with shards of its own.
    const previous = known && shareNode(known.shards, discovered) ? known : null
    const next: Topology = {
      cacheId: this.cacheId,
      at: this.#nextAt(),
      shards: assignOrdinals(previous?.shards ?? [], discovered),
    }
    if (previous && sameTopology(previous, next)) {
      this.#candidate = null
      return
    }
    if (known && !(this.#candidate && sameTopology(this.#candidate, next))) {
      this.#candidate = next
      return
    }
    this.#candidate = null
    this.#topology = next
    this.#isProvisional = false
    onTopology(next)
    const events = previous ? diffTopologies(previous, next, clock.now()) : []
    for (const event of events) this.#addEvent(event)
    if (events.some(({ kind }) => kind === 'failover' || kind === 'slots-moved')) {
      this.#shiftedAt = clock.monotonic()
    }
    this.#watch(next)
  }

  /** Later than the last one, whatever the clock does. */
  #nextAt(): number {
    return Math.max(this.#options.clock.now(), (this.#topology?.at ?? 0) + 1)
  }

  #applyProvisional(): void {
    const { cache, onTopology } = this.#options
    this.#isProvisional = true
    this.#topology = {
      cacheId: this.cacheId,
      at: this.#nextAt(),
      shards: [
        {
          ordinal: 1,
          slots: null,
          nodes: cache.seeds.map(({ address }) => ({
            address,
            role: cache.kind === 'sentinel' ? 'sentinel' : 'primary',
            clusterNodeId: null,
          })),
        },
      ],
    }
    onTopology(this.#topology)
    if (cache.kind !== 'sentinel') this.#watch(this.#topology)
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
    const watcher = new NodeWatcher({
      ...this.#options,
      place: placeOf(address),
      phase: phaseOf(this.cacheId, ordinal),
      output: this.#output(),
      siblingOpsPerSec: () => this.#siblingOpsPerSec(address),
      isTopologyChanging: () => this.#isChanging,
      clientCounts: () => this.#clientCounts(address),
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

  /** Of the other shards' primaries, on average, without our own commands; null on a replica, and for a lone shard. */
  #siblingOpsPerSec(address: NodeAddress): number | null {
    if (this.#primaryFor(address) !== address) return null
    const rates = (this.#topology?.shards ?? []).flatMap((shard) => {
      const primary = primaryOf(shard)?.address
      const rate = primary === undefined ? null : this.#watchers.get(primary)?.shaped?.executedPerSec
      return primary === address || rate === null || rate === undefined ? [] : [rate]
    })
    return rates.length === 0 ? null : rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  }

  #clientCounts(address: NodeAddress): NodeCounts | null {
    const counts = this.#options.appCounts?.read() ?? null
    return counts && this.#topology && countsOfPrimary(counts, this.#topology, address)
  }

  /** A discovery has shown something else and is to be confirmed, or a failover or a move of slots was seen lately. */
  get #isChanging(): boolean {
    return this.#candidate !== null || this.#options.clock.monotonic() - this.#shiftedAt < SETTLE_MS
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

const isSentinel = (node: { role: string }): boolean => node.role === 'sentinel'

/** The golden ratio spreads any number of shards evenly over the interval; caches begin at different places. */
function phaseOf(cacheId: string, ordinal: number): number {
  let hash = 0
  for (const char of cacheId) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 9_973
  return (hash / 9_973 + ordinal * 0.618_034) % 1
}
