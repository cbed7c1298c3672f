import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CounterReading, diffCounters, withoutOwn } from '../../../core/rates.ts'

const reading = (change: Partial<CounterReading> = {}): CounterReading => ({
  atMs: 0,
  runId: 'run',
  uptimeSeconds: 100,
  role: 'primary',
  counters: { hits: 100, misses: 10 },
  ...change,
})

describe('diffCounters', () => {
  it('knows nothing from one reading', () => {
    expect(diffCounters(null, reading())).toEqual({
      elapsedMs: null,
      break: null,
      deltas: { hits: null, misses: null },
      perSecond: { hits: null, misses: null },
    })
  })

  it('makes rates of growth', () => {
    const diff = diffCounters(reading(), reading({ atMs: 2_000, counters: { hits: 300, misses: 10 } }))
    expect(diff).toMatchObject({ break: null, deltas: { hits: 200 }, perSecond: { hits: 100, misses: 0 } })
  })

  it.each<[string, Partial<CounterReading>, string | null]>([
    ['another run', { runId: 'other', counters: { hits: 500, misses: 500 } }, 'restart'],
    ['uptime that went back, without a run id', { runId: null, uptimeSeconds: 3 }, 'restart'],
    ['uptime that went back a second by rounding', { runId: null, uptimeSeconds: 99 }, null],
    ['a counter that went back', { counters: { hits: 0, misses: 900 } }, 'counters-reset'],
    ['another role', { role: 'replica', counters: { hits: 101, misses: 10 } }, 'role-change'],
  ])('after %s', (_, change, why) => {
    const diff = diffCounters(
      reading({ runId: change.runId === null ? null : 'run' }),
      reading({ atMs: 2_000, ...change }),
    )
    expect(diff.break).toBe(why)
    if (why !== null) expect(Object.values(diff.perSecond)).toEqual([null, null])
  })

  it('keeps unknown unknown, and the rest known', () => {
    const diff = diffCounters(
      reading({ counters: { hits: null, misses: 1 } }),
      reading({ atMs: 1_000, counters: { hits: 5, misses: 3, new: 7 } }),
    )
    expect(diff.perSecond).toEqual({ hits: null, misses: 2, new: null })
  })

  it('does not divide by next to nothing', () => {
    const diff = diffCounters(reading(), reading({ atMs: 1, counters: { hits: 1e9, misses: 10 } }))
    expect(diff.perSecond.hits).toBeNull()
  })

  it('never gives a negative or endless rate', () => {
    const counter = fc.option(fc.nat(1e9), { nil: null })
    const any = fc.record({
      atMs: fc.integer({ min: 0, max: 1e6 }),
      runId: fc.option(fc.constantFrom('a', 'b'), { nil: null }),
      uptimeSeconds: fc.option(fc.nat(1e6), { nil: null }),
      role: fc.option(fc.constantFrom('primary', 'replica'), { nil: null }),
      counters: fc.record({ hits: counter, misses: counter, calls: counter }),
    })
    fc.assert(
      fc.property(any, any, (before, now) => {
        const diff = diffCounters(before, now)
        for (const value of Object.values(diff.perSecond)) {
          if (value !== null) expect(value >= 0 && Number.isFinite(value)).toBe(true)
        }
        if (diff.break !== null)
          expect(Object.values(diff.perSecond).every((value) => value === null)).toBe(true)
      }),
    )
  })
})

it('takes our own commands away, never below nothing', () => {
  expect(withoutOwn(10, 4)).toBe(6)
  expect(withoutOwn(3, 4)).toBe(0)
  expect(withoutOwn(null, 4)).toBeNull()
})
