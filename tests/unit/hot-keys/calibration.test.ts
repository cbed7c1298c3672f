import { describe, expect, test } from 'vitest'
import {
  type Bracket,
  type Calibration,
  calibrate,
  chargeUs,
  correction,
  measuredRatio,
  UNCALIBRATED,
} from '../../../core/hot-keys/calibration.ts'

/** Seeded, and near enough to normal. */
function noise(seed: number): () => number {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return () => Array.from({ length: 12 }, next).reduce((sum, value) => sum + value, 0) - 6
}

/** Bursts that cost `ratio` times what was predicted, on a node whose other work is known to within `sigmaUs`. */
function calibrated(count: number, ratio: number, sigmaUs: number, seed = 1): Calibration {
  const draw = noise(seed)
  let calibration = UNCALIBRATED
  for (let burst = 0; burst < count; burst++) {
    const predictedUs = 4_000 + 500 * draw()
    const expectedUs = 20_000
    const usedUs = expectedUs + predictedUs * ratio + sigmaUs * draw()
    calibration = calibrate(calibration, { predictedUs, usedUs, expectedUs })
  }
  return calibration
}

describe('the ratio of what bursts cost to what was predicted', () => {
  test.each([0.5, 1, 2.5])('%d is found in little noise', (ratio) => {
    expect(measuredRatio(calibrated(30, ratio, 300))).toBeCloseTo(ratio, 1)
    expect(correction(calibrated(30, ratio, 300))).toBeCloseTo(ratio, 1)
  })
  test('is not told while it cannot be told apart from noise', () => {
    expect(measuredRatio(calibrated(3, 2, 100))).toBeNull()
    expect(measuredRatio(calibrated(20, 1, 20_000))).toBeNull()
    expect(correction(calibrated(20, 1, 20_000))).toBe(1)
  })
  test('where it is told, it is right in 95 of 100 cases, within half of it', () => {
    let told = 0
    let wrong = 0
    for (let seed = 1; seed <= 400; seed++) {
      const ratio = measuredRatio(calibrated(40, 1.5, 4_000, seed * 7_919))
      if (ratio === null) continue
      told++
      if (Math.abs(ratio - 1.5) > 0.75) wrong++
    }
    expect(told).toBeGreaterThan(100)
    expect(wrong / told).toBeLessThan(0.05)
  })
  test('follows a change of the traffic within a hundred bursts', () => {
    const draw = noise(3)
    let calibration = calibrated(100, 1, 300)
    for (let burst = 0; burst < 100; burst++) {
      calibration = calibrate(calibration, {
        predictedUs: 4_000,
        usedUs: 32_000 + 300 * draw(),
        expectedUs: 20_000,
      })
    }
    expect(measuredRatio(calibration)).toBeGreaterThan(2.6)
  })
  test('stays within bounds', () => {
    expect(correction(calibrated(50, 100, 300))).toBeCloseTo(10)
    expect(correction(calibrated(50, 0.01, 10))).toBe(0.3)
  })
})

describe('what a burst is charged', () => {
  const bracket = (usedUs: number): Bracket => ({ predictedUs: 4_000, usedUs, expectedUs: 5_000 })
  test.each<[string, Bracket | null, number]>([
    ['by the corrected model where nothing was measured', null, 8_000],
    ['by the corrected model within the noise', bracket(30_000), 8_000],
    ['what it used where a value of many megabytes held the node', bracket(3_005_000), 3_000_000],
    ['never less for a measurement below zero', bracket(0), 8_000],
  ])('%s', (_, one, us) => expect(chargeUs(4_000, 2, one)).toBe(us))

  test('and that one does not teach the model what others cost', () => {
    const calibration = calibrate(calibrated(40, 1, 200), bracket(3_005_000))
    expect(correction(calibration)).toBeLessThan(1.5)
  })
})
