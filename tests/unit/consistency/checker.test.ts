/** The checker fails where it should, and only there: histories by hand, in milliseconds. */
import { describe, expect, test } from 'vitest'
import { checkHistory, type Rule } from '../../support/consistency/checker.ts'
import type { Fault, HistoryEvent, Read, Span, Write } from '../../support/consistency/history.ts'

const KEY = 'k'

function write(value: string | null, from: number, to: number, more: Partial<Write> = {}): Write {
  return {
    ...{ kind: 'write', process: 'w', via: 'library', key: KEY, value, outcome: 'ok', expiresInMs: null },
    ...{ how: 'set', invokedUs: from * 1_000, returnedUs: to * 1_000 },
    ...more,
  }
}
function read(value: string | null, from: number, to: number, more: Partial<Read> = {}): Read {
  return {
    ...{ kind: 'read', process: 'r', via: 'library', key: KEY, value, how: 'get' },
    ...{ invokedUs: from * 1_000, returnedUs: to * 1_000 },
    ...more,
  }
}
const bare = (value: string | null, from: number, to: number) =>
  read(value, from, to, { via: 'bare', process: 'o' })
function span(from: number, to: number, more: Partial<Span> = {}): Span {
  return {
    ...{ kind: 'span', mitigationId: 1, action: 'split', key: KEY, worstMs: 5_000, usualMs: 1_000 },
    ...{ ownReadsMs: 0, fromUs: from * 1_000, toUs: to * 1_000 },
    ...more,
  }
}
function fault(from: number, to: number, mayLose: string[] = []): Fault {
  return {
    ...{ kind: 'fault', name: 'kill-primary', target: 'n', mayLose },
    ...{ startedUs: from * 1_000, endedUs: to * 1_000 },
  }
}
/** Read right at the end, so that only the rule in question speaks. */
const end = (value: string | null, at = 1_000_000): HistoryEvent[] => [
  bare(value, at, at + 1),
  read(value, at, at + 1),
]

const rulesOf = (history: HistoryEvent[]): Rule[] => [
  ...new Set(checkHistory(history, { toleranceMs: 0 }).violations.map(({ rule }) => rule)),
]

describe('a history is right', () => {
  test.each<[string, HistoryEvent[]]>([
    ['when each read has the newest value', [write('1', 0, 1), read('1', 2, 3), ...end('1')]],
    [
      'when a read runs beside a write and has either',
      [write('1', 0, 1), write('2', 10, 20), read('1', 15, 16), read('2', 15, 16), ...end('2')],
    ],
    ['when nothing is there before the first write', [read(null, 0, 1), write('1', 2, 3), ...end('1')]],
    [
      'when a read is as old as promised',
      [span(0, 100), write('1', 0, 1), write('2', 10, 11), read('1', 100, 101, {}), ...end('2')],
    ],
    [
      'when concurrent writers are seen in any order',
      [
        write('a', 0, 10),
        write('b', 5, 15),
        read('a', 20, 21),
        read('b', 22, 23),
        read('a', 24, 25),
        ...end('b'),
      ],
    ],
    [
      'when a key has expired',
      [write('1', 0, 1, { expiresInMs: 100 }), read('1', 99, 100), read(null, 102, 103), ...end(null)],
    ],
    [
      'when a failed write is seen later',
      [
        write('1', 0, 1),
        write('2', 10, 20, { outcome: 'unknown' }),
        read('1', 30, 31),
        read('2', 500, 501),
        ...end('2'),
      ],
    ],
    [
      'when a failed write is never seen',
      [write('1', 0, 1), write('2', 10, 20, { outcome: 'unknown' }), ...end('1')],
    ],
    [
      'when a failed write is carried out as its server goes on',
      [
        write('1', 0, 1),
        fault(5, 4_000),
        write('2', 10, 20, { outcome: 'unknown' }),
        write('3', 30, 31),
        bare('3', 40, 41),
        bare('2', 5_000, 5_001),
        ...end('2'),
      ],
    ],
    [
      'when Redis itself lost a write in a failover',
      [
        write('1', 0, 1),
        write('2', 10_000, 10_001),
        fault(10_100, 12_000, [KEY]),
        bare('1', 12_500, 12_501),
        read('1', 13_000, 13_001),
        ...end('1'),
      ],
    ],
    [
      'when a copy is old after a crash',
      [
        span(0, 20_000),
        write('1', 0, 1),
        fault(5_000, 9_000),
        write('2', 5_500, 5_501),
        read('1', 10_000, 10_001),
        ...end('2'),
      ],
    ],
    [
      'when another process sees a write later than the writer does',
      [
        span(0, 1_000, { ownReadsMs: 1_000 }),
        write('1', 0, 1),
        write('2', 10, 11),
        read('1', 12, 13),
        read('2', 12, 13, { process: 'w' }),
        ...end('2'),
      ],
    ],
  ])('%s', (_, history) => {
    expect(checkHistory(history, { toleranceMs: 0 }).violations).toEqual([])
  })
})

describe('a history is wrong', () => {
  test.each<[Rule, string, HistoryEvent[]]>([
    ['foreign-value', 'a value nobody wrote', [write('1', 0, 1), read('x', 2, 3), ...end('1')]],
    ['foreign-value', 'a value from the future', [read('1', 0, 1), write('1', 2, 3), ...end('1')]],
    [
      'stale-read',
      'an old value where no mitigation is in force',
      [write('1', 0, 1), write('2', 10, 11), read('1', 12, 13), ...end('2')],
    ],
    [
      'stale-read',
      'an old value after its mitigation was off',
      [span(0, 100), write('1', 0, 1), write('2', 10, 11), read('1', 101, 102), ...end('2')],
    ],
    [
      'stale-read',
      'an old value longer than promised',
      [span(0, 9_000), write('1', 0, 1), write('2', 10, 11), read('1', 1_012, 1_013), ...end('2')],
    ],
    [
      'stale-read',
      'older than the worst case, after a crash',
      [
        span(0, 90_000),
        write('1', 0, 1),
        fault(5_000, 9_000),
        write('2', 5_500, 5_501),
        read('1', 10_502, 10_503),
        ...end('2'),
      ],
    ],
    [
      'stale-read',
      'nothing where a copy was missing',
      [span(0, 9_000), write('1', 0, 1), read(null, 5_000, 5_001), ...end('1')],
    ],
    [
      'stale-read',
      'nothing from a replica that is empty',
      [span(0, 99_000), fault(0, 1_000), write('1', 2_000, 2_001), read(null, 50_000, 50_001), ...end('1')],
    ],
    [
      'deleted-value-returned',
      'a deleted value after the window',
      [
        span(0, 9_000),
        write('1', 0, 1),
        write(null, 10, 11),
        read(null, 20, 21),
        read('1', 2_000, 2_001),
        ...end(null),
      ],
    ],
    [
      'stale-read',
      'a value after its time to live',
      [span(0, 9_000), write('1', 0, 1, { expiresInMs: 100 }), read('1', 1_200, 1_201), ...end(null)],
    ],
    [
      'lost-write',
      'the base key has an older value',
      [span(0, 9_000), write('1', 0, 1), write('2', 10, 11), bare('1', 12, 13), ...end('2')],
    ],
    [
      'lost-write',
      'a write was lost though its shard had no fault',
      [
        write('1', 0, 1),
        write('2', 10_000, 10_001),
        fault(10_100, 12_000, ['other']),
        bare('1', 12_500, 12_501),
        ...end('1'),
      ],
    ],
    [
      'lost-write',
      'a write was lost long before the fault',
      [
        write('1', 0, 1),
        write('2', 5_000, 5_001),
        fault(10_100, 12_000, [KEY]),
        bare('1', 12_500, 12_501),
        ...end('2'),
      ],
    ],
    [
      'lost-write',
      'a write was lost before any fault',
      [
        write('1', 0, 1),
        write('2', 9_500, 9_501),
        bare('1', 9_600, 9_601),
        fault(10_100, 12_000, [KEY]),
        ...end('2'),
      ],
    ],
    [
      'lost-write',
      'the last write is not there at the end',
      [write('1', 0, 1), write('2', 10, 11), bare('1', 5_000, 5_001), read('1', 5_000, 5_001)],
    ],
    [
      'own-write-unseen',
      'its own write is not read',
      [
        span(0, 1_000, { ownReadsMs: 1_000 }),
        write('1', 0, 1),
        write('2', 10, 11),
        read('1', 12, 13, { process: 'w' }),
        ...end('2'),
      ],
    ],
    [
      'own-write-unseen',
      'its own deletion is not read',
      [
        span(0, 1_000, { ownReadsMs: 1_000 }),
        write('1', 0, 1),
        write(null, 10, 11),
        read('1', 12, 13, { process: 'w' }),
        ...end(null),
      ],
    ],
    [
      'own-write-unseen',
      'its own first write is not read',
      [
        span(0, 1_000, { ownReadsMs: 1_000 }),
        write('1', 0, 1),
        read(null, 2, 3, { process: 'w' }),
        ...end('1'),
      ],
    ],
    [
      'unhandled-rejection',
      'a rejection that nobody took',
      [{ kind: 'unhandled', process: 'w', via: 'library', error: 'Error', atUs: 1 }],
    ],
    ['unread', 'nobody looks at the end', [write('1', 0, 1), write('2', 10, 11)]],
  ])('%s: %s', (rule, _, history) => {
    expect(rulesOf(history)).toContain(rule)
  })
})

describe('what it counts', () => {
  test('reads by action and by how old they were', () => {
    const { actions } = checkHistory(
      [span(0, 500), write('1', 0, 1), write('2', 10, 11), read('1', 61, 62), read('2', 61, 62), ...end('2')],
      { toleranceMs: 0 },
    )
    expect(actions.split).toMatchObject({ reads: 2, stale: 1, maxStaleMs: 50 })
    expect(actions.split?.histogram).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    expect(actions.none).toMatchObject({ reads: 1, stale: 0 })
    expect(actions.bare).toMatchObject({ reads: 1 })
  })

  test('a write that Redis lost, once, and the faults by name', () => {
    const { writes, faults, actions } = checkHistory([
      write('1', 0, 1),
      write('2', 10_000, 10_001),
      fault(10_100, 12_000, [KEY]),
      bare('1', 12_500, 12_501),
      bare('1', 12_600, 12_601),
      ...end('1'),
    ])
    expect(writes).toEqual({ acknowledged: 2, unknown: 0, lostByRedis: 1 })
    expect(faults).toEqual({ 'kill-primary': 1 })
    expect(actions.bare?.excused).toBe(3)
  })
})
