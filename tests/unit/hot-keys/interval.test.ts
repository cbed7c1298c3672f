import { describe, expect, test } from 'vitest'
import { shareInterval } from '../../../core/hot-keys/interval.ts'
import type { SliceCount } from '../../../core/hot-keys/window.ts'
import { binomial, mulberry } from '../../support/random-draws.ts'

const exact = (uses: number, commands: number): SliceCount => ({ low: uses, high: uses, commands })

describe('the interval of a share', () => {
  test('holds the share, and is within 0 and 1 at the ends', () => {
    expect(shareInterval([exact(0, 100)])).toMatchObject({ share: 0, low: 0 })
    expect(shareInterval([exact(100, 100)]).high).toBeCloseTo(1, 12)
    const { share, low, high } = shareInterval(Array.from({ length: 10 }, () => exact(20, 2_000)))
    expect(share).toBe(0.01)
    expect(low).toBeGreaterThan(0.008)
    expect(high).toBeLessThan(0.012)
  })

  test('the error of the sketch moves its ends apart', () => {
    const sure = shareInterval(Array.from({ length: 10 }, () => exact(100, 1_000)))
    const unsure = shareInterval(Array.from({ length: 10 }, () => ({ low: 80, high: 120, commands: 1_000 })))
    expect(unsure.low).toBeLessThan(sure.low)
    expect(unsure.high).toBeGreaterThan(sure.high)
  })

  test('waves make it wider than chance alone', () => {
    const calm = shareInterval(Array.from({ length: 10 }, () => exact(100, 1_000)))
    const waves = shareInterval(Array.from({ length: 10 }, (_, at) => exact(at % 2 === 0 ? 0 : 200, 1_000)))
    expect(waves.share).toBe(calm.share)
    expect(waves.high - waves.low).toBeGreaterThan((calm.high - calm.low) * 3)
  })

  test('a second or two are not trusted as ten are', () => {
    const two = shareInterval([exact(500, 5_000), exact(500, 5_000)])
    const ten = shareInterval(Array.from({ length: 10 }, () => exact(100, 1_000)))
    expect(two.high - two.low).toBeGreaterThan((ten.high - ten.low) * 1.3)
  })
})

test.each([
  ['commands drawn one by one', 0, 0.02],
  ['waves of a second', 0.5, 0.05],
  ['strong waves of a second', 1, 0.2],
])('%s: the interval covers the truth in 95 of 100 simulated windows or more', (_, wave, share) => {
  const random = mulberry(7)
  const runs = 20_000
  let covered = 0
  for (let run = 0; run < runs; run++) {
    const slices = Array.from({ length: 10 }, () => {
      const inSlice = share * (1 + wave * (random() * 2 - 1))
      const commands = 200 + Math.floor(random() * 400)
      return exact(binomial(commands, inSlice, random), commands)
    })
    const { low, high } = shareInterval(slices)
    if (low <= share && share <= high) covered++
  }
  expect(covered / runs).toBeGreaterThanOrEqual(0.95)
})
