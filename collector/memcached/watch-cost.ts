/**
 * What a watcher costs a Memcached: measured on 1.6.18 by its rusage, with and without one, at 3,000 and 25,000
 * commands a second. Its log thread wakes up for us, and every line is formatted and sent.
 */

const US_PER_SECOND_WATCHED = 15_000
const US_PER_LINE = 1.5
/** A store has two lines. */
const LINES_PER_USE = 1.5
const MAX_WINDOW_MS = 200
const MIN_WINDOW_MS = 20

/** @returns microseconds of CPU time, on whatever core */
export function watchCostUs(windowMs: number, lines: number): number {
  return (windowMs / 1_000) * US_PER_SECOND_WATCHED + lines * US_PER_LINE
}

export type WatchPlan = {
  /** Part of the time that it is watched; 1 is always. */
  duty: number
  /** Length of one look; null: until something changes. */
  windowMs: number | null
  /** Part of its threads' time that this is predicted to take. */
  predictedShare: number
}

/** @param budget part of the time of its worker threads. @param opsPerSec uses of keys; null: not known yet */
export function planWatch(budget: number, threads: number, opsPerSec: number | null): WatchPlan {
  const allUs = Math.max(1, threads) * 1_000_000
  const perSecondUs = watchCostUs(1_000, (opsPerSec ?? 0) * LINES_PER_USE)
  const duty = Math.min(1, (budget * allUs) / perSecondUs)
  return {
    duty,
    windowMs: duty === 1 ? null : Math.max(MIN_WINDOW_MS, Math.min(MAX_WINDOW_MS, duty * 1_000)),
    predictedShare: (duty * perSecondUs) / allUs,
  }
}
