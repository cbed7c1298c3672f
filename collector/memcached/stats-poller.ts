/** Reads `stats` of one Memcached once a second: how busy it is, what its log loses, whether it is another one now. */
import { Sleeper } from '../clock.ts'
import { MemcachedFailure } from './failure.ts'
import { MemcachedConnection, type MemcachedPlace } from './memcached-connection.ts'
import {
  diffStats,
  isOther,
  type MemcachedStats,
  parseStats,
  type StatsDiff,
  type StatsReading,
} from './stats.ts'

export type StatsPollerOptions = {
  place: MemcachedPlace
  /** In [0, 1). */
  random(): number
  onDiff(diff: StatsDiff): void
  /** It was restarted. */
  onOther(): void
  /** One sentence; told for every failed poll. */
  onFailure(sentence: string): void
}

const POLL_MS = 1_000
const FIRST_POLL_MS = 300
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000

export class StatsPoller {
  /** As last read; null when never. */
  stats: MemcachedStats | null = null
  /** Uses of keys per second; null until two readings are there. */
  opsPerSec: number | null = null
  readonly #options: StatsPollerOptions
  readonly #connection: MemcachedConnection
  #previous: StatsReading | null = null
  #sleeper: Sleeper | null = null
  #running: Promise<void> | null = null

  constructor(options: StatsPollerOptions) {
    this.#options = options
    this.#connection = new MemcachedConnection(options.place)
  }

  get cost(): Readonly<{ commands: number; connections: number; bytes: number }> {
    return this.#connection.cost
  }

  /** It answered when it was last asked. */
  get isAnswering(): boolean {
    return this.#previous !== null
  }

  start(): void {
    this.#sleeper = new Sleeper()
    this.#running = this.#run(this.#sleeper)
  }

  async stop(): Promise<void> {
    this.#sleeper?.stop()
    this.#sleeper = null
    this.#connection.close()
    await this.#running
    this.#connection.close()
    this.#previous = null
    this.opsPerSec = null
  }

  async #run(sleeper: Sleeper): Promise<void> {
    let failures = 0
    for (;;) {
      const isFirst = this.#previous === null
      try {
        await this.#poll()
        failures = 0
      } catch (error) {
        if (this.#sleeper !== sleeper) return
        failures++
        this.#previous = null
        this.#options.onFailure(sentenceOf(error))
      }
      const delayMs =
        failures > 0 ? retryMs(failures, this.#options.random) : isFirst ? FIRST_POLL_MS : POLL_MS
      if (!(await sleeper.sleep(delayMs))) return
    }
  }

  async #poll(): Promise<void> {
    const lines = await this.#connection.stats()
    const reading = { stats: parseStats(lines), monotonicMs: performance.now() }
    const before = this.#previous
    if (this.stats !== null && isOther(this.stats, reading.stats)) {
      this.opsPerSec = null
      this.#options.onOther()
    }
    this.stats = reading.stats
    this.#previous = reading
    const diff = before === null ? null : diffStats(before, reading)
    if (diff === null) return
    this.opsPerSec = diff.opsPerSec
    this.#options.onDiff(diff)
  }
}

/** Doubles with every failure in a row, with jitter. */
export function retryMs(failures: number, random: () => number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS) * (0.5 + random())
}

function sentenceOf(error: unknown): string {
  return error instanceof MemcachedFailure
    ? error.message
    : 'The answer of the Memcached could not be read: hot keys are read again once it can.'
}
