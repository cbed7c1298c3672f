/**
 * How long a window can make a client wait. While the node prints, its work is what it did anyway and what printing
 * adds; what of that does not fit into the window waits, first in, first out, and at the window's end it is served as
 * fast as ever. So nobody waits longer than the window, and only a node that the printing saturates makes anyone wait.
 */
export type LatencyFacts = {
  /** Of the node's main thread without us, 0 to 1; null is unknown, and taken as busy. */
  cpuShare: number | null
  opsPerSec: number
  /** That MONITOR adds to a command. */
  perCommandUs: number
}

/** A node whose load is not known is taken to be half busy. */
const UNKNOWN_SHARE = 0.5

/** @returns milliseconds that a window of `windowMs` adds to the longest wait of a client */
export function predictLatencyMs(facts: LatencyFacts, windowMs: number): number {
  return heldShare(facts) * windowMs + facts.perCommandUs / 1_000
}

/**
 * @param windowMs as long as the budget would have it
 * @returns the window that keeps within the bound, `minWindowMs` at least; null where even that one does not
 */
export function fitWindow(
  facts: LatencyFacts,
  windowMs: number,
  minWindowMs: number,
  maxLatencyMs: number,
): number | null {
  const shortest = Math.min(windowMs, minWindowMs)
  if (predictLatencyMs(facts, shortest) > maxLatencyMs) return null
  const held = heldShare(facts)
  if (held === 0) return windowMs
  return Math.max(shortest, Math.min(windowMs, (maxLatencyMs - facts.perCommandUs / 1_000) / held))
}

/** Of the window's length, what the unlucky wait: a command that comes at the end of a window that holds the node up. */
function heldShare({ cpuShare, opsPerSec, perCommandUs }: LatencyFacts): number {
  const printing = (opsPerSec * perCommandUs) / 1e6
  const demand = Math.min(1, cpuShare ?? UNKNOWN_SHARE) + printing
  return demand <= 1 ? 0 : 1 - 1 / demand
}
