import { describe, expect, test } from 'vitest'
import { chooseResolution, parseRange } from '../../../core/range.ts'
import { planPoints } from '../../../store/read-plan.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

describe('a custom range', () => {
  test.each<[string, { from?: string; to?: string }, string]>([
    ['the end of time', { from: '0', to: '8640000000000000' }, 'to'],
    ['from the epoch on', { from: '0' }, 'from'],
    ['up to long ago', { to: '1' }, 'to'],
    ['more than a day ahead', { to: String(NOW + DAY_MS + 1) }, 'to'],
    ['from before all retention', { from: String(NOW - 3_650 * DAY_MS - 1) }, 'from'],
    ['backwards', { from: String(NOW), to: String(NOW - 1) }, 'from'],
  ])('%s is refused, with its field', (_name, params, where) => {
    expect(() => parseRange(params, NOW)).toThrow(
      expect.objectContaining({ code: 'invalid-parameter', where }),
    )
  })

  test('all that may be kept, and a day ahead', () => {
    const [from, to] = [NOW - 3_650 * DAY_MS, NOW + DAY_MS]
    expect(parseRange({ from: String(from), to: String(to) }, NOW)).toEqual({ name: 'custom', from, to })
  })
})

const days = (count: number) => NOW - count * DAY_MS
const defaults = { raw: days(2), '1m': days(30), '1h': days(400) }

describe('chooseResolution', () => {
  test.each<[string, number, number, Parameters<typeof chooseResolution>[1], string]>([
    ['an hour', NOW - HOUR_MS, NOW, defaults, 'raw'],
    ['a day', days(1), NOW, defaults, '1m'],
    ['a week', days(7), NOW, defaults, '1h'],
    ['half an hour of yesterday', days(1), days(1) + HOUR_MS / 2, defaults, 'raw'],
    [
      'half an hour of yesterday, raw gone',
      days(1),
      days(1) + HOUR_MS / 2,
      { ...defaults, raw: days(0.5) },
      '1m',
    ],
    ['raw kept for a month', days(20), days(20) + HOUR_MS, { ...defaults, raw: days(30) }, 'raw'],
    ['minutes gone', days(40), days(40) + HOUR_MS, defaults, '1h'],
    [
      'before anything was kept: no coarser table has more',
      days(1),
      NOW,
      { raw: NOW, '1m': NOW, '1h': NOW },
      '1m',
    ],
    ['an empty database', NOW - HOUR_MS, NOW, { raw: null, '1m': null, '1h': null }, 'raw'],
  ])('%s', (_name, from, to, oldest, resolution) => {
    expect(chooseResolution({ from, to }, oldest).resolution).toBe(resolution)
  })

  test('no range has more than 400 points', () => {
    const oldest = [defaults, { raw: NOW, '1m': NOW, '1h': NOW }, { raw: 0, '1m': 0, '1h': 0 }]
    for (let length = 1_000; length <= 3_651 * DAY_MS; length *= 1.3) {
      for (const each of oldest) {
        const range = { from: NOW - length, to: NOW }
        const { stepMs } = chooseResolution(range, each)
        expect(planPoints(range, stepMs).at.length).toBeLessThanOrEqual(400)
      }
    }
  })
})
