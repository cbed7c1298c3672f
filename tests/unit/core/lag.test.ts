import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measureLag, type OffsetReading, type ReplicaReading } from '../../../core/lag.ts'

/** A primary that writes a thousand bytes a second, read every two. */
const history: OffsetReading[] = Array.from({ length: 30 }, (_, index) => ({
  atMs: index * 2_000,
  offset: index * 2_000,
  replicationId: 'r',
}))
const replica = (change: Partial<ReplicaReading> = {}): ReplicaReading => ({
  atMs: 58_000,
  offset: 58_000,
  replicationId: 'r',
  linkUp: true,
  linkDownSeconds: null,
  lastIoSeconds: 0,
  uptimeSeconds: 500,
  ...change,
})

describe('measureLag', () => {
  it.each<[string, ReplicaReading, number | null, { bytes: number | null; seconds: number | null }]>([
    ['in step', replica(), 0, { bytes: 0, seconds: 0 }],
    [
      'read between two readings of the primary',
      replica({ atMs: 57_000, offset: 57_000 }),
      1,
      { bytes: 0, seconds: 0 },
    ],
    ['read just after the primary', replica({ atMs: 58_500, offset: 58_500 }), 0, { bytes: 0, seconds: 0 }],
    ['ahead of what we extrapolate', replica({ atMs: 58_500, offset: 59_000 }), 0, { bytes: 0, seconds: 0 }],
    ['at least eight seconds behind', replica({ offset: 48_000 }), 1, { bytes: 10_000, seconds: 8 }],
    ['nine and a half seconds behind', replica({ offset: 48_500 }), 1, { bytes: 9_500, seconds: 9.5 }],
    ['further behind than we remember', replica({ offset: -5_000 }), 0, { bytes: 63_000, seconds: 58 }],
    ['silent, as the primary sees it', replica(), 25, { bytes: 0, seconds: 25 }],
    [
      'silent, with no news from the primary',
      replica({ lastIoSeconds: 40, replicationId: 'x' }),
      null,
      { bytes: null, seconds: 40 },
    ],
    ['quiet for lack of writes', replica({ lastIoSeconds: 9 }), null, { bytes: 0, seconds: 0 }],
    ['with its link down', replica({ linkUp: false, linkDownSeconds: 33 }), 0, { bytes: 0, seconds: 33 }],
    [
      'with a link that never was up',
      replica({ linkUp: false, linkDownSeconds: -1 }),
      null,
      { bytes: 0, seconds: 500 },
    ],
    [
      'of another history',
      replica({ replicationId: 'other', lastIoSeconds: null }),
      null,
      { bytes: null, seconds: null },
    ],
    ['long after the last word of the primary', replica({ atMs: 90_000 }), 2, { bytes: null, seconds: 2 }],
  ])('a replica %s', (_, reading, ack, expected) => {
    expect(measureLag(history, reading, ack)).toEqual(expected)
  })

  it('does not take a single ping of an idle primary for seconds', () => {
    const idle = [
      { atMs: 0, offset: 100, replicationId: 'r' },
      { atMs: 2_000, offset: 114, replicationId: 'r' },
    ]
    expect(measureLag(idle, replica({ atMs: 2_000, offset: 100 }), 0)).toEqual({ bytes: 14, seconds: 0 })
  })

  it('is never negative, and grows while the link hangs', () => {
    fc.assert(
      fc.property(
        fc.nat(58_000),
        fc.nat(100_000),
        fc.option(fc.nat(60), { nil: null }),
        (atMs, offset, ack) => {
          const lag = measureLag(history, replica({ atMs, offset }), ack)
          expect(lag.bytes ?? 0).toBeGreaterThanOrEqual(0)
          expect(lag.seconds ?? 0).toBeGreaterThanOrEqual(0)
        },
      ),
    )
    const at = (atMs: number) => measureLag(history, replica({ atMs, offset: 10_500 }), 0).seconds ?? 0
    expect(at(40_000)).toBeGreaterThan(at(20_000))
  })
})
