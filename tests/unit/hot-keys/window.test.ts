import { describe, expect, test } from 'vitest'
import { SpaceSaving } from '../../../core/hot-keys/space-saving.ts'
import { SlidingWindow } from '../../../core/hot-keys/window.ts'

const START = 1_700_000_000_000

function use(window: SlidingWindow, key: string, times: number, write = false) {
  const bytes = Buffer.from(key)
  for (let time = 0; time < times; time++) {
    window.countCommand()
    window.countKey(bytes, 0, bytes.length, 0, 7, write)
  }
}
const fresh = () => new SlidingWindow(new SpaceSaving({ seed: 1 }))

describe('the sliding window', () => {
  test('sums its slices, the running one included', () => {
    const window = fresh()
    for (let second = 0; second < 4; second++) {
      window.advance(START + second * 1_000)
      use(window, 'hot', 10, second === 0)
      use(window, 'warm', 5)
    }
    const merged = window.merge(START + 3_500, 10)
    expect(merged).toMatchObject({ from: START, to: START + 3_500, commands: 60, others: 0 })
    expect(merged?.keys.map(({ key, low, writes }) => [Buffer.from(key).toString(), low, writes])).toEqual([
      ['hot', 40, 10],
      ['warm', 20, 0],
    ])
    expect(merged?.keys[0]?.command).toBe(7)
    expect(merged?.keys[0]?.slices).toHaveLength(4)
  })

  test('forgets what is older than ten seconds, also when nothing follows', () => {
    const window = fresh()
    window.advance(START)
    use(window, 'old', 3)
    window.advance(START + 5_000)
    use(window, 'new', 1)
    expect(window.merge(START + 9_999, 10)?.commands).toBe(4)
    expect(window.merge(START + 10_000, 10)?.keys.map(({ key }) => Buffer.from(key).toString())).toEqual([
      'new',
    ])
    expect(window.merge(START + 15_000, 10)).toBeNull()
  })

  test('a clock that goes back loses nothing but the past', () => {
    const window = fresh()
    window.advance(START)
    use(window, 'a', 1)
    window.advance(START - 3_600_000)
    use(window, 'b', 1)
    expect(window.merge(START - 3_600_000, 10)?.commands).toBe(1)
  })

  test('nothing seen is null, not zero', () => {
    expect(fresh().merge(START, 10)).toBeNull()
  })

  test('reset forgets everything', () => {
    const window = fresh()
    window.advance(START)
    use(window, 'a', 1)
    window.advance(START + 1_000)
    use(window, 'a', 1)
    window.reset()
    expect(window.merge(START + 1_000, 10)).toBeNull()
  })

  test('a key that a past slice cut off is bounded there', () => {
    const window = fresh()
    window.advance(START)
    for (let at = 0; at < 1_000; at++) use(window, `many:${at}`, 2)
    use(window, 'late', 1)
    window.advance(START + 1_000)
    use(window, 'late', 10)
    const late = window.merge(START + 1_000, 1)?.keys[0]
    expect(late?.slices).toEqual([
      { low: 0, high: 2, commands: 2_001 },
      { low: 10, high: 10, commands: 10 },
    ])
  })

  test('holds a bounded number of bytes, whatever the keys', () => {
    const window = fresh()
    for (let second = 0; second < 12; second++) {
      window.advance(START + second * 1_000)
      for (let at = 0; at < 5_000; at++) use(window, `${second}:${at}:${'x'.repeat(at % 200)}`, 1)
    }
    const entries = window.merge(START + 11_000, 1e6)?.keys ?? []
    expect(entries.length).toBeGreaterThan(500)
    expect(window.sizeBytes).toBeLessThanOrEqual(9 * 56 * 1024)
  })
})
