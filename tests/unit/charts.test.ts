import { describe, expect, test } from 'vitest'
import {
  type ChartLine,
  isSilent,
  limitLines,
  summarize,
  tableColumns,
} from '../../app/_components/charts/chart-lines.ts'
import { timeTicks, yTicks } from '../../app/_components/charts/scale.ts'
import { sparklinePath } from '../../app/_components/charts/sparkline-path.ts'

describe('the y axis', () => {
  test.each([
    [0, 'per-second', [0, 0.25, 0.5, 0.75, 1]],
    [10, 'per-second', [0, 2.5, 5, 7.5, 10]],
    [12_400, 'per-second', [0, 5000, 10_000, 15_000]],
    [0.97, 'share', [0, 0.25, 0.5, 0.75, 1]],
    [3, 'count', [0, 1, 2, 3]],
    [3 * 1024 ** 3, 'bytes', [0, 1024 ** 3, 2 * 1024 ** 3, 3 * 1024 ** 3]],
    [700, 'bytes', [0, 256, 512, 768]],
  ] as const)('up to %d %s', (max, unit, ticks) => {
    expect(yTicks(max, unit)).toEqual(ticks)
  })

  test.each([1e-6, 0.3, 1, 7, 999, 1e9])('reaches %d in at most six ticks from zero', (max) => {
    for (const unit of ['per-second', 'bytes', 'ms', 'share'] as const) {
      const ticks = yTicks(max, unit)
      expect(ticks[0]).toBe(0)
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(max * 0.999)
      expect(ticks.length).toBeLessThanOrEqual(6)
    }
  })
})

test('the time axis has round times of the reader’s zone', () => {
  const from = Date.UTC(2026, 0, 1, 10, 3)
  expect(timeTicks(from, from + 15 * 60_000, 0, 6).map((at) => new Date(at).getUTCMinutes())).toEqual([
    5, 10, 15,
  ])
  const day = timeTicks(from, from + 86_400_000, 5.5 * 3_600_000, 6)
  expect(day.every((at) => (at + 5.5 * 3_600_000) % (6 * 3_600_000) === 0)).toBe(true)
})

const line = (ordinal: number, values: (number | null)[]): ChartLine => ({
  id: `shard-${ordinal}`,
  label: `Shard ${ordinal}`,
  ordinal,
  values,
})

describe('the lines of a chart', () => {
  test('stay as they are when they are few', () => {
    const few = [line(1, [1]), line(2, [2])]
    expect(limitLines(few)).toBe(few)
  })

  test('become the highest six, in their order, and the median of the rest', () => {
    const many = Array.from({ length: 60 }, (_, index) =>
      line(index + 1, [index, index === 0 ? null : index]),
    )
    const shown = limitLines(many)
    expect(shown.map(({ ordinal }) => ordinal)).toEqual([55, 56, 57, 58, 59, 60, null])
    expect(shown.at(-1)).toMatchObject({ label: 'Median of 54 other shards', values: [26.5, 27] })
  })

  test('are summed up by what is known', () => {
    expect(summarize([null, 3, 1, null])).toEqual({ min: 1, max: 3, last: 1 })
    expect(summarize([null])).toEqual({ min: null, max: null, last: null })
  })
})

describe('the newest value of a line', () => {
  const at = Array.from({ length: 20 }, (_, index) => index * 5_000)
  const known = (count: number) => at.map((_, index) => (index < count ? 1 : null))
  test.each([
    ['is of now', known(20), false],
    ['came a little before', known(14), false],
    ['is an old one', known(12), true],
    ['is not there at all', known(0), false],
  ])('%s', (_, values, silent) => {
    expect(isSilent(at, values)).toBe(silent)
  })

  test('is of now while it is younger than two ticks of its source', () => {
    expect(isSilent(at, known(16), 2_000)).toBe(true)
    expect(isSilent(at, known(17), 2_000)).toBe(false)
    expect(isSilent(at, known(12), 20_000)).toBe(false)
    expect(isSilent(at, known(11), 20_000)).toBe(true)
  })

  test('is of now where the steps are long', () => {
    const hours = at.map((time) => time * 720)
    expect(isSilent(hours, known(17))).toBe(false)
    expect(isSilent(hours, known(15))).toBe(true)
  })
})

describe('a sparkline', () => {
  test('breaks at a gap and shows a lone point', () => {
    const path = sparklinePath([0, 10, null, 5], 34, 14)
    expect(path).toBe('M2.0 12.0L12.0 2.0M32.0 7.0h0.1')
  })

  test('lies at the bottom when all is zero and is empty when nothing is known', () => {
    expect(sparklinePath([0, 0], 34, 14)).toBe('M2.0 12.0L32.0 12.0')
    expect(sparklinePath([null, null], 34, 14)).toBe('')
  })
})

test('a line with an interval is three columns of the table', () => {
  const line: ChartLine = {
    id: 'share',
    label: 'Share',
    values: [0.5, null],
    ordinal: 1,
    interval: { low: [0.4, null], high: [0.6, null] },
  }
  const columns = tableColumns([line, { id: 'b', label: 'B', values: [1, 2], ordinal: 2 }])
  expect(columns.map(({ label, values }) => [label, values[0]])).toEqual([
    ['Share', 0.5],
    ['95% from', 0.4],
    ['to', 0.6],
    ['B', 1],
  ])
})
