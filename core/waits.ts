/**
 * How long reads took, as those who asked waited: a histogram that many processes' own can be put into, so that a
 * percentile is of all their reads together. The mean of percentiles, or their highest, is the percentile of nothing.
 */

/** Pairs: microseconds, and how many reads took about so long. */
export type Waits = [us: number, count: number][]

export type WaitFigures = {
  p50Us: number
  p99Us: number
  /** Where the 99th percentile of all reads is for certain, as far as so few tell it: three standard errors. */
  p99LowUs: number
  p99HighUs: number
  /** Reads that were timed. */
  timed: number
}

const PER_DOUBLING = 8
const CERTAIN = 3

/** As one histogram, ascending; times within a twelfth of each other are one. */
export function mergeWaits(all: Iterable<Waits>): Waits {
  const counts = new Map<number, number>()
  for (const waits of all) {
    for (const [us, count] of waits) {
      const bucket = Math.round(Math.log2(Math.max(1, us)) * PER_DOUBLING)
      counts.set(bucket, (counts.get(bucket) ?? 0) + count)
    }
  }
  return [...counts]
    .sort(([one], [other]) => one - other)
    .map(([bucket, count]) => [Math.round(2 ** (bucket / PER_DOUBLING)), count])
}

export const countOf = (waits: Waits): number => waits.reduce((sum, [, count]) => sum + count, 0)

/** @param waits ascending @param p 0 to 1 @returns null of none */
export function quantileOf(waits: Waits, p: number): number | null {
  const wanted = Math.min(1, Math.max(0, p)) * countOf(waits)
  let seen = 0
  for (const [us, count] of waits) {
    seen += count
    if (count > 0 && seen >= wanted) return us
  }
  return waits.at(-1)?.[0] ?? null
}

/**
 * @param waits scaled up from `timed` reads, or of exactly those
 * @returns null where none was timed
 */
export function describeWaits(waits: Waits, timed: number): WaitFigures | null {
  const sorted = mergeWaits([waits])
  if (timed <= 0 || countOf(sorted) <= 0) return null
  const error = CERTAIN * Math.sqrt((0.99 * 0.01) / timed)
  const at = (p: number) => quantileOf(sorted, p) ?? 0
  return { p50Us: at(0.5), p99Us: at(0.99), p99LowUs: at(0.99 - error), p99HighUs: at(0.99 + error), timed }
}
