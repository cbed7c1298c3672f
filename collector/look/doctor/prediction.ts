/** What watching a node would cost, as its first burst would be planned. Pure. */
import { costModel, planBurst } from '../../../core/hot-keys/budget.ts'
import { gapMs } from '../../../core/hot-keys/schedule.ts'
import type { NodeFacts } from '../../hot-keys/source-types.ts'

export type Prediction = {
  /** Length of one look by MONITOR, and the time from one to the next. */
  windowMs: number
  everyMs: number
  /** Of the node's time, 0 to 1: at most the budget. */
  cpuShare: number
  /** The longest that it may make a client wait. */
  latencyMs: number
}

/** @returns null where MONITOR would keep clients waiting beyond the bound, or nothing is known of the load */
export function predict(
  facts: NodeFacts,
  limits: { budget: number; maxLatencyMs: number; usesTls: boolean },
): Prediction | null {
  const { version, opsPerSec, inputBytesPerCommand, cpuShare } = facts
  if (opsPerSec === null) return null
  const { budget, maxLatencyMs } = limits
  const model = costModel(version, limits.usesTls)
  const load = { opsPerSec, inputBytesPerCommand, cpuShare, overrunMs: 0 }
  const plan = planBurst(model, load, null, { budget, maxLatencyMs, factor: 1 })
  if (plan === null) return null
  const { windowMs, predictedUs, predictedLatencyMs } = plan
  const everyMs = windowMs + gapMs(predictedUs, windowMs, budget, 1, 0.5)
  return { windowMs, everyMs, cpuShare: predictedUs / 1_000 / everyMs, latencyMs: predictedLatencyMs }
}
