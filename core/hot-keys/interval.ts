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
/**
 * What is thought of a key before anything is known of its waves, and how many slices that thought is worth. Of one
 * second alone nothing says how much seconds differ: the sample then counts a quarter.
 */
const PRIOR_EFFECT = 1.5
const PRIOR_FREEDOM = 3
/** From so many slices on, what they say of waves is taken at its word. */
const ENOUGH_SLICES = 5
/** One large slice among small ones: they tell a little. */
const LEAST_FREEDOM = 2

/**
 * @param slices the key's counts in every slice of the window that saw commands; at least one
 * @param luck uses that the lower end does without: of a key that was picked for having many
 */
export function shareInterval(slices: readonly SliceCount[], luck = 0): ShareInterval {
  const commands = total(slices, 'commands')
  const low = total(slices, 'low')
  const high = Math.min(total(slices, 'high'), commands)
  const uses = Math.min(totalUses(slices), commands)
  const sample = commands / clustering(slices, uses, commands)
  // Wilson's interval on the smaller sample; the sketch's own error moves the two ends apart.
  return {
    share: uses / commands,
    low: wilson(Math.max(0, low / commands - luck / sample), sample, Z_95).low,
    high: wilson(high / commands, sample, Z_95).high,
  }
}

/**
 * How many times larger the variance between slices is than that of commands drawn one by one; at least 1.
 * That it is itself known from a few slices only (Student's t against the normal) is part of the factor.
 */
function clustering(slices: readonly SliceCount[], uses: number, commands: number): number {
  const { between, freedom } = spread(slices, uses, commands)
  if (slices.length >= ENOUGH_SLICES) return Math.max(1, between * surplus(Math.max(LEAST_FREEDOM, freedom)))
  const both = PRIOR_FREEDOM + freedom
  return Math.max(1, ((PRIOR_EFFECT * PRIOR_FREEDOM + between * freedom) / both) * surplus(both))
}

/** Between slices, against commands drawn one by one: 1 where they differ by chance only. */
function spread(
  slices: readonly SliceCount[],
  uses: number,
  commands: number,
): { between: number; freedom: number } {
  const count = slices.length
  const share = uses / commands
  const binomial = (share * (1 - share)) / commands
  if (count < 2 || binomial === 0) return { between: 1, freedom: 0 }
  // Jackknife: how the share moves when one slice is left out. Slices of unequal size are not underrated by it.
  const squares = slices.reduce((sum, slice) => {
    const residual = usesOf(slice) - share * slice.commands
    return sum + (residual / (commands - slice.commands)) ** 2
  }, 0)
  const variance = ((count - 1) / count) * squares
  // The larger a slice, the more of the variance is its own: unequal ones tell as little as fewer equal ones.
  const second = slices.reduce((sum, slice) => sum + slice.commands ** 2, 0)
  const fourth = slices.reduce((sum, slice) => sum + slice.commands ** 4, 0)
  const freedom = Math.max(1, Math.floor(second ** 2 / fourth + 1e-9) - 1)
  return { between: variance / binomial, freedom }
}

/** How much wider, squared, an interval is for knowing the variance from `freedom` degrees only. */
function surplus(freedom: number): number {
  const t = T_95[Math.min(freedom, T_95.length) - 1] as number
  return (t / Z_95) ** 2
}

/** Wilson's interval of a share in a sample, `z` standard deviations wide to either side. */
export function wilson(share: number, sample: number, z: number): { low: number; high: number } {
  const z2 = z * z
  const scale = 1 + z2 / sample
  const centre = (share + z2 / (2 * sample)) / scale
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / sample + z2 / (4 * sample * sample))
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

/** The best guess at a slice's uses of a key. One that is not among its largest was mostly not used at all. */
export function usesOf({ low, high }: SliceCount): number {
  return low === 0 ? 0 : (low + high) / 2
}

export function totalUses(slices: readonly SliceCount[]): number {
  return slices.reduce((sum, slice) => sum + usesOf(slice), 0)
}

export function total(slices: readonly SliceCount[], field: 'low' | 'high' | 'commands'): number {
  return slices.reduce((sum, slice) => sum + slice[field], 0)
}
