/** Puts the parts together: leases decide which caches are watched here, every tick goes to the writer. */
import { hostname } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import type { CacheConfig, Config } from '../core/config.ts'
import type { CacheRecord, CollectorStatus, Topology } from '../core/sample.ts'
import type { Store } from '../store/client.ts'
import { acquireLeases, releaseLeases } from '../store/leases.ts'
import { dropExpired, ensurePartitions, rollUp } from '../store/maintenance.ts'
import { listRunning } from '../store/mitigation-progress.ts'
import { saveTick } from '../store/tick.ts'
import { listTopologies, saveCaches, saveTopology } from '../store/topology.ts'
import { Backlog } from './backlog.ts'
import { CacheWatcher } from './cache-watcher.ts'
import type { Clock } from './clock.ts'
import { CommandTables } from './command-tables.ts'
import type { HealthReport } from './health-server.ts'
import { Claims } from './hot-keys/claims.ts'
import { ClientCountsOfCache } from './hot-keys/client-counts.ts'
import { LookPace } from './hot-keys/look-pace.ts'
import type { CreateHotKeySource } from './hot-keys/source-types.ts'
import { ToldCounts } from './hot-keys/told-counts.ts'
import type { Logger } from './logger.ts'
import { type CollectorFacts, CollectorMetrics } from './metrics.ts'
import type { Checkpoint } from './mitigations/action.ts'
import { actionCredentials } from './mitigations/credentials.ts'
import { Mitigator } from './mitigations/mitigator.ts'
import { Periodic } from './periodic.ts'
import { isEmptyTick, mergeTicks } from './tick.ts'
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
/** Bursts end so long before the lease does: they are told within a second, and the last one takes its time. */
const LEASE_MARGIN_MS = 2_000
const LEASE_LOST =
  'Hot keys are read again once PostgreSQL answers: another collector may have taken the cache over meanwhile.'
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
  readonly #watchers = new Map<string, CacheWatcher>()
  readonly #appCounts = new Map<string, ClientCountsOfCache>()
  readonly #toldCounts: ToldCounts
  /** Per cache, until when no other collector can hold it, by the monotonic clock. */
  readonly #heldUntil = new Map<string, number>()
  readonly #tables = new CommandTables()
  readonly #claims = new Claims()
  readonly #pace: LookPace
  readonly #mitigator: Mitigator
  readonly #leaseTtlMs: number
  #urgent: NodeJS.Timeout | null = null
  readonly #startedAt: number
  #lastTickMs: number
  #stopping: Promise<void> | null = null
  #started = false

  constructor(options: CollectorOptions) {
    const { clock, logger, store, config } = options
    this.#options = options
    this.#startedAt = clock.now()
    this.#pace = new LookPace(clock)
    this.#mitigator = new Mitigator(store, clock, logger)
    this.#toldCounts = new ToldCounts(store)
    this.#leaseTtlMs = options.lease?.ttlMs ?? LEASE_TTL_MS
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
    const job = (name: string, everyMs: number, run: () => Promise<void>) =>
      new Periodic(name, everyMs, run, clock, logger)
    this.#jobs = [
      job('tick', TICK_MS, () => this.#tick()),
      job('leases', options.lease?.renewMs ?? LEASE_RENEW_MS, () => this.#renewLeases()),
      job('counts over HTTP', TOLD_COUNTS_MS, () => this.#toldCounts.read(this.#appCounts, clock.now())),
      job('partitions', HOUR_MS, async () => void (await ensurePartitions(store, clock.now()))),
      job('roll-up', ROLL_UP_MS, async () => void (await rollUp(store, clock.now()))),
      job('retention', HOUR_MS, async () => void (await dropExpired(store, clock.now(), config.retention))),
    ]
  }

  /** Names the caches and begins. @throws CachescopeError store-* */
  async start(): Promise<void> {
    const { store, config, clock } = this.#options
    await saveCaches(store, config.caches.map(recordOf))
    await ensurePartitions(store, clock.now())
    this.#writer.start()
    for (const job of this.#jobs) job.start()
    this.#mitigator.start()
    this.#started = true
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
    await atMost(1_000, this.#mitigator.stop())
    await atMost(1_000, Promise.all([...this.#watchers.values()].map((watcher) => watcher.stop())))
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
    const tick = mergeTicks(
      clock.now(),
      [...this.#watchers.values()].map((watcher) => watcher.drain()),
    )
    this.metrics.countTick(tick)
    // An empty one is a sign of life, of no use once it is late.
    if (!isEmptyTick(tick) || this.#writer.bufferedTicks === 0) this.#writer.push({ kind: 'tick', tick })
  }

  /** A key has become hot: its row does not wait for the tick. */
  #hurry(): void {
    if (this.#urgent || this.#stopping) return
    this.#urgent = setTimeout(() => {
      this.#urgent = null
      const tick = mergeTicks(
        this.#options.clock.now(),
        [...this.#watchers.values()].map((watcher) => watcher.drainHotKeys()),
      )
      this.metrics.countTick(tick)
      if (!isEmptyTick(tick)) this.#writer.push({ kind: 'tick', tick })
    }, URGENT_MS)
  }

  /**
   * Without Postgres sampling goes on: two who read a node do no harm, nobody who does leaves a gap. MONITOR is paused,
   * for another that still reaches Postgres may have begun its own.
   */
  async #renewLeases(): Promise<void> {
    const { store, collectorId, config, clock } = this.#options
    const cacheIds = config.caches.map((cache) => cache.cacheId)
    const heldUntil = clock.monotonic() + this.#leaseTtlMs
    const held = new Set(await acquireLeases(store, collectorId, cacheIds, this.#leaseTtlMs))
    for (const cacheId of held) this.#heldUntil.set(cacheId, heldUntil)
    const taken = config.caches.filter(
      (cache) => held.has(cache.cacheId) && !this.#watchers.has(cache.cacheId),
    )
    if (taken.length > 0) {
      const [remembered, left] = await Promise.all([
        listTopologies(store),
        listRunning(
          store,
          taken.map((cache) => cache.cacheId),
        ),
      ])
      if (this.#stopping) return
      // Where they are switched off by now, what was begun before is ended.
      const changed = new Set(left.mitigations.map((mitigation) => mitigation.cacheId))
      for (const cache of taken) {
        this.#watch(cache, remembered, cache.mitigations.enabled || changed.has(cache.cacheId))
      }
    }
    for (const [cacheId, watcher] of this.#watchers) {
      if (held.has(cacheId)) continue
      this.#watchers.delete(cacheId)
      this.#appCounts.delete(cacheId)
      this.#options.logger.info({ cache: cacheId }, 'another collector has taken the cache')
      await Promise.all([this.#mitigator.detach(cacheId), watcher.stop()])
    }
  }

  #watch(cache: CacheConfig, remembered: readonly Topology[], isMitigated: boolean): void {
    const { clock, logger, createHotKeySource, tls } = this.#options
    logger.info({ cache: cache.cacheId, kind: cache.kind }, 'the cache is watched by this collector')
    const appCounts = new ClientCountsOfCache(() => clock.now())
    this.#appCounts.set(cache.cacheId, appCounts)
    const watcher = new CacheWatcher({
      cache,
      appCounts,
      credentials: {
        username: cache.username,
        password: cache.password,
        tls: tls.get(cache.cacheId) ?? null,
      },
      previous: remembered.find((topology) => topology.cacheId === cache.cacheId) ?? null,
      hotKeyPause: () => (this.#isHeld(cache.cacheId) ? null : LEASE_LOST),
      actionBill: (address) => this.#mitigator.billOf(cache.cacheId, address),
      onTopology: (topology) => this.#writer.push({ kind: 'topology', topology }),
      createHotKeySource,
      onUrgent: () => this.#hurry(),
      claims: this.#claims,
      pace: this.#pace,
      tables: this.#tables,
      clock,
      logger,
    })
    this.#watchers.set(cache.cacheId, watcher)
    watcher.start()
    if (isMitigated) this.#mitigate(cache, watcher, appCounts)
  }

  #mitigate(cache: CacheConfig, watcher: CacheWatcher, appCounts: ClientCountsOfCache): void {
    const { collectorId, tls, checkpoint } = this.#options
    this.#mitigator.attach({
      collectorId,
      cache,
      credentialsOf: actionCredentials(cache, tls.get(cache.cacheId) ?? null),
      topology: () => watcher.topology,
      rediscover: () => watcher.rediscover(),
      reading: (address) => watcher.reading(address),
      lagSeconds: (address) => watcher.lagSeconds(address),
      isHeld: () => this.#isHeld(cache.cacheId),
      onHeartbeat: (heartbeat, seenAt) => appCounts.note(heartbeat, seenAt),
      waitsBetween: (key, from, to) => appCounts.waits.of(key, from, to),
      checkpoint,
    })
  }

  /** Whether no other collector can have the cache, for as long as what is under way takes. */
  #isHeld(cacheId: string): boolean {
    const leftMs = (this.#heldUntil.get(cacheId) ?? 0) - this.#options.clock.monotonic()
    return leftMs > Math.min(LEASE_MARGIN_MS, this.#leaseTtlMs / 5)
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
      nodes: [...this.#watchers.values()].reduce((sum, watcher) => sum + watcher.nodeCount, 0),
    }
  }

  #facts(): CollectorFacts {
    return {
      isStoreAway: this.#writer.isAway,
      bufferedTicks: this.#writer.bufferedTicks,
      bufferedBytes: this.#writer.bufferedBytes,
      droppedTicks: this.#writer.droppedTicks,
      nodes: [...this.#watchers.values()].map(({ cacheId, states }) => ({ cacheId, states })),
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

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, limit])
  clearTimeout(timer)
}
