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

/** @returns the newest slices, at least one, that nothing says are unlike each other */
export function currentSlices(slices: readonly SliceCount[]): readonly SliceCount[] {
  let current = slices
  for (;;) {
    const cut = changeIn(current)
    if (cut === 0) return current
    current = current.slice(cut)
  }
}

/** @returns how many of the oldest slices are surely unlike those after them; 0 where none are */
function changeIn(slices: readonly SliceCount[]): number {
  let best = 0
  let widest = 0
  for (let cut = MIN_OLDER; cut < slices.length; cut++) {
    const older = slices.slice(0, cut)
    const newer = slices.slice(cut)
    const effect = waves(older, newer)
    const [before, now] = [sureShare(older, effect), sureShare(newer, effect)]
    const [higher, lower] = now.share > before.share ? [now, before] : [before, now]
    if (higher.uses < MIN_SEEN) continue
    const gap = higher.low - lower.high * MIN_FACTOR
    if (gap > widest) {
      widest = gap
      best = cut
    }
  }
  return best
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
