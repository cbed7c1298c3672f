/**
 * A key's share of a node's commands, with a 95% interval. Bursts are clustered samples: the uses of a key come in
 * waves, so commands of one second resemble each other more than chance would have it. The variance between the
 * seconds (of a ratio estimator) is set against the binomial one, and the sample is counted as that much smaller.
 */
import type { SliceCount } from './window.ts'

export type ShareInterval = { share: number; low: number; high: number }

/** Student's t, two-sided 95%, by degrees of freedom from 1. */
const T_95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13]
const Z_95 = 1.96
/** Of one second alone nothing says how much seconds differ: the sample then counts a quarter. */
const LONE_SLICE_EFFECT = 4
/** A few that agree may do so by luck: the sample counts at most half. */
const FEW_SLICES_EFFECT = 2
const ENOUGH_SLICES = 5

/** @param slices the key's counts in every slice of the window that saw commands; at least one */
export function shareInterval(slices: readonly SliceCount[]): ShareInterval {
  const commands = total(slices, 'commands')
  const low = total(slices, 'low')
  const high = Math.min(total(slices, 'high'), commands)
  const middle = (low + high) / 2
  const sample = commands / clustering(slices, middle, commands)
  // Wilson's interval on the smaller sample; the sketch's own error moves the two ends apart.
  return {
    share: middle / commands,
    low: wilson(low / commands, sample).low,
    high: wilson(high / commands, sample).high,
  }
}

/**
 * How many times larger the variance between slices is than that of commands drawn one by one; at least 1.
 * That it is itself known from a few slices only (Student's t against the normal) is part of the factor.
 */
function clustering(slices: readonly SliceCount[], uses: number, commands: number): number {
  const count = slices.length
  if (count < 2) return LONE_SLICE_EFFECT
  const share = uses / commands
  const binomial = (share * (1 - share)) / commands
  const floor = count < ENOUGH_SLICES ? FEW_SLICES_EFFECT : 1
  if (binomial === 0) return floor
  // Jackknife: how the share moves when one slice is left out. Slices of unequal size are not underrated by it.
  const squares = slices.reduce((sum, slice) => {
    const residual = (slice.low + slice.high) / 2 - share * slice.commands
    return sum + (residual / (commands - slice.commands)) ** 2
  }, 0)
  const between = ((count - 1) / count) * squares
  // The larger a slice, the more of the variance is its own: unequal ones tell as little as fewer equal ones.
  const second = slices.reduce((sum, slice) => sum + slice.commands ** 2, 0)
  const fourth = slices.reduce((sum, slice) => sum + slice.commands ** 4, 0)
  const equal = second ** 2 / fourth
  const freedom = Math.max(1, Math.floor(equal + 1e-9) - 1)
  const t = T_95[Math.min(freedom, T_95.length) - 1] as number
  return Math.max(floor, (between / binomial) * (t / Z_95) ** 2)
}

function wilson(share: number, sample: number): { low: number; high: number } {
  const z2 = Z_95 * Z_95
  const scale = 1 + z2 / sample
  const centre = (share + z2 / (2 * sample)) / scale
  const half = (Z_95 / scale) * Math.sqrt((share * (1 - share)) / sample + z2 / (4 * sample * sample))
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

function total(slices: readonly SliceCount[], field: keyof SliceCount): number {
  return slices.reduce((sum, slice) => sum + slice[field], 0)
}
