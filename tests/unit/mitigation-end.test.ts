import { describe, expect, test } from 'vitest'
import { closedText, drainText, endFact, isLeaving, isStaying } from '../../app/_lib/mitigation-end.ts'
import { bannerOf } from '../../app/_lib/mitigation-news.ts'
import type { Mitigation } from '../../core/mitigations/model.ts'
import { ACTIVE_SPLIT } from '../support/active-split.ts'

const _at = '2026-01-01T12:00:00.000Z'
const split = ACTIVE_SPLIT
const failover: Mitigation = {
  ...split,
  action: 'failover',
  target: { kind: 'shard', shardId: 17 },
  label: 'shard 3',
}
const measured: Mitigation = { ...failover, isMeasured: true }

describe('its time', () => {
  const cases: [string, Partial<Mitigation>, string, boolean][] = [
    ['runs', {}, 'Drains by itself', true],
    ['is prepared', { phase: 'prepare' }, 'Drains by itself', true],
    ['is to be drained', { desired: 'off' }, 'Would have drained', false],
    ['does harm', { phase: 'draining', outcome: 'harmful' }, 'Would have drained', false],
    ['drains at its time', { phase: 'draining', outcome: 'expired' }, 'Its time was over', false],
    ['was off at its time', { phase: 'off', outcome: 'expired' }, 'Its time was over', false],
    ['failed before its time', { phase: 'off', outcome: 'failed' }, 'Would have drained', false],
    [
      'was given up after its time',
      { phase: 'off', outcome: 'failed', phaseSince: '2026-01-01T12:10:00.000Z' },
      'Its time was over',
      false,
    ],
    ['is measured', { isMeasured: true }, 'Measured until, at most', true],
    ['is measured no longer', { isMeasured: true, desired: 'off' }, 'Would have ended', false],
    ['is done', { phase: 'off', outcome: 'done' }, 'Would have ended', false],
  ]
  test.each(cases)('of one that %s', (_, change, name, isAhead) => {
    expect(endFact({ ...split, ...change })).toEqual({ name, isAhead })
    expect(isStaying({ ...split, ...change })).toBe(isAhead)
  })
})

test('of one that nobody carries out is none that it ends at', () => {
  expect(endFact({ ...split, isAbandoned: true })).toEqual({ name: 'Was to end', isAhead: false })
})

describe('one that is done and only measured', () => {
  test('puts nothing back, and says so', () => {
    const { title, summary, wayBack, submit } = drainText(measured)
    expect([title, submit]).toEqual(['Stop measuring', 'Stop measuring'])
    expect(summary).toMatch(/^Failover of shard 3 is done\. Nothing of it is put back/)
    expect(wayBack).toBe('another failover, to the node that was the primary.')
  })
  test('is not drained, and not extended', () => {
    expect(isLeaving({ ...measured, desired: 'off' })).toBe(false)
    expect(bannerOf([{ ...measured, desired: 'off' }])).toBeNull()
    expect(closedText('drain', measured)).toBeNull()
    expect(closedText('extend', measured)).toMatch(/nothing to extend/)
  })
})

test('what is put back of one that is not done is told in the words of its preview', () => {
  expect(drainText(split).summary).toMatch(/reads return to the key itself/)
  expect(drainText(failover)).toMatchObject({ title: 'Drain now', submit: 'Drain it' })
  const wayBack = 'Drained, or when its time is over, CLIENT UNPAUSE lets all that waits go on.'
  const preview = { wayBack } as Mitigation['preview']
  expect(drainText({ ...failover, preview }).summary).toBe(`Failover of shard 3 ends. ${wayBack}`)
})

test('a dialog that is open when it ends says how', () => {
  const off = { ...split, phase: 'off' as const, desired: 'off' as const, actor: 'Grace' }
  expect(closedText('extend', split)).toBeNull()
  expect(closedText('drain', { ...split, desired: 'off' })).toMatch(/is being drained already/)
  expect(closedText('drain', { ...off, outcome: 'drained' })).toBe(
    'It has ended: Split of article:42 was drained by Grace.',
  )
  expect(closedText('extend', { ...off, outcome: 'harmful' })).toMatch(/did harm and was drained by itself/)
})
