/** A node's hot-key detector, fed with what the node's readings say, its reports turned into rows. */
import type { CacheConfig } from '../../core/config.ts'
import type { NodeState, Watching } from '../../core/model.ts'
import type { HotKeySample } from '../../core/sample.ts'
import type { Clock } from '../clock.ts'
import type { Credentials, NodeConnection, NodePlace } from '../connection/node-connection.ts'
import { LagTracker } from '../lag-tracker.ts'
import type { Logger } from '../logger.ts'
import type { NodeReading, ShapedReading } from '../reading.ts'
import { formatAddress, numberField } from '../sources/info.ts'
import {
  type CreateHotKeySource,
  type HotKeySource,
  type HotKeySourceOptions,
  type NodeFacts,
  noCost,
  type WatchingCost,
} from './source-types.ts'

/** What is known of the node now; live. */
type WatchedNode = {
  readonly place: NodePlace
  readonly connection: NodeConnection
  readonly state: NodeState
  readonly reading: NodeReading | null
  readonly shaped: ShapedReading | null
}
export type HotKeyReporterOptions = {
  cache: CacheConfig
  credentials: Credentials
  watcher: WatchedNode
  loadCommandTable: HotKeySourceOptions['loadCommandTable']
  onHotKeys(samples: HotKeySample[]): void
  /** Why the node may not be read for hot keys now; null when it may. Asked every second. */
  hotKeyPause(): string | null
  /** Mean rate of the other shards' primaries; null where there is nothing to compare with. */
  siblingOpsPerSec?(): number | null
  createHotKeySource: CreateHotKeySource
  clock: Clock
  logger: Logger
}

const REPORT_MS = 5_000
const CHECK_MS = 1_000

export class HotKeyReporter {
  readonly #options: HotKeyReporterOptions
  readonly #detector: HotKeySource | null
  /** What this node alone can tell of its replication: enough to leave it in peace, soon enough. */
  readonly #lag = new LagTracker()
  #noted: NodeReading | null = null
  #timer: NodeJS.Timeout | null = null
  #pause: string | null = null
  #reported: { at: number; topKey: string } | null = null

  constructor(options: HotKeyReporterOptions) {
    this.#options = options
    const { watcher, credentials, cache, clock, logger } = options
    const { host, port } = watcher.place
    this.#detector = cache.hotKeys.enabled
      ? options.createHotKeySource({
          connection: { host, port, ...credentials },
          commands: watcher.connection,
          loadCommandTable: options.loadCommandTable,
          nodeFacts: () => this.#facts(),
          budget: cache.hotKeys.budget,
          maxLatencyMs: 20,
          onNews: () => this.#check(),
          logger,
          now: clock.now,
          random: clock.random,
        })
      : null
  }

  /** Why hot keys are not read here; null when they are. */
  get refusal(): string | null {
    return this.#detector
      ? (this.#pause ?? this.#detector.refusal)
      : 'Hot keys are switched off for this cache in cachescope.yaml.'
  }

  get cost(): Readonly<WatchingCost> {
    return this.#detector?.cost ?? noCost()
  }

  /** How they are read; null where they are switched off. */
  get watching(): Watching | null {
    return this.#detector?.watching ?? null
  }

  /** Idempotent. */
  start(): void {
    if (!this.#detector || this.#timer) return
    this.#pause = this.#options.hotKeyPause()
    if (this.#pause === null) this.#detector.start()
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer)
    await this.#detector?.stop()
  }

  #check(): void {
    const pause = this.#options.hotKeyPause()
    if (pause !== null && this.#pause === null) void this.#detector?.stop()
    if (pause === null && this.#pause !== null) this.#detector?.start()
    this.#pause = pause
    if (pause === null) this.#report()
  }

  #facts(): NodeFacts {
    const { reading, shaped, state, connection } = this.#options.watcher
    const info = reading?.info
    const primary = info?.primary ?? null
    const own = connection.ownAddress
    return {
      opsPerSec: shaped?.executedPerSec ?? null,
      siblingOpsPerSec: this.#options.siblingOpsPerSec?.() ?? null,
      cpuShare: shaped?.metrics.cpuShare ?? null,
      inputBytesPerCommand: shaped?.inputBytesPerCommand ?? null,
      usedMemoryBytes: shaped?.metrics.usedMemoryBytes ?? null,
      maxMemoryBytes: shaped?.metrics.maxMemoryBytes ?? null,
      maxMemoryPolicy: info?.fields.get('maxmemory_policy') ?? null,
      rssBytes: shaped?.metrics.rssBytes ?? null,
      systemMemoryBytes: info ? numberField(info, 'total_system_memory') : null,
      // What it was before it went away is no news: its replica may have its role by now.
      role: reading?.info.role ?? null,
      engine: info?.engine ?? null,
      version: info?.version ?? null,
      clusterEnabled: info?.fields.get('cluster_enabled') === '1',
      runId: info?.runId ?? null,
      loading: state === 'loading',
      failoverInProgress: (info?.fields.get('master_failover_state') ?? 'no-failover') !== 'no-failover',
      primaryAddress: primary ? formatAddress(primary.host, primary.port) : null,
      primaryLinkUp: primary ? primary.linkUp : null,
      replicationLagSeconds: reading && this.#lagSeconds(reading),
      ownAddresses: own === null ? [] : [own],
      callsPerCommand: shaped?.callsPerCommand ?? new Map(),
    }
  }

  #lagSeconds(reading: NodeReading): number | null {
    const { address } = this.#options.watcher.place
    if (reading !== this.#noted) this.#lag.note(address, reading)
    this.#noted = reading
    return reading.info.role === 'replica'
      ? this.#lag.measure(address, reading, null, 0).seconds
      : this.#lag.measureReplicas(address, reading)
  }

  /** Every five seconds, and at once when another key is on top. */
  #report(): void {
    const { clock, cache, watcher, onHotKeys } = this.#options
    const now = clock.now()
    const report = watcher.state === 'up' ? this.#detector?.report(now) : null
    const top = report?.keys[0]
    if (!report || !top) return
    const topKey = `${top.db} ${Buffer.from(top.key).toString('latin1')}`
    if (this.#reported && this.#reported.topKey === topKey && now - this.#reported.at < REPORT_MS) return
    this.#reported = { at: now, topKey }
    onHotKeys(
      report.keys.map((key, index) => ({
        ...key,
        rank: index + 1,
        sizeBytes: null,
        isMissing: null,
        probedAt: null,
        cacheId: cache.cacheId,
        address: watcher.place.address,
        at: report.windowTo,
        windowFrom: report.windowFrom,
        sampledCommands: report.sampledCommands,
        source: report.source,
      })),
    )
  }
}
