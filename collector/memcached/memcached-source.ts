/**
 * The hot keys of one Memcached, from `watch fetchers mutations`: always on while it is quiet, in short windows when
 * it is busy. `stats`, on a second connection, says how many uses of keys there were, and how many lines were lost.
 */
import { randomInt } from 'node:crypto'
import { PatternLearner } from '../../core/hot-keys/patterns.ts'
import { hotKeyRates } from '../../core/hot-keys/report.ts'
import { UsedCommands } from '../../core/hot-keys/used-commands.ts'
import type { Watching } from '../../core/model.ts'
import { Sleeper } from '../clock.ts'
import type { KeyFacts } from '../hot-keys/key-prober.ts'
import {
  type HotKeyReport,
  type HotKeySource,
  noCost,
  type ReportedPattern,
  type SourceLogger,
  type WatchingCost,
} from '../hot-keys/source-types.ts'
import type { MemcachedFailure } from './failure.ts'
import { LossMeter, widen } from './loss.ts'
import type { MemcachedPlace } from './memcached-connection.ts'
import type { MemcachedStats } from './stats.ts'
import { retryMs, StatsPoller } from './stats-poller.ts'
import { planWatch, type WatchPlan, watchCostUs } from './watch-cost.ts'
import { memcachedCommands, WatchCounter } from './watch-counter.ts'
import { openWatchStream, type WatchStream } from './watch-stream.ts'

export type MemcachedSourceOptions = {
  host: string
  port: number
  /** Share of the time of the server's worker threads that watching may take. @default 0.01 */
  budget?: number
  /** New figures: about once a second. */
  onNews(): void
  logger: SourceLogger
  /** Epoch milliseconds. @default Date.now */
  now?: () => number
  /** In [0, 1). @default Math.random */
  random?: () => number
}

export type MemcachedSource = HotKeySource & {
  /** What the last looks at a key found; null when none was seen lately. `sizeBytes` is the value's. */
  facts(db: number, key: Uint8Array): KeyFacts | null
  /** As last read; null when never. */
  readonly stats: MemcachedStats | null
  /** It answered when it was last asked. */
  readonly isAnswering: boolean
  /** Uses of keys per second; null until known. */
  readonly opsPerSec: number | null
}

const WAIT_MS = 100
const MERGED_KEYS = 120
const BUDGET = 0.01
/** Of a Memcached that does not tell: what it comes with. */
const THREADS = 4

export function createMemcachedSource(options: MemcachedSourceOptions): MemcachedSource {
  return new WatchSource(options)
}

class WatchSource implements MemcachedSource {
  refusal: string | null = null
  readonly #options: MemcachedSourceOptions
  readonly #now: () => number
  readonly #random: () => number
  readonly #place: MemcachedPlace
  readonly #poller: StatsPoller
  readonly #counter = new WatchCounter(randomInt(2 ** 32))
  readonly #loss: LossMeter
  readonly #patterns = new PatternLearner()
  readonly #cost: WatchingCost = noCost()
  #stream: WatchStream | null = null
  #running: Promise<void> | null = null
  #sleeper: Sleeper | null = null
  #isContinuous = false
  #lines = 0

  constructor(options: MemcachedSourceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#random = options.random ?? Math.random
    const { host, port } = options
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    this.#place = { host, port, address }
    this.#loss = new LossMeter(this.#now)
    this.#poller = new StatsPoller({
      place: this.#place,
      random: this.#random,
      onDiff: ({ dropped }) => this.#noteDiff(dropped),
      onOther: () => this.#forget(),
      onFailure: (sentence) => this.#refuse(sentence),
    })
  }

  get stats(): MemcachedStats | null {
    return this.#poller.stats
  }

  get isAnswering(): boolean {
    return this.#poller.isAnswering
  }

  get opsPerSec(): number | null {
    return this.#poller.opsPerSec
  }

  get cost(): Readonly<WatchingCost> {
    const own = this.#poller.cost
    const open = this.#stream
    const isOpen = open !== null && open.openedAt !== null ? 1 : 0
    const windowMs = this.#cost.windowMs + isOpen * (performance.now() - (open?.openedAt ?? 0))
    const watches = (this.#cost.byCommand.get('watch') ?? 0) + isOpen
    return {
      ...this.#cost,
      commands: own.commands + watches,
      byCommand: new Map([
        ['stats', own.commands],
        ['watch', watches],
      ]),
      bytes: own.bytes + this.#cost.bytes + isOpen * (open?.bytes ?? 0),
      connections: own.connections + this.#cost.connections + isOpen,
      windowMs,
      cpuUs: watchCostUs(windowMs, this.#lines),
    }
  }

  get watching(): Watching {
    const state = this.refusal === null ? 'used' : 'refused'
    return {
      source: state === 'used' ? 'watch' : null,
      sources: [{ source: 'watch', state, reason: this.refusal ?? this.#loss.sentence }],
      budget: this.#options.budget ?? BUDGET,
      attention: null,
      predictedShare: this.opsPerSec === null || state === 'refused' ? null : this.#plan().predictedShare,
      measuredShare: null,
      lastBurst: null,
    }
  }

  start(): void {
    if (this.#sleeper !== null) return
    this.#sleeper = new Sleeper()
    this.#poller.start()
    this.#running = this.#run(this.#sleeper)
  }

  async stop(): Promise<void> {
    this.#sleeper?.stop()
    this.#sleeper = null
    this.#stream?.close()
    await Promise.all([this.#poller.stop(), this.#running])
    this.#forget()
  }

  report(now: number): HotKeyReport | null {
    this.#counter.settle(now)
    const merged = this.#counter.merge(now, MERGED_KEYS)
    const { opsPerSec } = this
    if (merged === null || opsPerSec === null) return null
    const { lost } = this.#loss
    const learner = this.#patterns
    const used = new UsedCommands(merged, memcachedCommands)
    let patterns: ReportedPattern[] | null = null
    return {
      source: 'watch',
      windowFrom: merged.from,
      windowTo: merged.to,
      sampledCommands: merged.commands,
      keys: hotKeyRates(merged, memcachedCommands, opsPerSec).map((rate) => widen(rate, lost)),
      commandsOf: (key) => used.of(key),
      // When they are asked for: most reports are looked at for their keys alone.
      get patterns() {
        patterns ??= learner.hotPatterns(merged, opsPerSec).map((rate) => widen(rate, lost))
        return patterns
      },
    }
  }

  facts(_db: number, key: Uint8Array): KeyFacts | null {
    return this.#counter.facts(key)
  }

  async #run(sleeper: Sleeper): Promise<void> {
    let failures = 0
    for (;;) {
      // Without an answer to `stats` there is nobody to watch; and how busy it is decides for how long.
      if (!this.#poller.isAnswering || this.opsPerSec === null) {
        if (!(await sleeper.sleep(WAIT_MS))) return
        continue
      }
      const plan = this.#plan()
      const failure = await this.#watch(plan)
      if (this.#sleeper !== sleeper) return
      failures = failure === null ? 0 : failures + 1
      if (failure !== null && this.#poller.isAnswering) this.#refuse(failure.message)
      const pauseMs = failure !== null ? retryMs(failures, this.#random) : this.#pauseMs(plan)
      if (!(await sleeper.sleep(pauseMs))) return
    }
  }

  async #watch({ windowMs: lengthMs }: WatchPlan): Promise<MemcachedFailure | null> {
    let timer: NodeJS.Timeout | null = null
    const stream = openWatchStream(
      this.#place,
      {
        onEvent: (event) => {
          this.#lines++
          this.#loss.noteLine()
          this.#counter.add(event, this.#now())
        },
        onSkipped: (count) => this.#loss.noteSkipped(count),
      },
      () => {
        this.#refuse(null)
        if (lengthMs !== null) timer = setTimeout(() => stream.close(), lengthMs)
      },
    )
    this.#stream = stream
    this.#isContinuous = lengthMs === null
    const { failure, windowMs, bytes } = await stream.done
    this.#stream = null
    if (timer !== null) clearTimeout(timer)
    this.#counter.settle(this.#now(), true)
    const connected = bytes > 0 ? 1 : 0
    this.#cost.byCommand.set('watch', (this.#cost.byCommand.get('watch') ?? 0) + connected)
    this.#cost.connections += connected
    this.#cost.bytes += bytes
    this.#cost.windowMs += windowMs
    return failure
  }

  #noteDiff(dropped: number | null): void {
    this.#loss.settle(dropped)
    if (this.#plan().duty < 1 && this.#isContinuous) this.#stream?.close()
    this.#options.onNews()
  }

  #plan(): WatchPlan {
    return planWatch(this.#options.budget ?? BUDGET, this.stats?.threads ?? THREADS, this.opsPerSec)
  }

  /** At random phase, so that what comes at intervals is not always or never seen. */
  #pauseMs({ duty, windowMs }: WatchPlan): number {
    return windowMs === null ? 0 : windowMs * (1 / duty - 1) * (0.5 + this.#random())
  }

  #refuse(sentence: string | null): void {
    if (this.refusal === sentence) return
    this.refusal = sentence
    const { host, port, logger } = this.#options
    if (sentence === null) logger.info({ host, port }, 'watch is used')
    else logger.info({ host, port, refusal: sentence }, 'watch is not used')
  }

  #forget(): void {
    this.#counter.reset()
    this.#patterns.forget()
    this.#loss.reset()
  }
}
