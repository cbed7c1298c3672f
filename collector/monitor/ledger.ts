/** What the bursts of a node have cost: the bill, and the last minute as shares of the node's time. */
import { askedCostUs } from '../../core/hot-keys/budget.ts'
import {
  type Bracket,
  type Calibration,
  calibrate,
  chargeUs,
  correction,
  measuredRatio,
  UNCALIBRATED,
} from '../../core/hot-keys/calibration.ts'
import type { Watching } from '../../core/model.ts'
import { noCost, type WatchingCost } from '../hot-keys/source-types.ts'
import type { BurstResult } from './burst.ts'
import type { ParserCounts } from './parser-types.ts'

const MINUTE_MS = 60_000

type Entry = { at: number; predictedUs: number; chargedUs: number }
export type Settled = {
  result: BurstResult
  counts: Readonly<ParserCounts>
  /** By the model, uncorrected. */
  predictedUs: number
  bracket: Bracket | null
  predictedLatencyMs: number
}

export class Ledger {
  readonly cost: WatchingCost = noCost()
  lastBurst: Watching['lastBurst'] = null
  readonly #now: () => number
  readonly #startedAt: number
  #minute: Entry[] = []
  #calibration: Calibration = UNCALIBRATED

  constructor(now: () => number) {
    this.#now = now
    this.#startedAt = now()
  }

  /** What the model's cost is to be multiplied with. */
  get factor(): number {
    return correction(this.#calibration)
  }

  /** Another server answers: what was measured was of another one. */
  forget(): void {
    this.#calibration = UNCALIBRATED
    this.#minute = []
  }

  /** Commands of a burst, when they are sent: a reading in the middle of it counts them already. */
  bill(names: readonly string[], bytes: number): void {
    const { cost } = this
    for (const name of names) cost.byCommand.set(name, (cost.byCommand.get(name) ?? 0) + 1)
    cost.commands += names.length
    cost.connections++
    cost.bytes += bytes
  }

  /** @returns microseconds of the node's time that the burst is charged */
  settle({ result, counts, predictedUs: byModelUs, bracket, predictedLatencyMs }: Settled): number {
    const { cost } = this
    const at = this.#now()
    const predictedUs = bracket?.predictedUs ?? byModelUs
    if (bracket !== null && predictedUs > 0) this.#calibration = calibrate(this.#calibration, bracket)
    const askedUs = result.sent.length > 0 ? askedCostUs(result.windowMs) : 0
    const chargedUs = chargeUs(predictedUs, this.factor, bracket) + askedUs
    cost.bytes += counts.bytes
    cost.windowMs += result.windowMs
    cost.cpuUs += chargedUs
    this.#minute = this.#minute.filter((entry) => at - entry.at < MINUTE_MS)
    this.#minute.push({ at, predictedUs, chargedUs })
    if (result.windowMs > 0) {
      this.lastBurst = {
        at: new Date(at).toISOString(),
        windowMs: round(result.windowMs),
        commands: counts.commands,
        bytes: counts.bytes,
        predictedUs: Math.round(predictedUs),
        measuredUs: bracket === null ? null : Math.round(bracket.usedUs - bracket.expectedUs),
        predictedLatencyMs: round(predictedLatencyMs),
        end: result.end.kind,
      }
    }
    return chargedUs
  }

  /** Of the node's time over the last minute, or since the start; null before the first burst. */
  get shares(): { predicted: number | null; measured: number | null } {
    const at = this.#now()
    const recent = this.#minute.filter((entry) => at - entry.at < MINUTE_MS)
    if (recent.length === 0) return { predicted: null, measured: null }
    const elapsedUs = 1_000 * Math.max(1_000, Math.min(MINUTE_MS, at - this.#startedAt))
    const sum = (field: 'predictedUs' | 'chargedUs') =>
      recent.reduce((total, entry) => total + entry[field], 0) / elapsedUs
    const isMeasured = measuredRatio(this.#calibration) !== null
    return { predicted: sum('predictedUs'), measured: isMeasured ? sum('chargedUs') : null }
  }
}

const round = (value: number) => Math.round(value * 100) / 100
