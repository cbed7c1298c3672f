/** Draws of a seeded generator: a simulation says the same each time. */

export type Random = () => number

export function mulberry(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** How many of `trials` come out, each with `probability`. */
export function binomial(trials: number, probability: number, random: Random): number {
  const mean = trials * probability
  if (mean > 50 && trials - mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return Math.min(trials, Math.max(0, Math.round(mean + Math.sqrt(mean * (1 - probability)) * normal)))
  }
  if (probability <= 0) return 0
  if (probability >= 1) return trials
  // From one that comes out to the next: as many draws as come out, not as there are trials.
  const scale = Math.log1p(-probability)
  let count = 0
  for (let at = 0; ; at++) {
    at += Math.floor(Math.log1p(-random()) / scale)
    if (at >= trials) return count
    count++
  }
}
