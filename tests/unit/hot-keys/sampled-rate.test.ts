import { describe, expect, it } from 'vitest'
import { sampledRate } from '../../../core/hot-keys/sampled-rate.ts'

/** A small generator of its own: the same draws in every run. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe('sampledRate', () => {
  it.each([
    [300, 0.01],
    [2_000, 0.01],
    [20_000, 0.01],
    [500, 0.5],
  ])('covers the truth of %d uses sampled at %d in 95 of 100 runs', (uses, probability) => {
    const random = generator(uses)
    let covered = 0
    for (let run = 0; run < 1_000; run++) {
      let counted = 0
      for (let use = 0; use < uses; use++) if (random() < probability) counted++
      const { low, high } = sampledRate(counted, 0, probability, 1)
      if (low <= uses && uses <= high) covered++
    }
    expect(covered).toBeGreaterThanOrEqual(935)
  })

  it('is exact where every use is counted, but for the error of the sketch', () => {
    expect(sampledRate(500, 0, 1, 2)).toEqual({ opsPerSec: 250, low: 250, high: 250 })
    expect(sampledRate(500, 50, 1, 1)).toEqual({ opsPerSec: 500, low: 450, high: 550 })
  })

  it('never falls below nothing', () => {
    expect(sampledRate(3, 10, 0.01, 1).low).toBe(0)
    expect(sampledRate(0, 0, 0.01, 1)).toMatchObject({ opsPerSec: 0, low: 0 })
  })
})
