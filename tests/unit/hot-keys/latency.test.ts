import { describe, expect, test } from 'vitest'
import { fitWindow, type LatencyFacts, predictLatencyMs } from '../../../core/hot-keys/latency.ts'

const QUIET: LatencyFacts = { cpuShare: 0.1, opsPerSec: 1_000, perCommandUs: 5 }
const BUSY: LatencyFacts = { cpuShare: 0.9, opsPerSec: 100_000, perCommandUs: 10 }
/** SET of 1 kB binary on Redis 7.0: printing takes twelve times what there is. */
const DROWNED: LatencyFacts = { cpuShare: 0.9, opsPerSec: 100_000, perCommandUs: 117 }

/** A server that takes commands in turn, printing for `windowMs`: how long the unluckiest client waits longer. */
function simulate({ cpuShare, opsPerSec, perCommandUs }: LatencyFacts, windowMs: number): number {
  const everyMs = 1_000 / opsPerSec
  const ownMs = ((cpuShare ?? 0) * 1_000) / opsPerSec
  let freeAt = 0
  let freeWithoutAt = 0
  let longest = 0
  for (let at = 0; at < windowMs * 20; at += everyMs) {
    const start = Math.max(at, freeAt)
    freeAt = start + ownMs + (start < windowMs ? perCommandUs / 1_000 : 0)
    freeWithoutAt = Math.max(at, freeWithoutAt) + ownMs
    longest = Math.max(longest, freeAt - freeWithoutAt)
  }
  return longest
}

describe('what a window adds to the longest wait', () => {
  test.each([
    ['a quiet node', QUIET],
    ['a busy one', BUSY],
    ['one that printing saturates', DROWNED],
    ['a few large commands', { cpuShare: 0.2, opsPerSec: 100, perCommandUs: 8_000 }],
    ['many large commands', { cpuShare: 0.5, opsPerSec: 2_000, perCommandUs: 3_000 }],
  ])('%s: as a server that takes commands in turn', (_, facts) => {
    for (const windowMs of [5, 20, 50]) {
      const predicted = predictLatencyMs(facts, windowMs)
      const simulated = simulate(facts, windowMs)
      expect(predicted).toBeGreaterThan(simulated * 0.85 - 0.1)
      expect(predicted).toBeLessThan(simulated * 1.15 + 2 * (facts.perCommandUs / 1_000) + 0.1)
      expect(predicted).toBeLessThanOrEqual(windowMs + facts.perCommandUs / 1_000)
    }
  })

  test('a load that is not known is taken as one', () => {
    expect(predictLatencyMs({ ...BUSY, cpuShare: null }, 20)).toBeGreaterThan(0)
  })
})

describe('the window that keeps the bound', () => {
  test('as wanted where nothing waits', () => expect(fitWindow(QUIET, 50, 5, 20)).toBe(50))
  test('shorter where the node is held up', () => {
    const windowMs = fitWindow(DROWNED, 50, 5, 20) ?? Number.NaN
    expect(windowMs).toBeLessThan(23)
    expect(windowMs).toBeGreaterThan(15)
    expect(predictLatencyMs(DROWNED, windowMs)).toBeCloseTo(20)
  })
  test('never for a busy node alone: the shortest window holds nobody up for longer than itself', () => {
    expect(fitWindow({ cpuShare: 1, opsPerSec: 1e6, perCommandUs: 1_000 }, 50, 5, 20)).not.toBeNull()
  })
  test('none where a single command takes longer', () => {
    expect(fitWindow({ cpuShare: 0.1, opsPerSec: 10, perCommandUs: 25_000 }, 50, 5, 20)).toBeNull()
    expect(fitWindow({ cpuShare: 0.1, opsPerSec: 10, perCommandUs: 25_000 }, 50, 5, 40)).not.toBeNull()
  })
})
