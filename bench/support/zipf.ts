/** Ranks by Zipf's law and a seeded generator, so that each run draws the same. */

/** Uniform in [0, 1). */
export type Random = () => number

export function seededRandom(seed: number): Random {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** @returns a rank from 0 on: rank r comes with a probability in proportion to (r + 1) to the power of −`exponent` */
export function zipf(size: number, exponent: number, random: Random): () => number {
  const sums = new Float64Array(size)
  let sum = 0
  for (let rank = 0; rank < size; rank++) {
    sum += (rank + 1) ** -exponent
    sums[rank] = sum
  }
  return () => {
    const target = random() * sum
    let low = 0
    for (let high = size - 1; low < high; ) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < target) low = middle + 1
      else high = middle
    }
    return low
  }
}
