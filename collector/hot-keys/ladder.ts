/**
 * All sources of a node's hot keys as one. MONITOR, within its budget, is the main one: it alone tells reads from
 * writes and gives every key an interval. While it is refused the next best goes on: Valkey's HOTKEYS (rates), Redis'
 * (command time), what applications with the library count themselves (rates of theirs), SLOT-STATS (slots narrowed to
 * keys), OBJECT FREQ (a rank). Redis' also adds to what MONITOR saw.
 */
import type { Watching } from '../../core/model.ts'
import { createMonitorSource } from '../monitor/monitor-source.ts'
import { ClientSource } from './client-source.ts'
import { RedisHotkeysSource } from './engine-hotkeys-redis.ts'
import { ValkeyHotkeysSource } from './engine-hotkeys-valkey.ts'
import { LfuSource } from './lfu-source.ts'
import type { Rung } from './rung.ts'
import { SlotStatsSource } from './slot-stats-source.ts'
import {
  type CreateHotKeySource,
  type HotKeyReport,
  type HotKeySource,
  type HotKeySourceOptions,
  noCost,
  type ReportedKey,
  type WatchingCost,
} from './source-types.ts'

const TEND_MS = 1_000
/** A refusal of MONITOR that is shorter than this is not worth another source. */
const FALL_BACK_AFTER_MS = 3_000
/** And the other goes on for so long once MONITOR is back. */
const LET_GO_AFTER_MS = 30_000

/** @param createMain what is used while it is not refused @default createMonitorSource */
export function createHotKeyLadder(
  options: HotKeySourceOptions,
  createMain: CreateHotKeySource = createMonitorSource,
): HotKeySource {
  return new Ladder(options, createMain)
}

class Ladder implements HotKeySource {
  readonly #options: HotKeySourceOptions
  readonly #main: HotKeySource
  readonly #hotkeys: { redis: RedisHotkeysSource; valkey: ValkeyHotkeysSource }
  readonly #client: ClientSource
  readonly #slotStats: SlotStatsSource
  readonly #lfu: LfuSource
  #timer: NodeJS.Timeout | null = null
  #tending: Promise<void> | null = null
  #refusedSince: number | null = null
  #backSince: number | null = null
  #fallsBack = false

  constructor(options: HotKeySourceOptions, createMain: CreateHotKeySource) {
    this.#options = options
    this.#main = createMain(options)
    this.#hotkeys = { redis: new RedisHotkeysSource(options), valkey: new ValkeyHotkeysSource(options) }
    this.#client = new ClientSource(options)
    this.#lfu = new LfuSource(options)
    this.#slotStats = new SlotStatsSource(options, (keys) => this.#lfu.frequencies(keys))
  }

  get refusal(): string | null {
    if (this.#main.refusal === null) return null
    return this.#used() === null ? this.#main.refusal : null
  }

  get cost(): Readonly<WatchingCost> {
    return [this.#main, ...this.#rungs()].reduce((sum, { cost }) => addCost(sum, cost), noCost())
  }

  get watching(): Watching {
    const main = this.#main.watching
    const others = this.#rungs().flatMap(({ watching }) => watching.sources)
    return {
      ...main,
      source: this.#main.refusal === null ? main.source : (this.#used()?.source ?? null),
      sources: [...main.sources, ...others],
    }
  }

  start(): void {
    this.#main.start()
    if (this.#timer !== null) return
    this.#timer = setInterval(() => this.#tend(), TEND_MS)
    this.#tend()
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#refusedSince = null
    this.#backSince = null
    this.#fallsBack = false
    await this.#tending
    await Promise.all([this.#main.stop(), ...this.#rungs().map((rung) => rung.stop())])
  }

  report(now: number): HotKeyReport | null {
    const report = this.#main.report(now)
    if (this.#main.refusal === null) return report && this.#withCpuShares(report, now)
    // What MONITOR saw before it was refused is still the best until it is out of the window.
    if (report !== null && report.keys.length > 0) return this.#withCpuShares(report, now)
    for (const rung of this.#fallbacks()) {
      const other = rung.isRunning && rung.state === 'ready' ? rung.report(now) : null
      if (other !== null && other.keys.length > 0) return other
    }
    return null
  }

  /** Every source but MONITOR, the best first. */
  #rungs(): Rung[] {
    return [this.#engineHotkeys(), this.#client, this.#slotStats, this.#lfu]
  }

  #fallbacks(): Rung[] {
    return this.#rungs().filter(({ state }) => state === 'ready')
  }

  #used(): Rung | null {
    return this.#fallbacks().find(({ isRunning }) => isRunning) ?? null
  }

  /** Two commands have one name: which one it is, the engine says. */
  #engineHotkeys(): RedisHotkeysSource | ValkeyHotkeysSource {
    return this.#options.nodeFacts().engine === 'valkey' ? this.#hotkeys.valkey : this.#hotkeys.redis
  }

  #tend(): void {
    this.#tending ??= this.#arrange().finally(() => {
      this.#tending = null
    })
  }

  async #arrange(): Promise<void> {
    // Before the first reading nothing is known that a rung goes by.
    if (this.#options.nodeFacts().runId === null) return
    this.#noteMain(this.#options.now?.() ?? Date.now())
    for (const rung of this.#rungs()) {
      await rung.check()
      if (this.#timer === null) return
      const isWanted = rung.state === 'ready' && (this.#fallsBack || rung === this.#hotkeys.redis)
      if (isWanted) rung.start()
      else if (rung.isRunning) await rung.stop()
    }
  }

  #noteMain(now: number): void {
    if (this.#main.refusal === null) {
      this.#refusedSince = null
      this.#backSince ??= now
      if (now - this.#backSince >= LET_GO_AFTER_MS) this.#fallsBack = false
    } else {
      this.#backSince = null
      this.#refusedSince ??= now
      if (now - this.#refusedSince >= FALL_BACK_AFTER_MS) this.#fallsBack = true
    }
  }

  #withCpuShares(report: HotKeyReport, now: number): HotKeyReport {
    const shares = this.#hotkeys.redis.cpuShares(now)
    if (shares.length === 0) return report
    const byKey = new Map(shares.map(({ key, cpuShare }) => [textOf(key), cpuShare]))
    const timesSeen = new Map<string, number>()
    for (const { key } of report.keys) timesSeen.set(textOf(key), (timesSeen.get(textOf(key)) ?? 0) + 1)
    const keys = report.keys.map((row): ReportedKey => {
      const id = textOf(row.key)
      // HOTKEYS tells no database: of two keys of one name it is not known which it means.
      return timesSeen.get(id) === 1 ? { ...row, cpuShare: byKey.get(id) ?? null } : row
    })
    // The same report: a copy would learn the patterns of each, which few are asked for.
    return Object.assign(report, { keys })
  }
}

const textOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1')

function addCost(sum: WatchingCost, cost: Readonly<WatchingCost>): WatchingCost {
  for (const [name, count] of cost.byCommand) sum.byCommand.set(name, (sum.byCommand.get(name) ?? 0) + count)
  return {
    commands: sum.commands + cost.commands,
    byCommand: sum.byCommand,
    bytes: sum.bytes + cost.bytes,
    connections: sum.connections + cost.connections,
    hits: sum.hits + cost.hits,
    misses: sum.misses + cost.misses,
    windowMs: sum.windowMs + cost.windowMs,
    cpuUs: sum.cpuUs + cost.cpuUs,
  }
}
