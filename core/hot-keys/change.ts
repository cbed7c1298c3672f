/**
 * Since when a key is used as it is now. The window is ten seconds: a key that became hot in the last one would be
 * diluted tenfold, and one that cooled down would keep its place. Where older and newer slices surely differ, the
 * older ones are left out.
 */
import { usesOf, wilson } from './interval.ts'
import type { SliceCount } from './window.ts'

/**
 * Standard deviations by which each side may be wrong while they still do not touch. Together that is four and more:
 * thousands of keys are looked at several times a second, and a steady one must not seem to move.
 */
const Z_SURE = 3
/** A key seen less often than this on the higher side may have come so often by chance. */
const MIN_SEEN = 5
/** Less than twice as much is a wave, and the whole window's interval covers it. */
const MIN_FACTOR = 2
/** Fewer older slices do not tell a change from a wave. */
const MIN_OLDER = 3

export type Current = {
  /** The newest slices, at least one, that nothing says are unlike each other. */
  slices: readonly SliceCount[]
  /** Surely at least doubled lately. */
  hasRisen: boolean
}

export function currentSlices(slices: readonly SliceCount[]): Current {
  const current: Current = { slices, hasRisen: false }
  for (;;) {
    const change = lastChange(current.slices)
    if (change === null) return current
    current.slices = change.newer
    current.hasRisen = change.isRise
  }
}

type Change = { newer: readonly SliceCount[]; isRise: boolean }

/** The largest that is sure; null where there is none. */
function lastChange(slices: readonly SliceCount[]): Change | null {
  if (slices.length <= MIN_OLDER) return null
  const sums = runningSums(slices)
  let widest = 0
  let change: Change | null = null
  for (let cut = MIN_OLDER; cut < slices.length; cut++) {
    const older = between(sums, 0, cut)
    // The slice in which it changed is a mix: better without it, once what follows is enough.
    for (let from = cut; from <= cut + 1 && from < slices.length; from++) {
      const newer = between(sums, from, slices.length)
      const isRise = newer.uses * older.commands > older.uses * newer.commands
      const [higher, lower] = isRise ? [newer, older] : [older, newer]
      if (higher.low < MIN_SEEN) continue
      // Cheap, and true of nearly all: without it none can be sure.
      if (higher.low * lower.commands <= lower.high * MIN_FACTOR * higher.commands) continue
      const effect = waves(older, newer)
      const gap = atLeast(higher, effect) - atMost(lower, effect) * MIN_FACTOR
      if (gap <= widest) continue
      widest = gap
      change = { newer: slices.slice(from), isRise }
    }
  }
  return change
}

/** Of some slices in a row. `squares`: of each one's uses, by its commands. */
type Sums = { slices: number; commands: number; low: number; high: number; uses: number; squares: number }

/** Before each slice, and after the last. */
function runningSums(slices: readonly SliceCount[]): Sums[] {
  let sums: Sums = { slices: 0, commands: 0, low: 0, high: 0, uses: 0, squares: 0 }
  const all = [sums]
  for (const slice of slices) {
    const uses = usesOf(slice)
    sums = {
      slices: sums.slices + 1,
      commands: sums.commands + slice.commands,
      low: sums.low + slice.low,
      high: sums.high + slice.high,
      uses: sums.uses + uses,
      squares: sums.squares + (uses * uses) / slice.commands,
    }
    all.push(sums)
  }
  return all
}

function between(sums: readonly Sums[], from: number, to: number): Sums {
  const before = sums[from] as Sums
  const after = sums[to] as Sums
  return {
    slices: after.slices - before.slices,
    commands: after.commands - before.commands,
    low: after.low - before.low,
    high: after.high - before.high,
    uses: after.uses - before.uses,
    squares: after.squares - before.squares,
  }
}

function atLeast({ low, commands }: Sums, effect: number): number {
  return wilson(low / commands, commands / effect, Z_SURE).low
}

function atMost({ high, commands }: Sums, effect: number): number {
  return wilson(Math.min(1, high / commands), commands / effect, Z_SURE).high
}

/** How much more than by chance slices of one side differ from each other; at least 1. */
function waves(older: Sums, newer: Sums): number {
  const chi = Math.max(0, deviation(older)) + Math.max(0, deviation(newer))
  const freedom = freedomOf(older) + freedomOf(newer)
  return Math.max(1, (PRIOR_EFFECT * PRIOR_FREEDOM + chi) / (PRIOR_FREEDOM + freedom))
}

/** The sum of squared residuals, each by its binomial variance. */
function deviation({ commands, uses, squares }: Sums): number {
  const share = uses / commands
  return share <= 0 || share >= 1 ? 0 : (squares - share * uses) / (share * (1 - share))
}

function freedomOf({ commands, uses, slices }: Sums): number {
  return uses <= 0 || uses >= commands ? 0 : slices - 1
}

/** Before anything is known of a key's waves. */
const PRIOR_EFFECT = 1.5
const PRIOR_FREEDOM = 3
