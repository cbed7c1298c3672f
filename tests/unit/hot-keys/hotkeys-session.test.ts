/** A session of Redis' HOTKEYS takes a quarter of the node's budget at most. */
import { describe, expect, it } from 'vitest'
import { planHotkeysSession, SESSION_S } from '../../../core/hot-keys/hotkeys-session.ts'

describe('planHotkeysSession', () => {
  it.each([
    ['an idle node, twice a minute', 0, 0.01, 1, 23_000],
    ['a busy one', 40_000, 0.01, 1, 23_000],
    ['a very busy one, one use of ten', 1_000_000, 0.01, 10, 161_000],
    ['a tenth of the budget', 40_000, 0.001, 1, 161_000],
    ['no budget to speak of, every five minutes', 1_000_000, 0.000_01, 10, 300_000],
  ])('%s', (_, opsPerSec, budget, ratio, pauseMs) => {
    const plan = planHotkeysSession(opsPerSec, budget)
    expect(plan.ratio).toBe(ratio)
    expect(plan.pauseMs).toBeCloseTo(pauseMs, 3)
    const share = (plan.usPerSec * SESSION_S) / 1_000 / (SESSION_S * 1_000 + plan.pauseMs)
    if (pauseMs < 300_000) expect(share).toBeLessThanOrEqual(budget / 4 + 1e-12)
  })
})
