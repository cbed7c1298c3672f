/**
 * A key's share of a node's commands, with a 95% interval. Bursts are clustered samples: the uses of a key come in
 * waves, so commands of one second resemble each other more than chance would have it. The variance between the
 * seconds (ratio estimator) is set against the binomial one, and the sample is counted as that much smaller.
 */
import type { SliceCount } from './window.ts'

export type ShareInterval = { share: number; low: number; high: number }

/** Student's t, two-sided 95%, by degrees of freedom from 1. */
const T_95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13]
/** With fewer seconds than this their variance says little: the sample then counts at most half. */
const ENOUGH_SLICES = 5

/** @param slices the key's counts in every slice of the window that saw commands; at least one */
export function shareInterval(slices: readonly SliceCount[]): ShareInterval {
  const commands = total(slices, 'commands')
  const low = total(slices, 'low')
  const high = Math.min(total(slices, 'high'), commands)
  const middle = (low + high) / 2
  const { effect, t } = clustering(slices, middle, commands)
  // Wilson's interval on the smaller sample; the sketch's own error moves the two ends apart.
  return {
    share: middle / commands,
    low: wilson(low / commands, commands / effect, t).low,
    high: wilson(high / commands, commands / effect, t).high,
  }
}

/** How many times larger the variance between slices is than that of commands drawn one by one; never below 1. */
function clustering(
  slices: readonly SliceCount[],
  uses: number,
  commands: number,
): { effect: number; t: number } {
  const count = slices.length
  const t = T_95[Math.min(Math.max(count, ENOUGH_SLICES) - 1, T_95.length) - 1] as number
  const share = uses / commands
  const binomial = (share * (1 - share)) / commands
  const floor = count < ENOUGH_SLICES ? 2 : 1
  if (count < 2 || binomial === 0) return { effect: floor, t }
  const squares = slices.reduce(
    (sum, slice) => sum + ((slice.low + slice.high) / 2 - share * slice.commands) ** 2,
    0,
  )
  const between = (count / (count - 1)) * (squares / commands ** 2)
  return { effect: Math.max(floor, between / binomial), t }
}

function wilson(share: number, sample: number, z: number): { low: number; high: number } {
  const scale = 1 + (z * z) / sample
  const centre = (share + (z * z) / (2 * sample)) / scale
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / sample + (z * z) / (4 * sample * sample))
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

function total(slices: readonly SliceCount[], field: keyof SliceCount): number {
  return slices.reduce((sum, slice) => sum + slice[field], 0)
}
