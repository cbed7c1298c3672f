/**
 * Saves ticks and topologies, one at a time and in order. While Postgres is away they wait in the backlog; an item
 * that the store refuses for a reason of its own is tried again, then given up, so that it blocks nobody.
 */
import { CachescopeError } from '../core/errors.ts'
import type { CollectorStatus, Tick, Topology } from '../core/sample.ts'
import type { Backlog } from './backlog.ts'
import { type Clock, Sleeper } from './clock.ts'
import type { Logger } from './logger.ts'
import { type Item, mergeTicks } from './tick.ts'

export type SaveTarget = {
  /** @throws CachescopeError store-unreachable */
  saveTick(tick: Tick, collector: CollectorStatus): Promise<void>
  saveTopology(topology: Topology): Promise<void>
}
export type WriterOptions = {
  target: SaveTarget
  backlog: Backlog
  /** The collector's own row, written with every tick; the writer adds its counts. */
  status(): Omit<CollectorStatus, 'bufferedTicks' | 'droppedTicks'>
  onSaved(ticks: number, elapsedMs: number): void
  clock: Clock
  logger: Logger
  /** Between two attempts. @default 1000 */
  retryMs?: number
}

/** Items that wait as they are; more go to the backlog as bytes. */
const MAX_LIVE = 4
/** Ticks saved as one while a backlog drains: fewer after a failure, for a large one may be what failed. */
const MAX_BATCH = 20
const RETRY_MS = 1_000
const POISON_ATTEMPTS = 3
const REMIND_MS = 60_000

export class Writer {
  readonly #options: WriterOptions
  readonly #sleeper = new Sleeper()
  #live: Item[] = []
  #running: Promise<void> | null = null
  #stopAt: number | null = null
  #isAway = false
  #batch = 1
  #attempts = 0
  #givenUp = 0
  #remindedAt = 0
  #saving = 0

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** Postgres does not answer, by the last attempt. */
  get isAway(): boolean {
    return this.#isAway
  }
  get bufferedTicks(): number {
    const live = this.#live.filter((item) => item.kind === 'tick').length
    return live + this.#options.backlog.ticks + this.#saving
  }
  get bufferedBytes(): number {
    return this.#options.backlog.bytes
  }
  /** Ticks given up, for want of room or because the store refused them. */
  get droppedTicks(): number {
    return this.#options.backlog.dropped + this.#givenUp
  }

  start(): void {
    this.#running ??= this.#run()
  }

  push(item: Item): void {
    const { backlog } = this.#options
    if (this.#isAway || backlog.length > 0) backlog.push(item)
    else this.#live.push(item)
    if (this.#live.length > MAX_LIVE) this.#setAside()
    this.#sleeper.wake()
  }

  /** Saves what waits, for at most `withinMs`. @returns how many ticks were left unsaved */
  async stop(withinMs: number): Promise<number> {
    this.#stopAt = this.#options.clock.monotonic() + withinMs
    this.#sleeper.wake()
    if (this.#running) {
      const end = new Sleeper()
      await Promise.race([this.#running, end.sleep(withinMs)])
      end.stop()
    }
    this.#sleeper.stop()
    return this.bufferedTicks
  }

  async #run(): Promise<void> {
    for (;;) {
      const isStopping = this.#stopAt !== null
      if (isStopping && (this.#options.clock.monotonic() >= (this.#stopAt ?? 0) || this.#isEmpty())) return
      if (this.#isEmpty()) {
        if (!(await this.#sleeper.sleep(REMIND_MS))) return
        continue
      }
      const isSaved = await this.#saveNext()
      if (!isSaved && !(await this.#pause())) return
    }
  }

  #isEmpty(): boolean {
    return this.#live.length === 0 && this.#options.backlog.length === 0
  }

  /** A new tick's arrival does not end it. */
  async #pause(): Promise<boolean> {
    const { clock } = this.#options
    const until = clock.monotonic() + (this.#options.retryMs ?? RETRY_MS) * (0.8 + 0.4 * clock.random())
    for (let left = until - clock.monotonic(); left > 0; left = until - clock.monotonic()) {
      if (this.#stopAt !== null && clock.monotonic() >= this.#stopAt) return false
      if (!(await this.#sleeper.sleep(left))) return false
    }
    return true
  }

  async #saveNext(): Promise<boolean> {
    const { backlog, clock, onSaved } = this.#options
    const items = backlog.length > 0 ? backlog.take(this.#batch) : this.#live.splice(0, 1)
    const ticks = items.filter((item) => item.kind === 'tick').length
    this.#saving = ticks
    const started = clock.monotonic()
    let saved = 0
    try {
      for (const group of groupsOf(items)) {
        await this.#save(group)
        saved += group.length
      }
      this.#saving = 0
      this.#succeed()
      onSaved(ticks, clock.monotonic() - started)
      return true
    } catch (error) {
      this.#saving = 0
      this.#fail(items.slice(saved), error)
      return false
    }
  }

  async #save(group: Item[]): Promise<void> {
    const [first] = group
    if (first?.kind === 'topology') return await this.#options.target.saveTopology(first.topology)
    const ticks = group.flatMap((item) => (item.kind === 'tick' ? [item.tick] : []))
    const last = ticks.at(-1)
    if (!last) return
    const tick = ticks.length === 1 ? last : mergeTicks(last.at, ticks)
    const counts = { bufferedTicks: this.bufferedTicks - ticks.length, droppedTicks: this.droppedTicks }
    await this.#options.target.saveTick(tick, { ...this.#options.status(), ...counts })
  }

  #succeed(): void {
    const { backlog, logger } = this.#options
    this.#attempts = 0
    if (this.#isAway) {
      this.#isAway = false
      logger.info({ bufferedTicks: this.bufferedTicks }, 'PostgreSQL is back; what was kept is being written')
    }
    if (backlog.length > 0) this.#batch = Math.min(MAX_BATCH, this.#batch * 2)
    else this.#batch = 1
  }

  #fail(unsaved: Item[], error: unknown): void {
    const { backlog, logger, clock } = this.#options
    const isAway = error instanceof CachescopeError && error.code.startsWith('store-')
    const wasBatch = this.#batch > 1
    this.#batch = 1
    this.#setAside()
    if (isAway) {
      backlog.restore(unsaved)
      if (!this.#isAway || clock.monotonic() - this.#remindedAt > REMIND_MS) {
        this.#remindedAt = clock.monotonic()
        const counts = {
          bufferedTicks: this.bufferedTicks,
          bufferedBytes: backlog.bytes,
          droppedTicks: this.droppedTicks,
        }
        logger.warn(counts, `${error.message} Sampling goes on; ticks are kept in memory.`)
      }
      this.#isAway = true
      return
    }
    // Each item alone, and then alone again: only the one at fault is given up.
    this.#attempts = wasBatch ? 0 : this.#attempts + 1
    const isPoison = this.#attempts >= POISON_ATTEMPTS
    const fields = { error: error instanceof Error ? error.name : typeof error, code: codeOf(error) }
    logger.error(fields, isPoison ? 'the store refuses a tick; it is given up' : 'the store refuses a tick')
    if (isPoison) {
      this.#attempts = 0
      if (unsaved[0]?.kind === 'tick') this.#givenUp++
    }
    backlog.restore(isPoison ? unsaved.slice(1) : unsaved)
  }

  /** From here on everything queues behind what waits. */
  #setAside(): void {
    for (const item of this.#live.splice(0)) this.#options.backlog.push(item)
  }
}

/** Ticks in a row are saved as one; a topology alone, in its place. */
function groupsOf(items: Item[]): Item[][] {
  const groups: Item[][] = []
  for (const item of items) {
    const last = groups.at(-1)
    if (item.kind === 'tick' && last?.[0]?.kind === 'tick') last.push(item)
    else groups.push([item])
  }
  return groups
}

function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : null
}
