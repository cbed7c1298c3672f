/**
 * The hot keys of one node, from budgeted MONITOR bursts: plan → burst → sketch → report.
 * One detector a node; the collector updates the facts each tick and asks for a report.
 */
import { randomInt } from 'node:crypto'
import {
  type BurstPlan,
  burstCostUs,
  type CostModel,
  costModel,
  gapMs,
  planBurst,
  remember,
  type Seen,
} from '../../core/hot-keys/budget.ts'
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'
import { guardRefusal } from '../../core/hot-keys/guards.ts'
import { clientRate, hotKeyRates } from '../../core/hot-keys/report.ts'
import { WINDOW_MS } from '../../core/hot-keys/window.ts'
import type { Watching } from '../../core/model.ts'
import {
  type HotKeyReport,
  type HotKeySource,
  type HotKeySourceOptions,
  type NodeFacts,
  noCost,
  type WatchingCost,
} from '../hot-keys/source-types.ts'
import { type Burst, type BurstResult, startBurst } from './burst.ts'
import { createStreamEngine } from './engine.ts'
import type { ParserCounts, StreamEngine } from './parser-types.ts'
import { describeFailure } from './refusals.ts'

const WAIT_FOR_FACTS_MS = 500
const GUARD_RETRY_MS = 2_000
const LASTING_RETRY_MS = 60_000
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
const MAX_LAG_MS = 40
/** More than are reported, for their order by rate is not quite that of the sketch. */
const MERGED_KEYS = 60

export function createMonitorSource(options: HotKeySourceOptions): HotKeySource {
  return new Detector(options)
}

class Detector implements HotKeySource {
  readonly cost: WatchingCost = noCost()
  refusal: string | null = null
  readonly #options: HotKeySourceOptions
  readonly #now: () => number
  readonly #random: () => number
  #table: CommandTable | null = null
  #engine: StreamEngine | null = null
  /** Of the server that the window and the table belong to. */
  #identity: string | null = null
  #earlier: Seen | null = null
  #failures = 0
  #running = false
  /** Grows with every start and stop: a round of an earlier one ends without a trace. */
  #generation = 0
  #timer: NodeJS.Timeout | null = null
  #burst: Burst | null = null

  constructor(options: HotKeySourceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#random = options.random ?? Math.random
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#generation++
    this.#schedule(this.#random() * WAIT_FOR_FACTS_MS)
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#generation++
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#burst?.abort()
    await this.#burst?.done
  }

  report(now: number): HotKeyReport | null {
    const { opsPerSec, callsPerCommand } = this.#options.nodeFacts()
    const merged = this.#engine?.merge(now, MERGED_KEYS) ?? null
    if (merged === null || opsPerSec === null || this.#table === null) return null
    const { commands } = this.#table
    const clientOpsPerSec = clientRate(opsPerSec, callsPerCommand, commands, merged)
    return {
      source: 'monitor',
      windowFrom: merged.from,
      windowTo: merged.to,
      sampledCommands: merged.commands,
      keys: hotKeyRates(merged, commands, clientOpsPerSec).map((rate) => ({
        ...rate,
        cpuShare: null,
        lfuCounter: null,
      })),
      patterns: [],
    }
  }

  get watching(): Watching {
    const { budget } = this.#options
    return {
      source: this.refusal === null ? 'monitor' : null,
      sources: [
        { source: 'monitor', state: this.refusal === null ? 'used' : 'refused', reason: this.refusal },
      ],
      budget,
      attention: null,
      predictedShare: null,
      measuredShare: null,
      lastBurst: null,
    }
  }

  #schedule(delayMs: number): void {
    if (!this.#running) return
    this.#timer = setTimeout(() => {
      this.#round().then(
        (nextMs) => nextMs !== null && this.#schedule(nextMs),
        (error: unknown) => {
          this.#options.logger.warn({ error: errorName(error) }, 'a MONITOR burst failed unexpectedly')
          this.#schedule(this.#retryMs())
        },
      )
    }, delayMs)
  }

  /** One burst, or the reason for none. @returns milliseconds to the next, null when stopped meanwhile */
  async #round(): Promise<number | null> {
    const generation = this.#generation
    const facts = this.#options.nodeFacts()
    this.#forgetIfChanged(facts)
    const guard = guardRefusal(facts)
    if (guard !== null) return this.#refuse(guard, GUARD_RETRY_MS)
    if (facts.opsPerSec === null) return WAIT_FOR_FACTS_MS
    const engine = this.#engine ?? (await this.#loadTable())
    if (generation !== this.#generation) return null
    if (engine === null) {
      return this.#refuse(
        "The node's command table (COMMAND) cannot be read: allow +command to see hot keys.",
        this.#retryMs(),
      )
    }
    const model = costModel(facts.version, this.#options.connection.tls !== null)
    const load = {
      opsPerSec: Math.max(facts.opsPerSec, seenRate(this.#earlier)),
      inputBytesPerCommand: facts.inputBytesPerCommand,
    }
    const plan = planBurst(model, load, this.#earlier, this.#options.budget)
    if (plan === null) {
      // What is refused is not measured again: the next plan goes by the network's figures.
      this.#earlier = null
      return this.#refuse(
        'Commands are so large that MONITOR would hold the node up: hot keys are read again once they are smaller.',
        GUARD_RETRY_MS,
      )
    }
    const result = await this.#runBurst(engine, facts, plan)
    const costUs = this.#settle(engine.counts, result, plan, model)
    await this.#learnNames(engine)
    if (generation !== this.#generation) return null
    const { end } = result
    if (end.kind === 'refused' || end.kind === 'failed') return this.#fail(end, result)
    this.#failures = 0
    const delayMs = gapMs(costUs, result.windowMs, this.#options.budget, this.#random())
    this.#setRefusal(delayMs < WINDOW_MS ? null : overspent(costUs, delayMs))
    return delayMs
  }

  async #runBurst(engine: StreamEngine, facts: NodeFacts, plan: BurstPlan): Promise<BurstResult> {
    const session = {
      ownAddresses: facts.ownAddresses,
      replica: facts.role === 'replica',
      primaryAddress: facts.role === 'replica' ? facts.primaryAddress : null,
    }
    this.#burst = startBurst(
      this.#options.connection,
      engine,
      session,
      { ...plan, maxLagMs: MAX_LAG_MS },
      this.#now,
    )
    try {
      return await this.#burst.done
    } finally {
      this.#burst = null
    }
  }

  /** Books what the burst cost. @returns microseconds of the node's time */
  #settle(counts: ParserCounts, result: BurstResult, plan: BurstPlan, model: CostModel): number {
    const seen: Seen = { commands: counts.lines, bytes: counts.bytes, windowMs: result.windowMs }
    // A busy node prints for more clients than one before it sends: what was not read has cost it all the same.
    const predictedUs = plan.predictedUs * Math.min(1, result.windowMs / plan.windowMs)
    const costUs = result.sentCommands === 0 ? 0 : Math.max(burstCostUs(model, seen), predictedUs)
    if (result.windowMs > 0) this.#earlier = remember(this.#earlier, seen)
    this.cost.commands += result.sentCommands
    if (result.sentCommands > 0) {
      this.cost.connections++
      this.#count('monitor')
      if (result.sentCommands > 1) this.#count('auth')
    }
    this.cost.bytes += result.sentBytes + counts.bytes
    this.cost.windowMs += result.windowMs
    this.cost.cpuUs += costUs
    this.#options.logger.debug({ end: result.end, costUs, ...counts, ...plan }, 'MONITOR burst')
    return costUs
  }

  #count(command: string): void {
    this.cost.byCommand.set(command, (this.cost.byCommand.get(command) ?? 0) + 1)
  }

  #fail(end: Extract<BurstResult['end'], { kind: 'refused' | 'failed' }>, result: BurstResult): number {
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
    if (sentence === null) this.#options.logger.info({ host, port }, 'hot keys are read again')
    else this.#options.logger.info({ host, port, refusal: sentence }, 'hot keys are not read')
  }

  /** A restart or a change of role: what was counted and measured belongs to another past. */
  #forgetIfChanged(facts: NodeFacts): void {
    if (facts.runId === null) return
    const identity = `${facts.runId} ${facts.role}`
    if (this.#identity !== null && this.#identity !== identity) {
      this.#engine?.close()
      this.#earlier = null
      this.#engine = null
      this.#table = null
    }
    this.#identity = identity
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

  async #loadTable(): Promise<StreamEngine | null> {
    try {
      this.#table = await this.#options.loadCommandTable()
    } catch (error) {
      this.#options.logger.debug({ error: errorName(error) }, 'COMMAND cannot be read')
      return null
    }
    this.#engine = createStreamEngine(this.#table, randomInt(2 ** 32))
    return this.#engine
  }
}

function seenRate(earlier: Seen | null): number {
  return earlier === null || earlier.windowMs < 1 ? 0 : (earlier.commands / earlier.windowMs) * 1_000
}

function overspent(costUs: number, delayMs: number): string {
  const costMs = Math.round(costUs / 1_000)
  return `The last look took ${costMs} ms of the node's time: the budget allows the next in ${Math.round(delayMs / 1_000)} s (a larger hotKeys.budget shortens this).`
}

/** Never the message: a driver's error can repeat the command that failed. */
function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
