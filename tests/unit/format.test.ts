import { describe, expect, test } from 'vitest'
import * as format from '../../app/_lib/format.ts'

describe.each([
  [
    format.formatRate,
    [
      [0, '0/s'],
      [0.4321, '0.432/s'],
      [7, '7/s'],
      [999.4, '999/s'],
      [999.6, '1 k/s'],
      [12_400, '12.4 k/s'],
      [123_456, '123 k/s'],
      [2_500_000, '2.5 M/s'],
      [null, 'unknown'],
      [undefined, 'unknown'],
      [Number.NaN, 'unknown'],
    ],
  ],
  [
    format.formatBytes,
    [
      [0, '0 B'],
      [512, '512 B'],
      [1024, '1 KiB'],
      [1023 * 1024 * 1024, '0.999 GiB'],
      [3.1 * 1024 ** 3, '3.1 GiB'],
      [1.25 * 1024 ** 4, '1.25 TiB'],
      [null, 'unknown'],
    ],
  ],
  [
    format.formatByteRate,
    [
      [1536, '1.5 KiB/s'],
      [null, 'unknown'],
    ],
  ],
  [
    format.formatCount,
    [
      [50_000, '50 k'],
      [12, '12'],
      [1_234_567, '1.23 M'],
      [null, 'unknown'],
    ],
  ],
  [
    format.formatShare,
    [
      [0, '0%'],
      [1, '100%'],
      [0.64, '64%'],
      [0.6449, '64%'],
      [0.042, '4.2%'],
      [0.0014, '0.14%'],
      [0.00001, '<0.01%'],
      [0.9996, '99.9%'],
      [0.995, '99.5%'],
      [1.5, '150%'],
      [null, 'unknown'],
    ],
  ],
  [
    format.formatTimes,
    [
      [2.437, '2.44×'],
      [1, '1×'],
      [null, 'unknown'],
    ],
  ],
  [
    format.formatMs,
    [
      [0, '0 ms'],
      [0.085, '85 µs'],
      [0.9999, '1 ms'],
      [240, '240 ms'],
      [999.9, '1 s'],
      [1234, '1.23 s'],
      [90_000, '1 min 30 s'],
      [null, 'unknown'],
    ],
  ],
  [
    format.formatUs,
    [
      [12.34, '12.3 µs'],
      [2500, '2.5 ms'],
      [null, 'unknown'],
    ],
  ],
  [
    format.formatDuration,
    [
      [0, '0 s'],
      [0.25, '250 ms'],
      [42, '42 s'],
      [59.9, '1 min'],
      [200, '3 min 20 s'],
      [14_700, '4 h 5 min'],
      [86_400 * 12 + 3 * 3600, '12 d 3 h'],
      [null, 'unknown'],
    ],
  ],
  [
    format.formatAge,
    [
      [0, 'now'],
      [999, 'now'],
      [4200, '4 s'],
      [-500, 'now'],
      [190_000, '3 min'],
      [7_300_000, '2 h'],
      [5 * 86_400_000, '5 d'],
      [null, 'unknown'],
    ],
  ],
] as [(value: number | null | undefined) => string, [number | null | undefined, string][]][])(
  '%o',
  (write, cases) => {
    test.each(cases)('%s is %s', (value, text) => {
      expect(write(value)).toBe(text)
    })
  },
)

test('a figure is written in the unit of its metric', () => {
  expect(format.formatMetric('opsPerSec', 12_400)).toBe('12.4 k/s')
  expect(format.formatMetric('usedMemoryBytes', 1024)).toBe('1 KiB')
  expect(format.formatMetric('cpuShare', 0.4)).toBe('40%')
  expect(format.formatMetric('lagSeconds', null)).toBe('unknown')
})

test('words agree with their number, slots with their ranges', () => {
  expect(format.plural(1, 'node')).toBe('1 node')
  expect(format.plural(1200, 'node')).toBe('1,200 nodes')
  expect(
    format.formatSlots([
      [0, 5460],
      [10_923, 10_923],
    ]),
  ).toBe('0–5460, 10923')
  expect(format.formatSlots([])).toBe('no slots')
  expect(format.formatSlots(null)).toBe('all keys')
})
