/** A node's source of hot keys, fed with what the node's readings say, its reports turned into rows. */
import type { CacheConfig } from '../../core/config.ts'
import type { Watching } from '../../core/model.ts'
import type { HotKeySample, HotPatternSample } from '../../core/sample.ts'
import type { Clock } from '../clock.ts'
import type { Credentials } from '../connection/node-connection.ts'
import type { Logger } from '../logger.ts'
import type { Claims } from './claims.ts'
import { KeyProber } from './key-prober.ts'
import type { LookPace } from './look-pace.ts'
import { type CacheFacts, FactsOfNode, type WatchedNode } from './node-facts.ts'
import { ReportedKeys, selectKeys } from './selection.ts'
import {
  type CreateHotKeySource,
  type HotKeyReport,
  type HotKeySource,
  type HotKeySourceOptions,
  noCost,
  type WatchingCost,
} from './source-types.ts'

export type HotKeyRows = {
  keys: HotKeySample[]
  patterns: HotPatternSample[]
  /** A key has become hot: nobody should wait for the next tick to see it. */
  isUrgent: boolean
}
export type HotKeyReporterOptions = CacheFacts & {
  cache: CacheConfig
  credentials: Credentials
  watcher: WatchedNode
  loadCommandTable: HotKeySourceOptions['loadCommandTable']
  clientCounts?: HotKeySourceOptions['clientCounts']
  onHotKeys(rows: HotKeyRows): void
  /** Why the node may not be read for hot keys now; null when it may. Asked every second. */
  hotKeyPause(): string | null
  createHotKeySource: CreateHotKeySource
  /** Shared by all reporters of the process. */
  claims?: Claims
  pace?: LookPace
  /** How often rows are made while nothing is new. @default 5000 */
  reportEveryMs?: number
  clock: Clock
  logger: Logger
}

const REPORT_MS = 5_000
/** Patterns move slowly, and there are as many of them as of keys. */
const PATTERNS_EVERY = 3
const CHECK_MS = 1_000
/** Between two looks at what bursts bring, and between two reports that cannot wait. */
const LOOK_MS = 100
const URGENT_MS = 300

export class HotKeyReporter {
  readonly #options: HotKeyReporterOptions
  readonly #source: HotKeySource | null
  readonly #facts: FactsOfNode
  readonly #prober: KeyProber
  readonly #reported = new ReportedKeys()
  #timer: NodeJS.Timeout | null = null
  #pause: string | null = null
  #lookedAt = Number.NEGATIVE_INFINITY
  #reportedAt = Number.NEGATIVE_INFINITY
  #patternsAt = Number.NEGATIVE_INFINITY

  constructor(options: HotKeyReporterOptions) {
    this.#options = options
    const { watcher, credentials, cache, clock, logger } = options
    const { host, port, address } = watcher.place
    const { enabled, budget } = cache.hotKeys.nodes.get(address) ?? cache.hotKeys
    this.#facts = new FactsOfNode(watcher, options)
    this.#prober = new KeyProber({
      commands: watcher.connection,
      clusterEnabled: () => this.#facts.read().clusterEnabled,
      now: clock.now,
    })
    this.#source = enabled
      ? options.createHotKeySource({
          connection: { host, port, ...credentials },
          commands: watcher.connection,
          loadCommandTable: options.loadCommandTable,
          nodeFacts: () => this.#facts.read(),
          clientCounts: options.clientCounts,
          budget,
          maxLatencyMs: cache.hotKeys.maxLatencyMs,
          onNews: () => this.#look(),
          logger,
          now: clock.now,
          random: clock.random,
        })
      : null
  }

  /** Why hot keys are not read here; null when they are. */
  get refusal(): string | null {
    if (this.#source) return this.#pause ?? this.#source.refusal
    const { cache, watcher } = this.#options
    return cache.hotKeys.enabled
      ? `Hot keys are switched off for ${watcher.place.address} in cachescope.yaml.`
      : 'Hot keys are switched off for this cache in cachescope.yaml.'
  }

  /** What watching has cost; the probes of keys are in the bill of the node's ordinary connection. */
  get cost(): Readonly<WatchingCost> {
    const cost = this.#source?.cost ?? noCost()
    const { hits, misses } = this.#prober.cost
    return { ...cost, hits: cost.hits + hits, misses: cost.misses + misses }
  }

  /** How hot keys are read; null where they are switched off. */
  get watching(): Watching | null {
    return this.#source?.watching ?? null
  }

  /** Idempotent. */
  start(): void {
    if (!this.#source || this.#timer) return
    this.#pause = this.#whyPaused()
    if (this.#pause === null) this.#source.start()
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer)
    await this.#source?.stop()
    this.#options.claims?.release(this)
  }

  #whyPaused(): string | null {
    const { hotKeyPause, claims, watcher, cache } = this.#options
    const pause = hotKeyPause()
    if (pause !== null || !claims) return pause
    const { address } = watcher.place
    const server = watcher.reading?.info.runId ?? address
    const other = claims.claim(server, this, `${cache.cacheId} (${address})`)
    return other === null
      ? null
      : `The server is read for hot keys as a node of ${other} already: leave it to one cache in cachescope.yaml.`
  }

  #check(): void {
    const pause = this.#whyPaused()
    if (pause !== null && this.#pause === null) void this.#source?.stop()
    if (pause === null && this.#pause !== null) this.#source?.start()
    this.#pause = pause
    this.#look()
  }

  /** At once when another key has become hot, else in the usual rhythm. */
  #look(): void {
    const { clock, watcher, pace, reportEveryMs = REPORT_MS } = this.#options
    const now = clock.now()
    if (this.#pause !== null || watcher.state !== 'up' || now - this.#lookedAt < LOOK_MS) return
    // A tick of the clock early is on time: the check has the same rhythm as the reports.
    const isDue = now - this.#reportedAt >= reportEveryMs - LOOK_MS
    if (!isDue && pace?.isFree === false) return
    this.#lookedAt = now
    const startedAt = clock.monotonic()
    const report = this.#source?.report(now)
    // Patterns are costly to ask for: whether there is anything to tell is known without them.
    if (report && (report.keys.length > 0 || (report.sampledCommands ?? 0) > 0)) {
      this.#prober.ask(report.keys)
      const isUrgent = now - this.#reportedAt >= URGENT_MS && this.#reported.hasNews(report.keys, now)
      if (isDue || isUrgent) this.#send(report, now, isUrgent)
    }
    pace?.spend(clock.monotonic() - startedAt)
  }

  #send(report: HotKeyReport, now: number, isUrgent: boolean): void {
    const { cache, watcher, onHotKeys, reportEveryMs = REPORT_MS } = this.#options
    const of = {
      cacheId: cache.cacheId,
      address: watcher.place.address,
      at: report.windowTo,
      windowFrom: report.windowFrom,
      sampledCommands: report.sampledCommands,
      source: report.source,
    }
    const keys = selectKeys(report, ({ db, key }) => this.#prober.facts(db, key))
    const withPatterns = now - this.#patternsAt >= reportEveryMs * PATTERNS_EVERY - LOOK_MS
    this.#reported.note(report.keys, now)
    this.#reportedAt = now
    if (withPatterns) this.#patternsAt = now
    onHotKeys({
      keys: keys.map((key) => ({ ...key, ...of })),
      patterns: withPatterns
        ? report.patterns.map((pattern, index) => ({ ...pattern, ...of, rank: index + 1 }))
        : [],
      isUrgent,
    })
  }
}
