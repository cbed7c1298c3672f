/** Percentiles of many processes' reads, and how far so few tell them. */
import { describe, expect, it, test } from 'vitest'
import { describeWaits, mergeWaits, quantileOf, type Waits } from '../../core/waits.ts'
import { mulberry } from '../support/random-draws.ts'

describe('histograms of several', () => {
  it('are one, of all reads alike', () => {
    const merged = mergeWaits([
      [
        [100, 990],
        [50_000, 10],
      ],
      [
        [102, 98_000],
        [2_000, 1_000],
      ],
    ])
    expect(merged.map(([, count]) => count)).toEqual([98_990, 1_000, 10])
    expect(quantileOf(merged, 0.5)).toBeLessThan(110)
    // One of the two alone waited 50 ms in a hundredth of its reads: of all, far fewer did.
    expect(quantileOf(merged, 0.99)).toBeLessThan(2_200)
    expect(quantileOf(merged, 1)).toBeGreaterThan(45_000)
  })

  it('of none, and of nothing timed, tell nothing', () => {
    expect(quantileOf(mergeWaits([]), 0.5)).toBeNull()
    expect(describeWaits([], 0)).toBeNull()
    expect(describeWaits([[100, 0]], 5)).toBeNull()
    expect(describeWaits([[100, 5]], 0)).toBeNull()
  })

  it('count local hits, which take next to no time', () => {
    const waits: Waits = [
      [0, 985],
      [900, 15],
    ]
    expect(describeWaits(waits, 1_000)).toMatchObject({ p50Us: 1, timed: 1_000 })
    expect(describeWaits([...waits, [0, 1_000]], 2_000)?.p99Us).toBe(1)
  })
})

test('the 99th percentile of all reads is between the two of a sample', () => {
  const random = mulberry(7)
  const RUNS = 2_000
  // One read in a hundred and a bit more, in a hundred and a bit less, waits for long.
  for (const slow of [0.0105, 0.0095]) {
    const truth = slow > 0.01 ? 30_000 : 1_000
    let covered = 0
    for (let run = 0; run < RUNS; run++) {
      let slowOnes = 0
      for (let read = 0; read < 1_000; read++) if (random() < slow) slowOnes++
      const figures = describeWaits(
        [
          [1_000, 1_000 - slowOnes],
          [30_000, slowOnes],
        ],
        1_000,
      )
      const { p99LowUs = 0, p99HighUs = 0 } = figures ?? {}
      if (p99LowUs <= truth * 1.05 && p99HighUs >= truth * 0.95) covered++
    }
    expect(covered / RUNS).toBeGreaterThan(0.99)
  }
})

test('so few that the worst is all that is known: it may have been that', () => {
  expect(
    describeWaits(
      [
        [1_000, 99],
        [70_000, 1],
      ],
      100,
    )?.p99HighUs,
  ).toBeGreaterThan(65_000)
})
