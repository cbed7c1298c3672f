/**
 * The caches that this collector watches: those whose leases it holds, each with its watcher and its mitigations.
 * Another collector may have a cache from the moment at which its lease is in doubt.
 */
import type { ConnectionOptions } from 'node:tls'
import type { CacheConfig } from '../core/config.ts'
import type { Tick, Topology } from '../core/sample.ts'
import type { Store } from '../store/client.ts'
import { acquireLeases } from '../store/leases.ts'
import { listRunning } from '../store/mitigation-progress.ts'
import { listTopologies } from '../store/topology.ts'
import { CacheWatcher } from './cache-watcher.ts'
import { atMost, type Clock } from './clock.ts'
import { CommandTables } from './command-tables.ts'
import { Claims } from './hot-keys/claims.ts'
import { ClientCountsOfCache } from './hot-keys/client-counts.ts'
import { LookPace } from './hot-keys/look-pace.ts'
import type { CreateHotKeySource } from './hot-keys/source-types.ts'
import { ToldCounts } from './hot-keys/told-counts.ts'
import type { Logger } from './logger.ts'
import type { CollectorFacts } from './metrics.ts'
import type { Checkpoint } from './mitigations/action.ts'
import { actionCredentials } from './mitigations/credentials.ts'
import { Mitigator } from './mitigations/mitigator.ts'

export type WatchedCachesOptions = {
  collectorId: string
  caches: readonly CacheConfig[]
  /** Per cache, the options of its TLS connections; null for plain ones. */
  tls: ReadonlyMap<string, ConnectionOptions | null>
  store: Store
  createHotKeySource: CreateHotKeySource
  onTopology(topology: Topology): void
  /** A key has become hot: `drainHotKeys` has its row. */
  onUrgent(): void
  leaseTtlMs: number
  checkpoint?: Checkpoint
  clock: Clock
  logger: Logger
}

/** Bursts end so long before the lease does: they are told within a second, and the last one takes its time. */
const LEASE_MARGIN_MS = 2_000
const LEASE_LOST =
  'Hot keys are read again once PostgreSQL answers: another collector may have taken the cache over meanwhile.'

export class WatchedCaches {
  readonly #options: WatchedCachesOptions
  readonly #watchers = new Map<string, CacheWatcher>()
  readonly #appCounts = new Map<string, ClientCountsOfCache>()
  readonly #toldCounts: ToldCounts
  /** Per cache, until when no other collector can hold it, by the monotonic clock. */
  readonly #heldUntil = new Map<string, number>()
  readonly #tables = new CommandTables()
  readonly #claims = new Claims()
  readonly #pace: LookPace
  readonly #mitigator: Mitigator
  #stopped = false

  constructor(options: WatchedCachesOptions) {
    const { clock, logger, store } = options
    this.#options = options
    this.#pace = new LookPace(clock)
    this.#mitigator = new Mitigator(store, clock, logger)
    this.#toldCounts = new ToldCounts(store)
  }

  get facts(): CollectorFacts['nodes'] {
    return [...this.#watchers.values()].map(({ cacheId, states }) => ({ cacheId, states }))
  }

  get nodeCount(): number {
    return [...this.#watchers.values()].reduce((sum, watcher) => sum + watcher.nodeCount, 0)
  }

  /** Mitigations are looked at from now on; a cache is watched once its lease is held. */
  start(): void {
    this.#mitigator.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await atMost(1_000, this.#mitigator.stop())
    await atMost(1_000, Promise.all([...this.#watchers.values()].map((watcher) => watcher.stop())))
  }

  /** What came in since the last call. */
  drain(): Omit<Tick, 'at'>[] {
    return [...this.#watchers.values()].map((watcher) => watcher.drain())
  }

  /** Of what came in since, hot keys alone. */
  drainHotKeys(): Omit<Tick, 'at'>[] {
    return [...this.#watchers.values()].map((watcher) => watcher.drainHotKeys())
  }

  /** What applications tell over HTTP. @throws CachescopeError store-unreachable */
  readToldCounts(): Promise<void> {
    return this.#toldCounts.read(this.#appCounts, this.#options.clock.now())
  }

  /**
   * Without Postgres sampling goes on: two who read a node do no harm, nobody who does leaves a gap. MONITOR is paused,
   * for another that still reaches Postgres may have begun its own.
   */
  async renewLeases(): Promise<void> {
    const { store, collectorId, caches, leaseTtlMs, clock } = this.#options
    const cacheIds = caches.map((cache) => cache.cacheId)
    const heldUntil = clock.monotonic() + leaseTtlMs
    const held = new Set(await acquireLeases(store, collectorId, cacheIds, leaseTtlMs))
    for (const cacheId of held) this.#heldUntil.set(cacheId, heldUntil)
    const taken = caches.filter((cache) => held.has(cache.cacheId) && !this.#watchers.has(cache.cacheId))
    if (taken.length > 0) {
      const [remembered, left] = await Promise.all([
        listTopologies(store),
        listRunning(
          store,
          taken.map((cache) => cache.cacheId),
        ),
      ])
      if (this.#stopped) return
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
    const { clock, logger, createHotKeySource, onTopology, onUrgent, tls } = this.#options
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
      onTopology,
      createHotKeySource,
      onUrgent,
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
    return leftMs > Math.min(LEASE_MARGIN_MS, this.#options.leaseTtlMs / 5)
  }
}
