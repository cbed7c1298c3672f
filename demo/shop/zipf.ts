/** Popularity as it is: rank r is asked for in proportion to 1 / r^exponent. */

/** The cumulative distribution over `count` ranks, for `drawRank`. */
export function zipfTable(count: number, exponent: number): Float64Array {
  const table = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + 1) ** exponent
    table[rank] = sum
  }
  for (let rank = 0; rank < count; rank++) table[rank] = (table[rank] as number) / sum
  return table
}

/** The 0-based rank that a uniform number in [0, 1) falls on. */
export function drawRank(table: Float64Array, uniform: number): number {
  let low = 0
  let high = table.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((table[middle] as number) > uniform) high = middle
    else low = middle + 1
  }
  return low
}

/** A prime that shares no factor with the number of articles: the popular ones are spread over all ids. */
const SPREAD = 48_611

/** The article of a rank: every id from 1 to `count` once. */
export function articleOfRank(rank: number, count: number): number {
  return ((rank * SPREAD + 7) % count) + 1
}
