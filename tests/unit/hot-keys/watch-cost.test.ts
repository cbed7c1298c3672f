import { describe, expect, it } from 'vitest'
import { planWatch, watchCostUs } from '../../../collector/memcached/watch-cost.ts'

describe('planWatch', () => {
  it('watches a quiet server all the time', () => {
    expect(planWatch(0.01, 4, 4_000)).toMatchObject({ duty: 1, windowMs: null })
    expect(planWatch(0.01, 4, null)).toMatchObject({ duty: 1, windowMs: null })
  })

  it.each([
    [0.01, 4, 100_000],
    [0.01, 4, 1_000_000],
    [0.01, 1, 100],
    [0.001, 16, 50_000],
    [0.05, 64, 5_000_000],
  ])('keeps a budget of %d on %d threads at %d commands a second', (budget, threads, opsPerSec) => {
    const { duty, windowMs, predictedShare } = planWatch(budget, threads, opsPerSec)
    expect(predictedShare).toBeLessThanOrEqual(budget * 1.000001)
    expect((duty * watchCostUs(1_000, opsPerSec * 1.5)) / (threads * 1_000_000)).toBeCloseTo(
      predictedShare,
      9,
    )
    expect(windowMs ?? 200).toBeGreaterThanOrEqual(20)
    expect(windowMs ?? 200).toBeLessThanOrEqual(200)
    // About one look a second while the budget has room for one.
    if (windowMs !== null && windowMs > 20 && windowMs < 200) expect(windowMs / duty).toBeCloseTo(1_000)
  })
})
