/**
 * What MONITOR costs a node, and when to look: a model measured on real servers, planned with before a burst and
 * settled after it. Whatever a burst turns out to have cost, the gap after it brings the average back to the budget.
 */

/** Node time in microseconds; bytes are those of the arguments. */
export type CostModel = {
  readonly perCommandUs: number
  readonly perByteUs: number
  /** Bytes that MONITOR prints as `\xHH`. */
  readonly perBinaryByteUs: number
  /** Accept, sign in, close. */
  readonly perConnectionUs: number
}

const OLD: CostModel = { perCommandUs: 3.5, perByteUs: 0.095, perBinaryByteUs: 0.117, perConnectionUs: 150 }
const NEW: CostModel = { perCommandUs: 1.9, perByteUs: 0.026, perBinaryByteUs: 0.117, perConnectionUs: 150 }
const TLS_CONNECTION_US = 3_000

/** Redis 7.4 and Valkey 8 print arguments about four times faster than what came before. */
export function costModel(version: string | null, tls: boolean): CostModel {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  const model = major > 7 || (major === 7 && minor >= 4) ? NEW : OLD
  return tls ? { ...model, perConnectionUs: model.perConnectionUs + TLS_CONNECTION_US } : model
}

/** What a burst, or several, saw. */
export type Seen = { commands: number; bytes: number; windowMs: number }

/** `bytes` are the stream's: escaped, with what stands before the first argument. */
export function burstCostUs(model: CostModel, seen: Seen): number {
  // A byte that is printed as four costs a quarter of its price each; the dearer reading is taken.
  const perPrintedByteUs = Math.max(model.perByteUs, model.perBinaryByteUs / 4)
  const argumentBytes = Math.max(0, seen.bytes - seen.commands * HEADER_BYTES)
  return model.perConnectionUs + seen.commands * model.perCommandUs + argumentBytes * perPrintedByteUs
}

/** `+1700000000.123456 [0 10.0.0.12:45678] ` and the line's end. */
const HEADER_BYTES = 42
const MIN_WINDOW_MS = 5
/** Tens of milliseconds: what MONITOR does to a node is over before its clients make anything of it. */
const MAX_WINDOW_MS = 50
/** Of a quiet node a third of the time is enough, and a new connection ten times a second would be a burden. */
const MIN_GAP_MS = 100
/** A window takes about this much of the node's time, where its length allows. */
const BURST_TARGET_US = 5_000
/** A burst that would take more in its shortest window is not made. */
const MAX_BURST_US = 50_000
const MIN_STOP_LINES = 1_000
const MIN_STOP_BYTES = 256 * 1024

export type BurstPlan = {
  windowMs: number
  /** Hard stops: what the window may bring at most, with room for a peak. */
  maxLines: number
  maxBytes: number
  predictedUs: number
}
export type Load = { opsPerSec: number; inputBytesPerCommand: number | null }

/** @returns null where even the shortest window would hold the node up too long */
export function planBurst(
  model: CostModel,
  load: Load,
  earlier: Seen | null,
  budget: number,
): BurstPlan | null {
  const { perCommandUs, bytesPerCommand } = perCommand(model, load, earlier)
  const usPerMs = (load.opsPerSec * perCommandUs) / 1_000
  const windowMs = clamp(BURST_TARGET_US / Math.max(usPerMs, 1e-6), MIN_WINDOW_MS, MAX_WINDOW_MS)
  const commands = (load.opsPerSec * windowMs) / 1_000
  const predictedUs = model.perConnectionUs + commands * perCommandUs
  // A node that is already held up serves no more than its time allows: a saturated window costs its length.
  const heldUpUs = Math.min(predictedUs, windowMs * 1_000 + perCommandUs)
  if (heldUpUs > MAX_BURST_US || budget <= 0) return null
  return {
    windowMs,
    maxLines: Math.ceil(Math.max(MIN_STOP_LINES, commands * 4)),
    maxBytes: Math.ceil(Math.max(MIN_STOP_BYTES, commands * bytesPerCommand * 4)),
    predictedUs,
  }
}

/** Before the first burst from the node's network input, dearest reading; after it from what was seen. */
function perCommand(
  model: CostModel,
  load: Load,
  earlier: Seen | null,
): { perCommandUs: number; bytesPerCommand: number } {
  if (earlier !== null && earlier.commands > 0) {
    const us = (burstCostUs(model, earlier) - model.perConnectionUs) / earlier.commands
    return { perCommandUs: us, bytesPerCommand: earlier.bytes / earlier.commands }
  }
  const bytes = load.inputBytesPerCommand ?? DEFAULT_COMMAND_BYTES
  return {
    perCommandUs: model.perCommandUs + bytes * model.perBinaryByteUs,
    bytesPerCommand: HEADER_BYTES + bytes * 4,
  }
}
const DEFAULT_COMMAND_BYTES = 100

/** Earlier bursts, the older the lighter: a few bursts after a change of the traffic the prediction follows. */
export function remember(earlier: Seen | null, seen: Seen): Seen {
  if (earlier === null) return seen
  return {
    commands: earlier.commands * 0.7 + seen.commands,
    bytes: earlier.bytes * 0.7 + seen.bytes,
    windowMs: earlier.windowMs * 0.7 + seen.windowMs,
  }
}

/**
 * How long to wait after a burst: its cost is then the budget's share of the time since it began. Drawn at random
 * around that mean, so that no rhythm of the traffic is always hit or always missed.
 * @param random in [0, 1)
 */
export function gapMs(costUs: number, windowMs: number, budget: number, random: number): number {
  const mean = Math.max(MIN_GAP_MS, costUs / 1_000 / budget - windowMs)
  return mean * (0.5 + random)
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
