/**
 * One node's own loop: read, diff, hand on, and again; with back-off and jitter while it does not answer.
 * Nothing here waits for another node.
 */
import type { CacheConfig } from '../core/config.ts'
import type { EventSample, NodeAddress, NodeStatus } from '../core/sample.ts'
import { type Clock, Sleeper } from './clock.ts'
import type { CommandTables } from './command-tables.ts'
import { NodeFailure } from './connection/failure.ts'
import { type Credentials, NodeConnection, type NodePlace } from './connection/node-connection.ts'
import type { Claims } from './hot-keys/claims.ts'
import type { LookPace } from './hot-keys/look-pace.ts'
import type { CacheFacts } from './hot-keys/node-facts.ts'
import { HotKeyReporter, type HotKeyRows } from './hot-keys/reporter.ts'
import type { CreateHotKeySource, HotKeySourceOptions } from './hot-keys/source-types.ts'
import type { Logger } from './logger.ts'
import { emptyBill, type NodeBill } from './mitigations/node-bill.ts'
import { NodeReader, type SlowlogItem } from './node-reader.ts'
import { type NodeReading, type ShapedReading, shapeReading } from './reading.ts'
import { numberField } from './sources/info.ts'

export type NodeOutput = {
  onReading(watcher: NodeWatcher, reading: NodeReading, shaped: ShapedReading, slowlog: SlowlogItem[]): void
  onStatus(status: NodeStatus): void
  onEvent(event: EventSample): void
  onHotKeys(rows: HotKeyRows): void
  /** Something that a new discovery may explain: the node came, went, changed its role, or sees its cluster differently. */
  onChange(watcher: NodeWatcher): void
}
export type NodeWatcherOptions = CacheFacts & {
  cache: CacheConfig
  place: NodePlace
  credentials: Credentials
  /** When within the interval it reads, 0 to 1: nodes of a shard share it, so that their offsets compare. */
  phase: number
  output: NodeOutput
  /** Why it may not be read for hot keys now; null when it may. */
  hotKeyPause(): string | null
  /** What the applications ask of the keys that the node owns; null while none tells. */
  clientCounts?: HotKeySourceOptions['clientCounts']
  /** What mitigations have cost a node. */
  actionBill?(address: NodeAddress): NodeBill
  createHotKeySource: CreateHotKeySource
  claims?: Claims
  pace?: LookPace
  /** How often hot keys are reported while nothing is new. @default 5000 */
  reportEveryMs?: number
  tables: CommandTables
  clock: Clock
  logger: Logger
}

const FIRST_WITHIN_MS = 500
/** The first retries are quick: they tell a hiccup from a death. */
const RETRY_MS = [150, 500, 1_000, 1_500, 2_000, 3_000]
/** Wrong credentials do not mend themselves within seconds. */
const REFUSED_RETRY_MS = 10_000
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
  /** What that reading came to against the one before. */
  shaped: ShapedReading | null = null
  shardOrdinal: number | null = null
  readonly #options: NodeWatcherOptions
  readonly #reader: NodeReader
  readonly #sleeper = new Sleeper()
  readonly #hotKeys: HotKeyReporter
  #running: Promise<void> | null = null
  /** What the next reading is compared with; kept while the node is away. */
  #previous: NodeReading | null = null
  #failures = 0
  #successes = 0
  #wasUp = false
  #lost = false
  #stopped = false

  constructor(options: NodeWatcherOptions) {
    this.#options = options
    this.place = options.place
    this.connection = new NodeConnection(options.place, options.credentials)
    // A connection that the node closes is looked into at once, not at the next interval.
    this.connection.onClose = () => this.#sleeper.wake()
    this.#reader = new NodeReader(this.connection, options.tables, options.clock, options.logger)
    this.#hotKeys = new HotKeyReporter({
      ...options,
      watcher: this,
      loadCommandTable: (unknownNames) =>
        this.#reader.commandTable(this.reading?.info.runId ?? null, unknownNames),
      onHotKeys: options.output.onHotKeys,
    })
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#sleeper.stop()
    this.#stopped = true
    this.connection.close()
    await Promise.all([this.#hotKeys.stop(), this.#running])
    this.connection.close()
  }

  /** It does not serve, whether that was told as an event or not. */
  get isLost(): boolean {
    return this.#lost || !NOT_LOST.has(this.state)
  }

  async #run(): Promise<void> {
    const { clock, cache, phase } = this.#options
    let due = clock.monotonic()
    let isFirst = true
    // Hundreds of nodes are not connected to in one moment; half a second is soon enough for the first sample.
    if (!(await this.#sleeper.sleep(phase * Math.min(cache.intervalMs, FIRST_WITHIN_MS)))) return
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
        () => this.#hotKeys.cost,
        () => this.#options.actionBill?.(this.place.address) ?? emptyBill(),
      )
      if (this.#stopped) return false
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
      previous.cluster?.ok !== reading.cluster?.ok ||
      previous.cluster?.knownNodes !== reading.cluster?.knownNodes ||
      previous.info.replicas.length !== reading.info.replicas.length
    this.#previous = reading
    this.reading = reading
    this.shaped = shaped
    this.state = 'up'
    this.#failures = 0
    this.#successes++
    this.#tellBreak(shaped)
    if (this.#lost && this.#successes >= CONFIRMATIONS) {
      this.#lost = false
      this.#event('node-back', `${this.place.address} is back as ${reading.info.role}.`)
    }
    this.#wasUp = true
    this.#hotKeys.start()
    output.onStatus(this.#status(null, reading))
    output.onReading(this, reading, shaped, slowlog)
    if (changed) output.onChange(this)
  }

  #fail(failure: NodeFailure): void {
    const changed = this.state !== failure.state
    this.state = failure.state
    this.reading = null
    this.shaped = null
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
      hotKeysRefusal: this.#hotKeys.refusal,
      watching: this.#hotKeys.watching,
    }
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
