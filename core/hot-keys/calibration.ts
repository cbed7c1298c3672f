/**
 * The cost model held against what the node says of its own CPU: bursts between two readings of `INFO cpu`. A single
 * one drowns in the noise of the node's ordinary work, so they are added up until prediction and truth can be told
 * apart; the ratio of the two then corrects the model.
 */

/** One burst between two readings. Microseconds of the node's main thread. */
export type Bracket = {
  /** By the model, uncorrected. */
  predictedUs: number
  /** What the node used from the first reading to the second. */
  usedUs: number
  /** What it would have used without the burst. */
  expectedUs: number
}

export type Calibration = {
  /** Sums over past brackets, the older the lighter. */
  readonly brackets: number
  readonly predictedUs: number
  readonly measuredUs: number
  readonly predictedSquares: number
  readonly crossProducts: number
  readonly measuredSquares: number
}

export const UNCALIBRATED: Calibration = {
  brackets: 0,
  predictedUs: 0,
  measuredUs: 0,
  predictedSquares: 0,
  crossProducts: 0,
  measuredSquares: 0,
}

/** Each bracket makes those before it so much lighter: some forty of them count. */
const KEEP = 0.975
const MIN_BRACKETS = 5
/** The ratio counts once it is known to within so much of itself, two standard errors wide. */
const TOLERANCE = 0.5
const MIN_FACTOR = 0.3
const MAX_FACTOR = 10
/** A burst that used more than so many times its prediction is charged what it used, whatever the noise. */
const SURPRISE = 4
const SURPRISE_US = 20_000

export function calibrate(before: Calibration, bracket: Bracket): Calibration {
  const predicted = bracket.predictedUs
  // A bracket far out of line is charged by itself, and must not teach the model what one value in a thousand costs.
  const measured = Math.min(bracket.usedUs - bracket.expectedUs, predicted * MAX_FACTOR)
  return {
    brackets: before.brackets * KEEP + 1,
    predictedUs: before.predictedUs * KEEP + predicted,
    measuredUs: before.measuredUs * KEEP + measured,
    predictedSquares: before.predictedSquares * KEEP + predicted ** 2,
    crossProducts: before.crossProducts * KEEP + predicted * measured,
    measuredSquares: before.measuredSquares * KEEP + measured ** 2,
  }
}

/** @returns what the prediction is to be multiplied with; null while that cannot be told apart from noise */
export function measuredRatio(calibration: Calibration): number | null {
  const { brackets, predictedUs, measuredUs, predictedSquares, crossProducts, measuredSquares } = calibration
  if (brackets < MIN_BRACKETS || predictedUs <= 0) return null
  const ratio = measuredUs / predictedUs
  const residuals = measuredSquares - 2 * ratio * crossProducts + ratio ** 2 * predictedSquares
  const standardError = Math.sqrt(Math.max(0, residuals) * (brackets / (brackets - 1))) / predictedUs
  return ratio > 0 && 2 * standardError <= TOLERANCE * ratio ? ratio : null
}

/** The same within bounds; 1 while it is not known. */
export function correction(calibration: Calibration): number {
  return Math.min(MAX_FACTOR, Math.max(MIN_FACTOR, measuredRatio(calibration) ?? 1))
}

/** What a burst is charged: by the corrected model, or what it used where that is beyond all noise. */
export function chargeUs(predictedUs: number, factor: number, bracket: Bracket | null): number {
  const byModel = predictedUs * factor
  if (bracket === null) return byModel
  const measured = bracket.usedUs - bracket.expectedUs
  return measured > byModel * SURPRISE && measured > SURPRISE_US ? measured : byModel
}
