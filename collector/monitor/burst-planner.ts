/** What the bursts of a node have taught about it, and what the next one may be. */
import {
  type BurstPlan,
  burstCostUs,
  type CostModel,
  costModel,
  planBurst,
  remember,
  type Seen,
  UNGUARDED_WINDOW_MS,
} from '../../core/hot-keys/budget.ts'
import type { Bracket } from '../../core/hot-keys/calibration.ts'
import { attention } from '../../core/hot-keys/schedule.ts'
import type { NodeFacts } from '../hot-keys/source-types.ts'
import type { BurstResult } from './burst.ts'
import type { ParserCounts } from './parser-types.ts'

const SOON_MS = 2_000
const LATER_MS = 60_000

/** One sentence: why there is to be no burst now and what would lift it; and when to look again. */
export type NoPlan = { sentence: string; retryMs: number }
export type PlannerOptions = { isTls: boolean; budget: number; maxLatencyMs: number; now: () => number }

export class BurstPlanner {
  /** Of the budget, what the node is given now; null before the first plan. */
  attention: number | null = null
  readonly #options: PlannerOptions
  #model: CostModel = costModel(null, false)
  #earlier: Seen | null = null
  /** Of the last two bursts, by how much the node printed longer than the window. */
  #overrunsMs: number[] = []
  #topKey: string | null = null
  #topKeyMovedAt: number | null = null

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /** Another server answers, or counting begins anew. */
  forget(): void {
    this.#earlier = null
    this.#overrunsMs = []
    this.#topKey = null
    this.#topKeyMovedAt = null
  }

  noteTopKey(top: { db: number; key: Uint8Array } | undefined): void {
    const key = top === undefined ? null : `${top.db} ${Buffer.from(top.key).toString('latin1')}`
    if (key === this.#topKey) return
    this.#topKeyMovedAt = this.#options.now()
    this.#topKey = key
  }

  /**
   * @param factor what measuring has found the model's cost to be multiplied with
   * @param isGuarded whether anything but ourselves would end a MONITOR that is not read
   */
  plan(facts: NodeFacts, opsPerSec: number, factor: number, isGuarded = true): BurstPlan | NoPlan {
    const { isTls, budget, maxLatencyMs, now } = this.#options
    this.#model = costModel(facts.version, isTls)
    this.attention = attention({
      opsPerSec,
      siblingOpsPerSec: facts.siblingOpsPerSec,
      topKeyMovedMsAgo: this.#topKeyMovedAt === null ? null : now() - this.#topKeyMovedAt,
    })
    const overrunMs = this.#overrunMs
    const load = {
      opsPerSec: Math.max(opsPerSec, seenRate(this.#earlier)),
      inputBytesPerCommand: facts.inputBytesPerCommand,
      cpuShare: facts.cpuShare,
      overrunMs,
    }
    const maxWindowMs = isGuarded ? undefined : UNGUARDED_WINDOW_MS
    const limits = { budget: budget * this.attention, maxLatencyMs, factor, maxWindowMs }
    const plan = planBurst(this.#model, load, this.#earlier, limits)
    if (plan !== null) return plan
    // What is refused is not measured again: the next plan goes by the network's figures.
    this.#earlier = null
    this.#overrunsMs = []
    return overrunMs > 0
      ? {
          sentence: `Clients send so much at once that MONITOR holds them up for about ${Math.round(overrunMs)} ms, and hotKeys.maxLatency is ${maxLatencyMs} ms: it is tried again in a minute. Other sources go on where the node has one.`,
          retryMs: LATER_MS,
        }
      : {
          sentence: `Commands are so large that MONITOR would hold clients up for more than ${maxLatencyMs} ms: it is used again once they are smaller (hotKeys.maxLatency raises the bound). Other sources go on where the node has one.`,
          retryMs: SOON_MS,
        }
  }

  /** @returns microseconds of the node's time by the model, with what the burst saw */
  learn(counts: Readonly<ParserCounts>, result: BurstResult, plan: BurstPlan): number {
    if (result.sent.length === 0) return 0
    const seen: Seen = { commands: counts.lines, bytes: counts.bytes, windowMs: result.windowMs }
    if (result.windowMs > 0) this.#earlier = remember(this.#earlier, seen)
    // A busy node prints for more clients than one before it sends: what was not read has cost it all the same.
    const plannedUs = plan.predictedUs * Math.min(1, result.windowMs / plan.windowMs)
    return Math.max(burstCostUs(this.#model, seen), plannedUs)
  }

  learnOverrun(bracket: Bracket, plan: BurstPlan): void {
    const overrunMs = (bracket.usedUs - bracket.expectedUs) / 1_000 - plan.windowMs
    this.#overrunsMs = [...this.#overrunsMs.slice(-1), overrunMs]
  }

  /** What two bursts in a row have shown: one alone may have met a machine that was busy with something else. */
  get #overrunMs(): number {
    return this.#overrunsMs.length < 2 ? 0 : Math.max(0, Math.min(...this.#overrunsMs))
  }
}

function seenRate(earlier: Seen | null): number {
  return earlier === null || earlier.windowMs < 1 ? 0 : (earlier.commands / earlier.windowMs) * 1_000
}
