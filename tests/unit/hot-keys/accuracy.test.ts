import { expect, test } from 'vitest'
import { countEvents, drawEvents, judge } from '../../../bench/support/accuracy-events.ts'
import { totalUses } from '../../../core/hot-keys/interval.ts'
import { SpaceSaving } from '../../../core/hot-keys/space-saving.ts'
import { SlidingWindow, WINDOW_MS } from '../../../core/hot-keys/window.ts'

const START = 1_700_000_000_000

test.each([0.9, 0.99])(
  'a million uses over a million keys by zipf %d, the 1,000 hottest replaced midway: the hottest hundred are right',
  { timeout: 120_000 },
  (exponent) => {
    const events = drawEvents(exponent)
    const window = new SlidingWindow(new SpaceSaving({ seed: 77 }))
    events.forEach((key, at) => {
      if (at % 1_000 === 0) window.advance(START + Math.floor((at / events.length) * WINDOW_MS))
      const bytes = Buffer.from(key)
      window.countCommand()
      window.countKey(bytes, 0, bytes.length, 0, 0, false)
    })
    const merged = window.merge(START + WINDOW_MS - 1, 1_000)
    const estimates = new Map(
      merged?.keys.map(({ key, slices }) => [Buffer.from(key).toString(), totalUses(slices)]),
    )
    const { recall, meanError } = judge(countEvents(events), estimates)
    expect(recall).toBeGreaterThanOrEqual(0.99)
    expect(meanError).toBeLessThanOrEqual(0.005)
  },
)
