import { describe, expect, test } from 'vitest'
import { attention, gapMs, type ScheduleFacts } from '../../../core/hot-keys/schedule.ts'

describe('the share of the budget that a node is given', () => {
  test.each<[string, ScheduleFacts, number, number]>([
    ['an idle one', { opsPerSec: 0, siblingOpsPerSec: null, topKeyMovedMsAgo: null }, 0.1, 0.1],
    ['a quiet one', { opsPerSec: 50, siblingOpsPerSec: null, topKeyMovedMsAgo: null }, 0.2, 0.3],
    ['a busy one alone', { opsPerSec: 5_000, siblingOpsPerSec: null, topKeyMovedMsAgo: null }, 1, 1],
    [
      'a shard like its siblings',
      { opsPerSec: 5_000, siblingOpsPerSec: 4_800, topKeyMovedMsAgo: null },
      0.5,
      0.5,
    ],
    ['one that leaves them', { opsPerSec: 5_000, siblingOpsPerSec: 2_000, topKeyMovedMsAgo: null }, 1, 1],
    [
      'one that falls behind them',
      { opsPerSec: 2_000, siblingOpsPerSec: 5_000, topKeyMovedMsAgo: null },
      0.5,
      0.5,
    ],
    [
      'one whose top key has just moved',
      { opsPerSec: 5_000, siblingOpsPerSec: 5_000, topKeyMovedMsAgo: 2_000 },
      1,
      1,
    ],
    ['and a while later', { opsPerSec: 5_000, siblingOpsPerSec: 5_000, topKeyMovedMsAgo: 60_000 }, 0.5, 0.5],
    [
      'an idle one whose top key moves all the time',
      { opsPerSec: 2, siblingOpsPerSec: 1, topKeyMovedMsAgo: 0 },
      0.1,
      0.1,
    ],
  ])('%s', (_, facts, low, high) => {
    expect(attention(facts)).toBeGreaterThanOrEqual(low)
    expect(attention(facts)).toBeLessThanOrEqual(high)
  })
})

describe('the pause after a burst', () => {
  test('brings the average to the budget that is given', () => {
    for (const given of [0.1, 0.5, 1]) {
      let spentUs = 0
      let elapsedMs = 0
      for (let burst = 0; burst < 1_000; burst++) {
        spentUs += 4_000
        elapsedMs += 20 + gapMs(4_000, 20, 0.01, given, (burst % 100) / 100)
      }
      expect(spentUs / 1_000 / elapsedMs).toBeCloseTo(0.01 * given, 3)
    }
  })
  test('about one burst a second on an idle node, however cheap', () => {
    expect(
      gapMs(150, 50, 0.01, attention({ opsPerSec: 0, siblingOpsPerSec: null, topKeyMovedMsAgo: null }), 0.5),
    ).toBeCloseTo(1_000)
  })
  test('never in step: drawn from a range around its mean', () => {
    expect(gapMs(5_000, 20, 0.01, 1, 0)).toBeLessThan(gapMs(5_000, 20, 0.01, 1, 0.99) * 0.6)
  })
  test('a burst that cost seconds is paid for', () =>
    expect(gapMs(3e6, 20, 0.01, 1, 0.5)).toBeGreaterThan(290_000))
})
