/**
 * Since when a key is used as it is now. The window is ten seconds: a key that became hot in the last one would be
 * diluted tenfold, and one that cooled down would keep its place. Where older and newer slices surely differ, the
 * older ones are left out.
 */
import { total, totalUses, usesOf, wilson } from './interval.ts'
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
  let widest = 0
  let change: Change | null = null
  for (let cut = MIN_OLDER; cut < slices.length; cut++) {
    const older = slices.slice(0, cut)
    // The slice in which it changed is a mix: better without it, once what follows is enough.
    for (const newer of [slices.slice(cut), slices.slice(cut + 1)]) {
      if (newer.length === 0) continue
      const effect = waves(older, newer)
      const [before, now] = [sureShare(older, effect), sureShare(newer, effect)]
      const isRise = now.share > before.share
      const [higher, lower] = isRise ? [now, before] : [before, now]
      if (higher.uses < MIN_SEEN) continue
      const gap = higher.low - lower.high * MIN_FACTOR
      if (gap <= widest) continue
      widest = gap
      change = { newer, isRise }
    }
  }
  return change
}

function sureShare(slices: readonly SliceCount[], effect: number) {
  const commands = total(slices, 'commands')
  const uses = total(slices, 'low')
  const most = Math.min(total(slices, 'high'), commands)
  const sample = commands / effect
  return {
    uses,
    share: totalUses(slices) / commands,
    low: wilson(uses / commands, sample, Z_SURE).low,
    high: wilson(most / commands, sample, Z_SURE).high,
  }
}

/** How much more than by chance slices of one side differ from each other; at least 1. */
function waves(...sides: (readonly SliceCount[])[]): number {
  let squares = 0
  let freedom = 0
  for (const slices of sides) {
    const commands = total(slices, 'commands')
    const share = totalUses(slices) / commands
    if (share <= 0 || share >= 1) continue
    for (const slice of slices) {
      const residual = usesOf(slice) - share * slice.commands
      squares += residual ** 2 / (slice.commands * share * (1 - share))
    }
    freedom += slices.length - 1
  }
  return Math.max(1, (PRIOR_EFFECT * PRIOR_FREEDOM + squares) / (PRIOR_FREEDOM + freedom))
}

/** Before anything is known of a key's waves. */
const PRIOR_EFFECT = 1.5
const PRIOR_FREEDOM = 3
