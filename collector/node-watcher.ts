/**
 * One node's own loop: read, diff, hand on, and again; with back-off and jitter while it does not answer.
 * Nothing here waits for another node.
 */
import type { CacheConfig } from '../core/config.ts'
import type { EventSample, HotKeySample, NodeStatus } from '../core/sample.ts'
import { type Clock, Sleeper } from './clock.ts'
import { NodeFailure } from './connection/failure.ts'
import { type Credentials, NodeConnection, type NodePlace } from './connection/node-connection.ts'
import type { Logger } from './logger.ts'
import type { HotKeyDetector, HotKeyDetectorOptions, NodeFacts } from './monitor/detector.ts'
import { NodeReader, type SlowlogItem, type WatchingCost } from './node-reader.ts'
import { type NodeReading, type ShapedReading, shapeReading } from './reading.ts'
import { formatAddress, numberField } from './sources/info.ts'

export type NodeOutput = {
  onReading(watcher: NodeWatcher, reading: NodeReading, shaped: ShapedReading, slowlog: SlowlogItem[]): void
  onStatus(status: NodeStatus): void
  onEvent(event: EventSample): void
  onHotKeys(samples: HotKeySample[]): void
  /** Something that a new discovery may explain: the node came, went, or changed its role or epoch. */
  onChange(watcher: NodeWatcher): void
}
export type CreateDetector = (options: HotKeyDetectorOptions) => HotKeyDetector
export type NodeWatcherOptions = {
  cache: CacheConfig
  place: NodePlace
  credentials: Credentials
  /** When within the interval it reads, 0 to 1: nodes of a shard share it, so that their offsets compare. */
  phase: number
  output: NodeOutput
  createDetector: CreateDetector
  clock: Clock
  logger: Logger
}

/** The first retries are quick: they tell a hiccup from a death. */
const RETRY_MS = [150, 500, 1_000, 1_500, 2_000, 3_000]
/** Wrong credentials do not mend themselves within seconds. */
const REFUSED_RETRY_MS = 10_000
const REPORT_MS = 5_000
const REPORT_CHECK_MS = 1_000
/** States in which the node serves nobody, or not us. */
const NOT_LOST = new Set<NodeStatus['state']>(['pending', 'up', 'loading', 'busy', 'denied'])
/** Readings in a row that must agree before a node is called lost, or back. */
const CONFIRMATIONS = 2

export class NodeWatcher {
  readonly place: NodePlace
  readonly connection: NodeConnection
  state: NodeStatus['state'] = 'pending'
  /** The last good reading while it is up; null otherwise. */
  reading: NodeReading | null = null
  shardOrdinal: number | null = null
  readonly #options: NodeWatcherOptions
  readonly #reader: NodeReader
  readonly #sleeper = new Sleeper()
  readonly #detector: HotKeyDetector | null
  #running: Promise<void> | null = null
  #reporting: NodeJS.Timeout | null = null
  #shaped: ShapedReading | null = null
  /** What the next reading is compared with; kept while the node is away. */
  #previous: NodeReading | null = null
  #failures = 0
  #successes = 0
  #wasUp = false
  #lost = false
  #stopped = false
  #reported: { at: number; topKey: string } | null = null

  constructor(options: NodeWatcherOptions) {
    this.#options = options
    this.place = options.place
    this.connection = new NodeConnection(options.place, options.credentials)
    // A connection that the node closes is looked into at once, not at the next interval.
    this.connection.onClose = () => this.#sleeper.wake()
    this.#reader = new NodeReader(this.connection, options.clock, options.logger)
    this.#detector = options.cache.hotKeys.enabled ? options.createDetector(this.#detectorOptions()) : null
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#sleeper.stop()
    if (this.#reporting) clearInterval(this.#reporting)
    this.#stopped = true
    this.connection.close()
    await Promise.all([this.#detector?.stop(), this.#running])
    this.connection.close()
  }

  /** Asks now instead of at the next interval. */
  wake(): void {
    this.#sleeper.wake()
  }

  /** It does not serve, whether that was told as an event or not. */
  get isLost(): boolean {
    return this.#lost || !NOT_LOST.has(this.state)
  }

  async #run(): Promise<void> {
    const { clock, cache, phase } = this.#options
    let due = clock.monotonic()
    let isFirst = true
    for (;;) {
      const isUp = await this.#tick()
      const now = clock.monotonic()
      if (!isUp) {
        isFirst = true
        if (!(await this.#sleeper.sleep(this.#backOffMs()))) return
        continue
      }
      // Every node has its moment within the interval; a late reading skips moments, it does not queue them.
      const moment = phase * cache.intervalMs
      const next = Math.ceil((now - moment) / cache.intervalMs) * cache.intervalMs + moment
      due = isFirst ? next : Math.max(due + cache.intervalMs, next)
      if (due - now > cache.intervalMs) due = next
      isFirst = false
      if (!(await this.#sleeper.sleep(due - now))) return
    }
  }

  #backOffMs(): number {
    const base =
      this.state === 'auth-failed' || this.state === 'auth-required'
        ? REFUSED_RETRY_MS
        : (RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1] ?? 3_000)
    return base * (0.8 + 0.4 * this.#options.clock.random())
  }

  async #tick(): Promise<boolean> {
    try {
      if (!this.connection.isOpen) await this.connection.open()
      const { reading, slowlog } = await this.#reader.read(
        this.#options.cache.kind === 'cluster',
        this.#cost(),
      )
      this.#succeed(reading, slowlog)
      return true
    } catch (error) {
      if (this.#stopped) return false
      if (!(error instanceof NodeFailure)) this.#logUnexpected(error)
      this.#fail(
        error instanceof NodeFailure
          ? error
          : new NodeFailure({
              state: 'error',
              message: `The reply of ${this.place.address} could not be read.`,
            }),
      )
      return false
    }
  }

  #succeed(reading: NodeReading, slowlog: SlowlogItem[]): void {
    const { output } = this.#options
    const previous = this.#previous
    const shaped = shapeReading(previous, reading)
    const changed =
      this.state !== 'up' ||
      previous?.info.role !== reading.info.role ||
      previous.cluster?.epoch !== reading.cluster?.epoch ||
      previous.info.replicas.length !== reading.info.replicas.length
    this.#previous = reading
    this.reading = reading
    this.#shaped = shaped
    this.state = 'up'
    this.#failures = 0
    this.#successes++
    this.#tellBreak(shaped)
    if (this.#lost && this.#successes >= CONFIRMATIONS) {
      this.#lost = false
      this.#event('node-back', `${this.place.address} is back as ${reading.info.role}.`)
    }
    this.#wasUp = true
    this.#startWatching()
    output.onStatus(this.#status(null, reading))
    output.onReading(this, reading, shaped, slowlog)
    if (changed) output.onChange(this)
  }

  #fail(failure: NodeFailure): void {
    const changed = this.state !== failure.state
    this.state = failure.state
    this.reading = null
    this.#shaped = null
    this.#failures++
    this.#successes = 0
    if (this.#wasUp && !this.#lost && this.#failures >= CONFIRMATIONS && !NOT_LOST.has(failure.state)) {
      this.#lost = true
      this.#event('node-lost', failure.message)
    }
    this.#options.output.onStatus(this.#status(failure.message, null))
    if (changed) {
      const { logger, cache } = this.#options
      logger.info({ cache: cache.cacheId, node: this.place.address, state: failure.state }, failure.message)
      this.#options.output.onChange(this)
    }
  }

  #tellBreak(shaped: ShapedReading): void {
    const { address } = this.place
    if (shaped.diff.break === 'restart') this.#event('restart', `${address} was restarted.`)
    if (shaped.diff.break === 'counters-reset') {
      this.#event('counters-reset', `The counters of ${address} were reset.`)
    }
  }

  #event(kind: EventSample['kind'], message: string): void {
    this.#options.output.onEvent({
      at: this.#options.clock.now(),
      cacheId: this.#options.cache.cacheId,
      address: this.place.address,
      shardOrdinal: this.shardOrdinal,
      kind,
      message,
    })
  }

  #status(message: string | null, reading: NodeReading | null): NodeStatus {
    const known = reading ?? this.#previous
    const info = known?.info
    return {
      cacheId: this.#options.cache.cacheId,
      address: this.place.address,
      at: this.#options.clock.now(),
      state: this.state,
      message,
      // What it was before it went away is no news: its replica may have its role by now.
      role: reading?.info.role ?? null,
      version: info?.version ?? null,
      engine: info?.engine ?? null,
      uptimeSeconds: reading ? numberField(reading.info, 'uptime_in_seconds') : null,
      maxMemoryPolicy: info?.fields.get('maxmemory_policy') ?? null,
      maxClients: info ? numberField(info, 'maxclients') : null,
      hotKeysRefusal: this.#refusal(),
    }
  }

  #refusal(): string | null {
    if (!this.#detector) return 'Hot keys are switched off for this cache in cachescope.yaml.'
    return this.#detector.refusal
  }

  #cost(): WatchingCost {
    const { commands, bytes, cpuUs } = this.#detector?.cost ?? { commands: 0, bytes: 0, cpuUs: 0 }
    return { commands, bytes, cpuUs, signsIn: this.#options.credentials.password !== null }
  }

  #detectorOptions(): HotKeyDetectorOptions {
    const { place, credentials, cache, clock, logger } = this.#options
    const { host, port } = place
    return {
      connection: { host, port, ...credentials },
      loadCommandTable: () => this.connection.callBuffer('COMMAND'),
      nodeFacts: () => this.#facts(),
      budget: cache.hotKeys.budget,
      logger,
      now: clock.now,
      random: clock.random,
    }
  }

  #facts(): NodeFacts {
    const { reading } = this
    const shaped = this.#shaped
    const info = reading?.info
    const primary = info?.primary ?? null
    const own = this.connection.ownAddress
    return {
      opsPerSec: shaped?.metrics.opsPerSec ?? null,
      inputBytesPerCommand: shaped?.inputBytesPerCommand ?? null,
      usedMemoryBytes: shaped?.metrics.usedMemoryBytes ?? null,
      maxMemoryBytes: shaped?.metrics.maxMemoryBytes ?? null,
      // What it was before it went away is no news: its replica may have its role by now.
      role: reading?.info.role ?? null,
      version: info?.version ?? null,
      runId: info?.runId ?? null,
      loading: this.state === 'loading',
      failoverInProgress: (info?.fields.get('master_failover_state') ?? 'no-failover') !== 'no-failover',
      primaryAddress: primary ? formatAddress(primary.host, primary.port) : null,
      primaryLinkUp: primary ? primary.linkUp : null,
      ownAddresses: own === null ? [] : [own],
      callsPerCommand: shaped?.callsPerCommand ?? new Map(),
    }
  }

  #startWatching(): void {
    if (!this.#detector || this.#reporting) return
    this.#detector.start()
    this.#reporting = setInterval(() => this.#report(), REPORT_CHECK_MS)
  }

  /** Every five seconds, and at once when another key is on top. */
  #report(): void {
    const { clock, cache, output } = this.#options
    const now = clock.now()
    const report = this.state === 'up' ? this.#detector?.report(now) : null
    const top = report?.keys[0]
    if (!report || !top) return
    const topKey = `${top.db} ${Buffer.from(top.key).toString('latin1')}`
    if (this.#reported && this.#reported.topKey === topKey && now - this.#reported.at < REPORT_MS) return
    this.#reported = { at: now, topKey }
    output.onHotKeys(
      report.keys.map((key) => ({
        ...key,
        cacheId: cache.cacheId,
        address: this.place.address,
        at: report.windowTo,
        windowFrom: report.windowFrom,
        sampledCommands: report.sampledCommands,
        source: 'monitor' as const,
      })),
    )
  }

  #logUnexpected(error: unknown): void {
    // The name and place only: a message may repeat a reply.
    const stack = error instanceof Error ? error.stack?.split('\n').slice(1, 3).join(' ').trim() : undefined
    const name = error instanceof Error ? error.name : typeof error
    this.#options.logger.error(
      { node: this.place.address, error: name, at: stack },
      'a reading failed unexpectedly',
    )
  }
}
