/** How long reads took, in logarithmic buckets: eight to each doubling, so within 9% of the truth. */
import type { Waits } from '../core/waits.ts'

const PER_DOUBLING = 8
const BUCKETS = 28 * PER_DOUBLING
/** Of these make one that is told: a heartbeat has room for many keys. */
const TOLD_TOGETHER = 2

export class Latency {
  readonly #counts = new Uint32Array(BUCKETS)
  #total = 0

  /** @param count reads that it stands for */
  add(ms: number, count = 1): void {
    const us = ms * 1_000
    const bucket = us <= 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log2(us) * PER_DOUBLING))
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
    this.#total += count
  }

  /** Many that took next to no time. */
  addInstant(count: number): void {
    this.#counts[0] = (this.#counts[0] ?? 0) + count
    this.#total += count
  }

  /** Microseconds below which the share `p` (0 to 1) lies; null without any. */
  percentile(p: number): number | null {
    if (this.#total === 0) return null
    const wanted = Math.max(1, Math.ceil(p * this.#total))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0
      if (seen >= wanted) return Math.round(2 ** ((bucket + 0.5) / PER_DOUBLING))
    }
    return null
  }

  /** Ascending; at most 112 pairs. */
  waits(): Waits {
    const waits: Waits = []
    for (let bucket = 0; bucket < BUCKETS; bucket += TOLD_TOGETHER) {
      const count = this.#counts.subarray(bucket, bucket + TOLD_TOGETHER).reduce((sum, one) => sum + one, 0)
      if (count > 0) waits.push([Math.round(2 ** ((bucket + TOLD_TOGETHER / 2) / PER_DOUBLING)), count])
    }
    return waits
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
  }
}
