/**
 * What MONITOR costs a node, and when to look: a model measured on real servers, planned with before a burst and
 * settled after it. Whatever a burst turns out to have cost, the gap after it brings the average back to the budget.
 */
import { fitWindow, predictLatencyMs } from './latency.ts'

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

/** By commandstats of a Redis 7.0: INFO cpu stats before and after a burst, CLIENT LIST ID while it is open. */
const INFO_US = 13
const CLIENT_LIST_US = 4
const CLIENT_LIST_EVERY_MS = 10

/** What a burst asks on the node's ordinary connection, microseconds of the node's time. */
export function askedCostUs(windowMs: number): number {
  return 2 * INFO_US + Math.floor(windowMs / CLIENT_LIST_EVERY_MS) * CLIENT_LIST_US
}

/** `+1700000000.123456 [0 10.0.0.12:45678] ` and the line's end. */
const HEADER_BYTES = 42
/** Tens of milliseconds: what MONITOR does to a node is over before its clients make anything of it. */
const MAX_WINDOW_MS = 50
/** Shorter ones spend their cost on connecting, but for where a longer one would cost or delay too much. */
const USUAL_WINDOW_MS = 20
const MIN_WINDOW_MS = 5
/** Where nothing would end a MONITOR that is not read: the less often our process can be stopped while one is open. */
export const UNGUARDED_WINDOW_MS = MIN_WINDOW_MS
/** A window takes about this much of the node's time, where its length allows. */
const BURST_TARGET_US = 2_500
/** The pause that a window's cost makes necessary is not to be longer: a new hot key waits for its end. */
const MAX_GAP_MS = 1_000
const MIN_STOP_LINES = 1_000
const MIN_STOP_BYTES = 256 * 1024

export type BurstPlan = {
  windowMs: number
  /** Hard stops: what the window may bring at most, with room for a peak. */
  maxLines: number
  maxBytes: number
  predictedUs: number
  /** The longest that it may make a client wait. */
  predictedLatencyMs: number
}
export type Load = {
  opsPerSec: number
  inputBytesPerCommand: number | null
  /** Of the main thread without us, 0 to 1; null is unknown. */
  cpuShare: number | null
  /** What bursts held the node up for beyond their windows: all that clients sent at once is printed before it stops. */
  overrunMs: number
}
export type Limits = {
  /** Share of the node's time that is to be spent. */
  budget: number
  maxLatencyMs: number
  /** What measuring has found the model's cost to be multiplied with. */
  factor: number
  /** The longest window, whatever else would allow. @default none */
  maxWindowMs?: number
}

/** @returns null where even the shortest window would make clients wait too long */
export function planBurst(
  model: CostModel,
  load: Load,
  earlier: Seen | null,
  { budget, maxLatencyMs, factor, maxWindowMs = MAX_WINDOW_MS }: Limits,
): BurstPlan | null {
  const { perCommandUs: modelUs, bytesPerCommand } = perCommand(model, load, earlier)
  const perCommandUs = modelUs * factor
  const usPerMs = Math.max((load.opsPerSec * perCommandUs) / 1_000, 1e-6)
  const usual = clamp(BURST_TARGET_US / usPerMs, USUAL_WINDOW_MS, MAX_WINDOW_MS)
  const affordable = (budget * MAX_GAP_MS * 1_000 - model.perConnectionUs) / Math.min(usPerMs, 1_000)
  const wanted = Math.max(MIN_WINDOW_MS, Math.min(usual, affordable, maxWindowMs))
  const facts = { cpuShare: load.cpuShare, opsPerSec: load.opsPerSec, perCommandUs }
  const windowMs = budget <= 0 ? null : fitWindow(facts, wanted, MIN_WINDOW_MS, maxLatencyMs - load.overrunMs)
  if (windowMs === null) return null
  const commands = (load.opsPerSec * windowMs) / 1_000
  return {
    windowMs,
    maxLines: Math.ceil(Math.max(MIN_STOP_LINES, commands * 4)),
    maxBytes: Math.ceil(Math.max(MIN_STOP_BYTES, commands * bytesPerCommand * 4)),
    // A saturated window costs its length: the node serves no more than its time allows.
    predictedUs: model.perConnectionUs + Math.min(commands * modelUs, windowMs * 1_000 + modelUs),
    predictedLatencyMs: predictLatencyMs(facts, windowMs) + load.overrunMs,
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

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
