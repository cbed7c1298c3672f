/** What a count by independent sampling says of the true rate, with a 95% interval. Pure. */

export type SampledRate = { opsPerSec: number; low: number; high: number }

const Z_95 = 1.96

/**
 * Every use is counted with one and the same probability, by a Space-Saving sketch that may be wrong by `error`
 * either way. @param probability in (0, 1] @param seconds that the count is of
 */
export function sampledRate(
  counted: number,
  error: number,
  probability: number,
  seconds: number,
): SampledRate {
  // Wilson's interval for a count: what is drawn with certainty has no error of sampling.
  const variance = 1 - probability
  const bound = (count: number, sign: number) => {
    const z2 = Z_95 * Z_95 * variance
    return count + z2 / 2 + sign * Math.sqrt(z2 * count + (z2 * z2) / 4)
  }
  const scale = 1 / (probability * seconds)
  return {
    opsPerSec: counted * scale,
    low: Math.max(0, bound(Math.max(0, counted - error), -1)) * scale,
    high: bound(counted + error, 1) * scale,
  }
}
