/** What a session of Redis' HOTKEYS costs a node, and how far apart sessions are for it. Pure. */

export const SESSION_S = 7
const EVERY_MS = 30_000
const LONGEST_PAUSE_MS = 300_000
/** What it adds to each command, microseconds of Redis 8.6.3; and where one use of ten is looked at. */
const EACH = { ratio: 1, usPerCommand: 0.15 }
const EVERY_TENTH = { ratio: 10, usPerCommand: 0.06 }
export const SAMPLE_RATIOS: readonly number[] = [EACH.ratio, EVERY_TENTH.ratio]
const MANY_OPS_PER_SEC = 50_000
/** Of the node's budget: the rest is MONITOR's. */
const BUDGET_PART = 0.25

export type HotkeysSession = {
  /** HOTKEYS' own SAMPLE: one use of so many is looked at. */
  ratio: number
  /** The node's time that goes to it meanwhile, microseconds a second. */
  usPerSec: number
  /** From its end to the next: until a quarter of the budget has paid for it, five minutes at most. */
  pauseMs: number
}

/** @param budget share of the node's time that watching may take */
export function planHotkeysSession(opsPerSec: number, budget: number): HotkeysSession {
  const { ratio, usPerCommand } = opsPerSec > MANY_OPS_PER_SEC ? EVERY_TENTH : EACH
  const usPerSec = opsPerSec * usPerCommand
  const paidMs = (SESSION_S * usPerSec) / 1_000 / (budget * BUDGET_PART)
  return {
    ratio,
    usPerSec,
    pauseMs: Math.min(LONGEST_PAUSE_MS, Math.max(EVERY_MS, paidMs) - SESSION_S * 1_000),
  }
}
