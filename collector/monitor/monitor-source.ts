/**
 * The hot keys of one node, from budgeted MONITOR bursts: plan → burst → engine → report.
 * One source a node; the collector brings the facts each tick and asks for a report.
 */
import { randomInt } from 'node:crypto'
import { type BurstPlan, UNGUARDED_WINDOW_MS } from '../../core/hot-keys/budget.ts'
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'
import { guardRefusal } from '../../core/hot-keys/guards.ts'
import { PatternLearner } from '../../core/hot-keys/patterns.ts'
import { clientRate, hotKeyRates } from '../../core/hot-keys/report.ts'
import { gapMs } from '../../core/hot-keys/schedule.ts'
import { UsedCommands } from '../../core/hot-keys/used-commands.ts'
import { WINDOW_MS } from '../../core/hot-keys/window.ts'
import type { Watching } from '../../core/model.ts'
import { Sleeper } from '../clock.ts'
import type {
  HotKeyReport,
  HotKeySource,
  HotKeySourceOptions,
  NodeFacts,
  ReportedPattern,
  WatchingCost,
} from '../hot-keys/source-types.ts'
import { type Burst, type BurstEnd, type BurstResult, startBurst } from './burst.ts'
import { BurstPlanner } from './burst-planner.ts'
import { CpuMeter } from './cpu-meter.ts'
import { createStreamEngine } from './engine.ts'
import { Ledger } from './ledger.ts'
import { OpeningRights } from './opening-rights.ts'
import { OutputGuard } from './output-guard.ts'
import type { ParserCounts, StreamEngine } from './parser-types.ts'
import { describeFailure } from './refusals.ts'

const WAIT_FOR_FACTS_MS = 500
const GUARD_RETRY_MS = 2_000
const LASTING_RETRY_MS = 60_000
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
const MAX_LAG_MS = 40
/** Of the node's memory: its own limit, and our watching it. */
const GUARDS = 2
/** More than are reported: a key that became hot in the last second is far behind in the window's order. */
const MERGED_KEYS = 300

export function createMonitorSource(options: HotKeySourceOptions): HotKeySource {
  return new MonitorSource(options)
}

class MonitorSource implements HotKeySource {
  refusal: string | null = null
  readonly #options: HotKeySourceOptions
  readonly #now: () => number
  readonly #random: () => number
  readonly #ledger: Ledger
  readonly #planner: BurstPlanner
  readonly #meter: CpuMeter
  readonly #guard: OutputGuard
  #table: CommandTable | null = null
  #engine: StreamEngine | null = null
  readonly #patterns = new PatternLearner()
  /** Of the server that the window and the table belong to. */
  #identity: string | null = null
  readonly #rights = new OpeningRights()
  #failures = 0
  #running = false
  /** Grows with every start and stop: a round of an earlier one ends without a trace. */
  #generation = 0
  #timer: NodeJS.Timeout | null = null
  #burst: Burst | null = null
  #sleeper = new Sleeper()

  constructor(options: HotKeySourceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#random = options.random ?? Math.random
    this.#ledger = new Ledger(this.#now)
    this.#planner = new BurstPlanner({ ...options, isTls: options.connection.tls !== null, now: this.#now })
    this.#meter = new CpuMeter(options.commands)
    this.#guard = new OutputGuard(options.commands, options.nodeFacts, options.connection.username)
  }

  get cost(): Readonly<WatchingCost> {
    return this.#ledger.cost
  }

  get watching(): Watching {
    const { predicted, measured } = this.#ledger.shares
    const isUsed = this.refusal === null
    return {
      source: isUsed ? 'monitor' : null,
      sources: [
        {
          source: 'monitor',
          state: isUsed ? 'used' : 'refused',
          reason: this.refusal ?? this.#unguarded,
        },
      ],
      budget: this.#options.budget,
      attention: this.#planner.attention,
      predictedShare: predicted,
      measuredShare: measured,
      lastBurst: this.#ledger.lastBurst,
    }
  }

  /** Which guards of the node's memory are missing, and what would lift it; null when none is. */
  get #unguarded(): string | null {
    const missing = this.#missingGuards
    if (missing.length === 0) return null
    if (missing.length === GUARDS) missing.push(`Windows are ${UNGUARDED_WINDOW_MS} ms long meanwhile.`)
    return missing.join(' ')
  }

  get #missingGuards(): string[] {
    const { nodeFacts, connection } = this.#options
    const limit = this.#rights.refusal(nodeFacts().version, connection.username)
    return [this.#guard.refusal, limit].filter((refusal) => refusal !== null)
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#generation++
    this.#sleeper = new Sleeper()
    this.#meter.forget()
    this.#schedule(this.#random() * WAIT_FOR_FACTS_MS)
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#generation++
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#sleeper.stop()
    this.#burst?.abort()
    await this.#burst?.done
    // Started again meanwhile: it is in use.
    if (!this.#running) this.#forget()
  }

  report(now: number): HotKeyReport | null {
    const { opsPerSec, callsPerCommand } = this.#options.nodeFacts()
    const merged = this.#engine?.merge(now, MERGED_KEYS) ?? null
    if (merged === null || opsPerSec === null || this.#table === null) return null
    const { commands } = this.#table
    const clientOpsPerSec = clientRate(opsPerSec, callsPerCommand, commands, merged)
    const keys = hotKeyRates(merged, commands, clientOpsPerSec)
    const learner = this.#patterns
    const used = new UsedCommands(merged, commands)
    let patterns: ReportedPattern[] | null = null
    this.#planner.noteTopKey(keys[0])
    return {
      source: 'monitor',
      windowFrom: merged.from,
      windowTo: merged.to,
      sampledCommands: merged.commands,
      keys,
      commandsOf: (key) => used.of(key),
      // When they are asked for: most reports are looked at for their keys alone.
      get patterns() {
        patterns ??= learner.hotPatterns(merged, clientOpsPerSec)
        return patterns
      },
    }
  }

  #schedule(delayMs: number): void {
    if (!this.#running) return
    const generation = this.#generation
    this.#timer = setTimeout(() => {
      this.#round(generation).then(
        (nextMs) => {
          if (nextMs !== null && generation === this.#generation) this.#schedule(nextMs)
        },
        (error: unknown) => {
          this.#options.logger.warn({ error: errorName(error) }, 'a MONITOR burst failed unexpectedly')
          if (generation === this.#generation) this.#schedule(this.#retryMs())
        },
      )
    }, delayMs)
  }

  /** One burst, or the reason for none. @returns milliseconds to the next, null when stopped meanwhile */
  async #round(generation: number): Promise<number | null> {
    const facts = this.#options.nodeFacts()
    this.#forgetIfChanged(facts)
    const guard = guardRefusal(facts)
    if (guard !== null) return this.#refuse(guard, GUARD_RETRY_MS)
    if (facts.opsPerSec === null) return WAIT_FOR_FACTS_MS
    const engine = this.#engine ?? (await this.#loadTable(generation))
    if (generation !== this.#generation) return null
    if (engine === null) {
      return this.#refuse(
        "The node's command table (COMMAND) cannot be read: allow +command to see hot keys.",
        this.#retryMs(),
      )
    }
    const isGuarded = this.#missingGuards.length < GUARDS
    const plan = this.#planner.plan(facts, facts.opsPerSec, this.#ledger.factor, isGuarded)
    if ('sentence' in plan) return this.#refuse(plan.sentence, plan.retryMs)
    return await this.#look(generation, engine, facts, plan)
  }

  /** @returns milliseconds to the next burst, null when stopped meanwhile */
  async #look(
    generation: number,
    engine: StreamEngine,
    facts: NodeFacts,
    plan: BurstPlan,
  ): Promise<number | null> {
    const manySections = takesManySections(facts.version)
    if (await this.#meter.prime(manySections)) return WAIT_FOR_FACTS_MS
    // Every burst: one in which a value of many megabytes passed looks from outside like any other.
    await this.#meter.begin(manySections)
    if (generation !== this.#generation) return null
    const { result, counts } = await this.#runBurst(engine, facts, plan)
    const predictedUs = this.#planner.learn(counts, result, plan)
    if (result.windowMs > 0 && counts.lines > 0) this.#options.onNews()
    const sleeper = this.#sleeper
    const isThere = result.end.kind !== 'failed' && result.end.kind !== 'aborted'
    const bracket = await this.#meter.end(manySections, predictedUs, (ms) =>
      isThere ? sleeper.sleep(ms) : Promise.resolve(false),
    )
    if (bracket !== null) this.#planner.learnOverrun(bracket, plan)
    const costUs = this.#ledger.settle({ ...plan, result, counts, predictedUs, bracket })
    const { host, port } = this.#options.connection
    this.#options.logger.debug({ host, port, end: result.end, costUs, ...counts, ...plan }, 'MONITOR burst')
    if (generation !== this.#generation) return null
    await this.#learnNames(engine)
    if (generation !== this.#generation) return null
    if (this.#rights.learn(result)) {
      const { host, port } = this.#options.connection
      const fields = { host, port, commands: result.refused }
      this.#options.logger.info(
        fields,
        'MONITOR runs without its output limit or its name: the node refuses them',
      )
    }
    const { end } = result
    if (end.kind === 'refused' || end.kind === 'failed') return this.#fail(end, result)
    this.#failures = 0
    const given = this.#planner.attention ?? 1
    const delayMs = gapMs(costUs, result.windowMs, this.#options.budget, given, this.#random())
    this.#setRefusal(delayMs < WINDOW_MS ? null : overspent(costUs, delayMs))
    return delayMs
  }

  async #runBurst(
    engine: StreamEngine,
    facts: NodeFacts,
    plan: BurstPlan,
  ): Promise<{ result: BurstResult; counts: ParserCounts }> {
    const session = {
      ownAddresses: facts.ownAddresses,
      replica: facts.role === 'replica',
      primaryAddress: facts.role === 'replica' ? facts.primaryAddress : null,
    }
    const opening = this.#rights.opening(facts.version)
    const stops = { ...plan, maxLagMs: MAX_LAG_MS }
    const bill = (names: string[], bytes: number) => this.#ledger.bill(names, bytes)
    const burst = startBurst(this.#options.connection, engine, session, stops, this.#now, opening, bill)
    this.#burst = burst
    const unwatch = this.#guard.watch(burst, plan.maxBytes)
    try {
      const result = await burst.done
      if (result.windowMs > 0 && burst.clientId === null) this.#guard.noteUnknownClient()
      // Copied at once: a stop that waits for the same end gives the engine's memory back.
      return { result, counts: { ...engine.counts } }
    } finally {
      unwatch()
      if (this.#burst === burst) this.#burst = null
    }
  }

  #fail(end: Extract<BurstEnd, { kind: 'refused' | 'failed' }>, result: BurstResult): number {
    // A connection that subscribed without HELLO cannot monitor: without both it can.
    if (end.kind === 'refused' && end.code === 'ERR' && result.refused.join() === 'hello') return 0
    const { sentence, lasting } = describeFailure(end, this.#options.connection.username)
    const delayMs = lasting ? LASTING_RETRY_MS * (0.5 + this.#random()) : this.#retryMs()
    // A connection that broke once while it was read says nothing yet.
    if (result.windowMs > 0 && this.#failures < 2) return delayMs
    return this.#refuse(sentence, delayMs)
  }

  /** Doubles with every failure in a row, with jitter. */
  #retryMs(): number {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS)
    this.#failures++
    return delayMs * (0.5 + this.#random())
  }

  #refuse(sentence: string, delayMs: number): number {
    this.#setRefusal(sentence)
    return delayMs
  }

  #setRefusal(sentence: string | null): void {
    if (this.refusal === sentence) return
    this.refusal = sentence
    const { host, port } = this.#options.connection
    if (sentence === null) this.#options.logger.info({ host, port }, 'MONITOR is used again')
    else this.#options.logger.info({ host, port, refusal: sentence }, 'MONITOR is not used')
  }

  /** A restart or a change of role: what was counted and measured belongs to another past. */
  #forgetIfChanged(facts: NodeFacts): void {
    if (facts.runId === null) return
    const identity = `${facts.runId} ${facts.role}`
    if (this.#identity !== null && this.#identity !== identity) {
      this.#forget()
      this.#planner.forget()
      this.#patterns.forget()
      this.#ledger.forget()
      this.#meter.forget()
      this.#guard.forget()
      this.#rights.forget()
    }
    this.#identity = identity
  }

  #forget(): void {
    this.#engine?.close()
    this.#engine = null
    this.#table = null
  }

  /** Renamed commands: the node is asked once what they are, and counting begins anew with their keys. */
  async #learnNames(engine: StreamEngine): Promise<void> {
    const names = engine.unknownNames
    if (names.length === 0) return
    try {
      const table = await this.#options.loadCommandTable(names)
      if (table === this.#table || engine !== this.#engine) return
      engine.close()
      this.#table = table
      this.#engine = createStreamEngine(table, randomInt(2 ** 32))
    } catch (error) {
      this.#options.logger.debug({ error: errorName(error) }, 'COMMAND INFO cannot be read')
    }
  }

  /** @returns null where COMMAND cannot be read, and for a round that has been stopped meanwhile */
  async #loadTable(generation: number): Promise<StreamEngine | null> {
    try {
      const table = await this.#options.loadCommandTable()
      if (generation !== this.#generation) return null
      this.#table = table
      this.#engine = createStreamEngine(table, randomInt(2 ** 32))
    } catch (error) {
      this.#options.logger.debug({ error: errorName(error) }, 'COMMAND cannot be read')
      return null
    }
    return this.#engine
  }
}

function overspent(costUs: number, delayMs: number): string {
  const costMs = Math.round(costUs / 1_000)
  return `The last look took ${costMs} ms of the node's time: the budget allows the next in ${Math.round(delayMs / 1_000)} s (a larger hotKeys.budget shortens this).`
}

/** INFO takes more than one section from Redis 7 on. */
function takesManySections(version: string | null): boolean {
  return Number((version ?? '').split('.')[0]) >= 7
}

/** Never the message: a driver's error can repeat the command that failed. */
function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
