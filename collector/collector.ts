/** Puts the parts together: what the watched caches bring goes to the writer with every tick, and the store is kept tidy. */
import { hostname } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import type { CacheConfig, Config } from '../core/config.ts'
import type { CacheRecord, CollectorStatus } from '../core/sample.ts'
import type { Store } from '../store/client.ts'
import { releaseLeases } from '../store/leases.ts'
import { dropExpired, ensurePartitions, rollUp } from '../store/maintenance.ts'
import { listAbandoned } from '../store/mitigations.ts'
import { saveTick } from '../store/tick.ts'
import { saveCaches, saveTopology } from '../store/topology.ts'
import { Backlog } from './backlog.ts'
import { atMost, type Clock } from './clock.ts'
import type { HealthReport } from './health-server.ts'
import type { CreateHotKeySource } from './hot-keys/source-types.ts'
import type { Logger } from './logger.ts'
import { type CollectorFacts, CollectorMetrics } from './metrics.ts'
import type { Checkpoint } from './mitigations/action.ts'
import { Periodic } from './periodic.ts'
import { isEmptyTick, mergeTicks } from './tick.ts'
import { WatchedCaches } from './watched-caches.ts'
import { Writer } from './writer.ts'

export type CollectorOptions = {
  collectorId: string
  version: string
  config: Config
  /** Per cache, the options of its TLS connections; null for plain ones. */
  tls: ReadonlyMap<string, ConnectionOptions | null>
  store: Store
  createHotKeySource: CreateHotKeySource
  clock: Clock
  logger: Logger
  /** Bound of what waits for Postgres. @default 64 MiB */
  backlogBytes?: number
  /** How long a cache stays ours without a word. @default 10000, renewed every 3000 */
  lease?: { ttlMs: number; renewMs: number }
  /** Told of every point at which a mitigation may be killed: for tests. */
  checkpoint?: Checkpoint
}

const TICK_MS = 1_000
/** New hot keys of several nodes at once are one statement. */
const URGENT_MS = 50
const LEASE_TTL_MS = 10_000
const LEASE_RENEW_MS = 3_000
const ROLL_UP_MS = 10_000
/** An instance tells every five seconds, and its newest heartbeat alone is kept. */
const TOLD_COUNTS_MS = 2_000
const HOUR_MS = 3_600_000
/** A tick loop that has not run for so long is stuck. */
const STALLED_MS = 10_000
/** Within the five seconds that a stop may take. */
const FLUSH_MS = 2_500
const RELEASE_MS = 800

export class Collector {
  readonly metrics: CollectorMetrics
  readonly #options: CollectorOptions
  readonly #writer: Writer
  readonly #jobs: Periodic[]
  readonly #caches: WatchedCaches
  #urgent: NodeJS.Timeout | null = null
  readonly #startedAt: number
  #lastTickMs: number
  #stopping: Promise<void> | null = null
  #started = false

  constructor(options: CollectorOptions) {
    const { clock, logger, store, config } = options
    this.#options = options
    this.#startedAt = clock.now()
    this.#lastTickMs = clock.monotonic()
    this.metrics = new CollectorMetrics(() => this.#facts())
    this.#writer = new Writer({
      target: {
        saveTick: (tick, status) => saveTick(store, tick, status),
        saveTopology: (topology) => saveTopology(store, topology),
      },
      backlog: new Backlog(options.backlogBytes),
      status: () => this.#status(),
      onSaved: (ticks, elapsedMs) => this.metrics.countSaved(ticks, elapsedMs),
      clock,
      logger,
    })
    this.#caches = new WatchedCaches({
      ...options,
      caches: config.caches,
      onTopology: (topology) => this.#writer.push({ kind: 'topology', topology }),
      onUrgent: () => this.#hurry(),
      leaseTtlMs: options.lease?.ttlMs ?? LEASE_TTL_MS,
    })
    const job = (name: string, everyMs: number, run: () => Promise<void>) =>
      new Periodic(name, everyMs, run, clock, logger)
    this.#jobs = [
      job('tick', TICK_MS, () => this.#tick()),
      job('leases', options.lease?.renewMs ?? LEASE_RENEW_MS, () => this.#caches.renewLeases()),
      job('counts over HTTP', TOLD_COUNTS_MS, () => this.#caches.readToldCounts()),
      job('partitions', HOUR_MS, async () => void (await ensurePartitions(store, clock.now()))),
      job('roll-up', ROLL_UP_MS, async () => void (await rollUp(store, clock.now()))),
      job('retention', HOUR_MS, async () => void (await dropExpired(store, clock.now(), config.retention))),
    ]
  }

  /** Names the caches and begins. @throws CachescopeError store-* */
  async start(): Promise<void> {
    const { store, config, clock } = this.#options
    await saveCaches(store, config.caches.map(recordOf))
    await this.#tellAbandoned()
    await ensurePartitions(store, clock.now())
    this.#writer.start()
    for (const job of this.#jobs) job.start()
    this.#caches.start()
    this.#started = true
  }

  /** What was changed for a cache that is not configured any more stays changed: nobody else says so. */
  async #tellAbandoned(): Promise<void> {
    const { store, logger } = this.#options
    for (const { cacheId, mitigationIds } of await listAbandoned(store)) {
      logger.error(
        { cache: cacheId, mitigations: mitigationIds },
        'mitigations of a cache that is not in cachescope.yaml any more stay as they are: put it back, drain them, then take it out',
      )
    }
  }

  /** Saves what is there, releases the leases. Idempotent; ends within five seconds whatever Postgres does. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const { store, collectorId, logger } = this.#options
    const stopJobs = Promise.all(this.#jobs.map((job) => job.stop()))
    if (this.#urgent) clearTimeout(this.#urgent)
    await this.#caches.stop()
    if (this.#started) {
      await this.#tick()
      const left = await this.#writer.stop(FLUSH_MS)
      if (left > 0) logger.warn({ ticks: left }, 'stopped with ticks that PostgreSQL has not taken')
      await atMost(
        RELEASE_MS,
        releaseLeases(store, collectorId).catch(() => {}),
      )
    }
    await atMost(500, stopJobs)
  }

  health(): HealthReport {
    const facts = this.#facts()
    const isStalled = this.#options.clock.monotonic() - this.#lastTickMs > STALLED_MS
    const { bufferedTicks, bufferedBytes, droppedTicks } = facts
    return {
      status: isStalled ? 'stalled' : facts.isStoreAway ? 'degraded' : 'ok',
      message: isStalled
        ? 'No tick for ten seconds: the process is overloaded.'
        : facts.isStoreAway
          ? 'PostgreSQL does not answer; sampling goes on and ticks are kept in memory.'
          : null,
      collectorId: this.#options.collectorId,
      store: facts.isStoreAway ? 'away' : 'connected',
      bufferedTicks,
      bufferedBytes,
      droppedTicks,
      caches: facts.nodes.map(({ cacheId, states }) => ({ cacheId, nodes: Object.fromEntries(states) })),
    }
  }

  async #tick(): Promise<void> {
    const { clock } = this.#options
    this.#lastTickMs = clock.monotonic()
    const tick = mergeTicks(clock.now(), this.#caches.drain())
    this.metrics.countTick(tick)
    // An empty one is a sign of life, of no use once it is late.
    if (!isEmptyTick(tick) || this.#writer.bufferedTicks === 0) this.#writer.push({ kind: 'tick', tick })
  }

  /** A key has become hot: its row does not wait for the tick. */
  #hurry(): void {
    if (this.#urgent || this.#stopping) return
    this.#urgent = setTimeout(() => {
      this.#urgent = null
      const tick = mergeTicks(this.#options.clock.now(), this.#caches.drainHotKeys())
      this.metrics.countTick(tick)
      if (!isEmptyTick(tick)) this.#writer.push({ kind: 'tick', tick })
    }, URGENT_MS)
  }

  #status(): Omit<CollectorStatus, 'bufferedTicks' | 'droppedTicks'> {
    const { collectorId, version, clock } = this.#options
    return {
      collectorId,
      host: hostname(),
      pid: process.pid,
      version,
      startedAt: this.#startedAt,
      at: clock.now(),
      nodes: this.#caches.nodeCount,
    }
  }

  #facts(): CollectorFacts {
    return {
      isStoreAway: this.#writer.isAway,
      bufferedTicks: this.#writer.bufferedTicks,
      bufferedBytes: this.#writer.bufferedBytes,
      droppedTicks: this.#writer.droppedTicks,
      nodes: this.#caches.facts,
    }
  }
}

function recordOf(cache: CacheConfig): CacheRecord {
  const seeds = cache.seeds.map((seed) => seed.address)
  return {
    cacheId: cache.cacheId,
    kind: cache.kind,
    seeds,
    intervalMs: cache.intervalMs,
    mitigationsEnabled: cache.mitigations.enabled,
  }
}
