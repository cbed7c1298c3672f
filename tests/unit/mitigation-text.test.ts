import { describe, expect, test } from 'vitest'
import { forecastRows } from '../../app/_lib/forecast.ts'
import { bannerOf, keyAddress, phaseNews, runningByKey } from '../../app/_lib/mitigation-news.ts'
import {
  ACTION_TEXT,
  mitigationName,
  mitigationState,
  mitigationTone,
  parameterFacts,
} from '../../app/_lib/mitigation-text.ts'
import { mitigationsAnswer } from '../../app/mitigations/_lib/list-answer.ts'
import { phaseSpans } from '../../app/mitigations/[mitigationId]/_lib/phases.ts'
import { onAxis } from '../../app/mitigations/[mitigationId]/_lib/series.ts'
import type { Proof } from '../../core/mitigations/measures.ts'
import { type Mitigation, MitigationAction } from '../../core/mitigations/model.ts'
import type { Shard } from '../../core/model.ts'
import { ACTIVE_SPLIT } from '../support/active-split.ts'

const at = '2026-01-01T12:00:00.000Z'
const plain: Mitigation = {
  ...ACTIVE_SPLIT,
  parameters: { variants: 3, writeFanout: true },
  expiresAt: '2026-01-01T13:00:00.000Z',
}
const proof = (verdict: Proof['verdict'], because: string | null): Proof => ({
  before: null,
  after: [],
  verdict,
  because,
  decidedAt: null,
  divergence: null,
})

describe('the sentence of a mitigation', () => {
  const cases: [string, Partial<Mitigation>, string, 'calm' | 'warn' | 'harm'][] = [
    [
      'prepare',
      { phase: 'prepare', message: 'Waiting for 2 of 12' },
      'is being prepared. Waiting for 2 of 12.',
      'calm',
    ],
    ['active', {}, 'is active; the verdict is not known yet.', 'calm'],
    [
      'worked',
      { proof: proof('worked', 'It fell from 2× to 1.1×.') },
      'is active. Worked: it fell from 2× to 1.1×.',
      'calm',
    ],
    ['no effect', { proof: proof('no-effect', 'As before.') }, 'is active. No effect: as before.', 'warn'],
    [
      'measured',
      { isMeasured: true, message: '10.0.0.1:7001 is the primary now.' },
      'is done; the verdict is not known yet. 10.0.0.1:7001 is the primary now.',
      'calm',
    ],
    ['drained by a person', { phase: 'draining', outcome: 'drained' }, 'is draining, as Ada asked.', 'warn'],
    ['expired', { phase: 'draining', outcome: 'expired' }, 'is draining, because its time is over.', 'warn'],
    [
      'harmful',
      { phase: 'draining', outcome: 'harmful', proof: proof('harmful', 'p99 rose.') },
      'is draining, because it did harm. Harmful: p99 rose.',
      'harm',
    ],
    [
      'refused',
      { phase: 'off', outcome: 'refused', message: 'No replica' },
      'was refused, nothing was changed. No replica.',
      'warn',
    ],
    ['failed', { phase: 'off', outcome: 'failed' }, 'failed and was undone where that could be.', 'harm'],
    [
      'not undone',
      {
        ...{ phase: 'off', outcome: 'failed', message: 'Given up: greedy is off still on b:1' },
        proof: proof('worked', 'No connection.'),
      },
      'failed and was undone where that could be. Given up: greedy is off still on b:1. Worked: no connection.',
      'harm',
    ],
    ['done', { phase: 'off', outcome: 'done' }, 'is done.', 'calm'],
    ['off', { phase: 'off', outcome: 'drained' }, 'was drained by Ada.', 'calm'],
    [
      'left behind by its cache',
      { isAbandoned: true, proof: proof('worked', 'x') },
      'was left active. Nobody carries it out: its cache is not in cachescope.yaml any more. Put it back there, drain this, then take it out.',
      'warn',
    ],
  ]
  test.each(cases)('%s', (_, change, text, tone) => {
    const mitigation = { ...plain, ...change }
    expect(mitigationState(mitigation)).toBe(text)
    expect(mitigationTone(mitigation)).toBe(tone)
  })

  test('every action has its words, and only those that can hurt or cannot be undone need a name typed', () => {
    const dangerous = MitigationAction.options.filter((action) => ACTION_TEXT[action].dangerous)
    expect(dangerous).toEqual([
      'failover',
      'move-slot',
      'spread-ttls',
      'set-config',
      'deny-user',
      'pause-writes',
    ])
  })

  test('parameters read as words', () => {
    expect(parameterFacts(plain, [])).toEqual([
      { name: 'Variants', value: '3' },
      { name: 'Writers drop every copy', value: 'yes' },
    ])
    expect(parameterFacts({ parameters: { ttlSeconds: 2, copies: null, spread: 0.1 } }, [])).toEqual([
      { name: 'Held for', value: '2 s' },
      { name: 'Copies', value: 'one a shard' },
      { name: 'Cut by up to', value: '10%' },
    ])
    expect(parameterFacts({ parameters: { by: 'auto' } }, [])).toEqual([
      { name: 'Read from', value: 'replicas, else copies' },
    ])
    expect(parameterFacts({ parameters: { name: 'maxmemory', bytes: 1_073_741_824 } }, [])).toEqual([
      { name: 'Setting', value: 'maxmemory' },
      { name: 'Set to', value: '1 GiB' },
    ])
  })

  test('a shard is told by its ordinal and a node by its address, for ids mean nothing to people', () => {
    const nodes = [{ nodeId: 42, address: '10.0.0.3:7001' }]
    const shards = [{ shardId: 17, ordinal: 3, nodes }] as Shard[]
    const value = (parameters: Record<string, unknown>) => parameterFacts({ parameters }, shards)[0]?.value
    expect(value({ toShardId: 17 })).toBe('shard 3')
    expect(value({ toNodeId: 42 })).toBe('10.0.0.3:7001')
    expect(value({ toShardId: 99 })).toBe('a shard that is gone')
    expect(value({ toNodeId: 99 })).toBe('a node that is gone')
    expect(value({ toNodeId: null })).toBe('the replica in sync')
  })

  test('is called by what is done to what', () => {
    expect(mitigationName({ action: 'split', label: 'article:42' })).toBe('Split of article:42')
    expect(mitigationName({ action: 'move-slot', label: 'slot 7' })).toBe('Move of slot 7')
  })
})

describe('what every page says', () => {
  const harmful = { ...plain, mitigationId: 9, phase: 'draining' as const, outcome: 'harmful' as const }
  const leaving = { ...plain, mitigationId: 8, desired: 'off' as const }

  test('nothing while all run calmly', () => {
    expect(bannerOf([plain])).toBeNull()
    expect(bannerOf([])).toBeNull()
  })
  test('harm before what is drained, and how many more', () => {
    expect(bannerOf([plain, leaving, harmful])).toMatchObject({
      first: { mitigationId: 9 },
      others: 1,
      harmful: true,
    })
    expect(bannerOf([plain, leaving])).toMatchObject({
      first: { mitigationId: 8 },
      others: 0,
      harmful: false,
    })
  })
  test('what nobody carries out, after harm and before what is drained', () => {
    const abandoned = { ...plain, mitigationId: 7, isAbandoned: true }
    expect(bannerOf([leaving, abandoned])).toMatchObject({
      first: { mitigationId: 7 },
      state: 'is carried out by nobody: its cache is not in cachescope.yaml any more',
      others: 1,
      harmful: false,
    })
    expect(bannerOf([abandoned, harmful])).toMatchObject({ first: { mitigationId: 9 }, others: 1 })
    expect(bannerOf([{ ...harmful, isAbandoned: true }])?.state).toMatch(/by nobody/)
    expect(mitigationsAnswer([abandoned], [], null)).toMatchObject({
      text: expect.stringMatching(/^1 mitigation runs; split of article:42 is carried out by nobody/),
      tone: 'warn',
    })
  })
  test('a phase is read out, but for what the banner tells', () => {
    expect(phaseNews({ ...plain, phase: 'prepare' })).toBe('Split of article:42 is being prepared.')
    expect(phaseNews(plain)).toBe('Split of article:42 is active.')
    expect(phaseNews({ ...plain, proof: proof('worked', 'x') })).toBe(
      'Split of article:42 is active: worked.',
    )
    expect(phaseNews(leaving)).toBe('')
    expect(phaseNews(harmful)).toBe('')
    expect(phaseNews({ ...harmful, phase: 'off' })).toBe(
      'Split of article:42 did harm and was drained by itself.',
    )
    expect(phaseNews({ ...plain, isMeasured: true })).toBe(
      'Split of article:42 is done, and its effect is being measured.',
    )
    expect(phaseNews({ ...plain, phase: 'off', outcome: 'refused' })).toBe(
      'Split of article:42 was refused, nothing was changed.',
    )
    expect(phaseNews({ ...plain, phase: 'off', outcome: 'failed' })).toBe(
      'Split of article:42 failed and was undone where that could be.',
    )
    expect(phaseNews({ ...plain, phase: 'off', outcome: 'drained' })).toBe(
      'Split of article:42 was drained by Ada.',
    )
    expect(phaseNews({ ...plain, label: 'a'.repeat(5_000) }).length).toBeLessThan(200)
  })
  test('the list opens with the worst', () => {
    expect(mitigationsAnswer([plain, harmful], [], null)).toEqual({
      text: '2 mitigations run; split of article:42 does harm and is being drained',
      tone: 'harm',
    })
    expect(mitigationsAnswer([plain], [], 'shop').text).toBe(
      '1 mitigation runs in shop: 1 without a verdict yet',
    )
    expect(mitigationsAnswer([], [{ ...plain, phase: 'off', proof: proof('worked', 'x') }], null).text).toBe(
      'Nothing is mitigated now; the last was split of article:42 (worked)',
    )
    expect(mitigationsAnswer([], [], null).text).toBe('Nothing was mitigated yet')
    // Older ones tell neither which was the last, nor that there was none.
    expect(mitigationsAnswer([], null, 'shop').text).toBe('Nothing is mitigated now in shop')
  })
  test('rows of keys find what runs on them', () => {
    const byKey = runningByKey([plain, { ...plain, target: { kind: 'cache' } }])
    expect(byKey.get(keyAddress({ cacheId: 'shop', db: 0, keyBase64: 'YQ==' }))).toBe(plain)
    expect(byKey.size).toBe(1)
  })
})

describe('figures over time', () => {
  test('reports are brought onto the axis; a silence is a gap', () => {
    const axis = [0, 10, 20, 30, 40]
    const points = [
      { at: 11, value: 2 },
      { at: 15, value: 4 },
      { at: 22, value: null },
    ]
    expect(onAxis(axis, points, 6)).toEqual([null, 3, 4, null, null])
    expect(onAxis([], points, 6)).toEqual([])
  })

  test('phases that are over have their spans', () => {
    const step = (phase: Mitigation['phase'], startedAt: string) => ({
      stepId: 1,
      phase,
      name: 'x',
      node: null,
      command: null,
      startedAt,
      endedAt: null,
      result: 'ok' as const,
      message: null,
    })
    const spans = phaseSpans({
      createdAt: at,
      phase: 'off',
      phaseSince: '2026-01-01T12:10:00.000Z',
      steps: [step('active', '2026-01-01T12:00:20.000Z'), step('draining', '2026-01-01T12:09:00.000Z')],
    })
    expect([...spans].map(([phase, { from, to }]) => [phase, (to - from) / 1_000])).toEqual([
      ['prepare', 20],
      ['active', 520],
      ['draining', 60],
    ])
  })

  test('of sixty shards those are shown that carry the most, before or after', () => {
    const before = Array.from({ length: 60 }, (_, index) => ({
      shardId: index,
      ordinal: index + 1,
      opsPerSec: index === 20 ? 900 : 10 + index / 60,
    }))
    const after = before.map((shard) => ({ ...shard, opsPerSec: shard.shardId === 50 ? 800 : 12 }))
    const { rows, others, maxOpsPerSec } = forecastRows(before, after)
    expect(rows).toHaveLength(8)
    expect(others).toBe(52)
    expect(maxOpsPerSec).toBe(900)
    expect(rows.map(({ ordinal }) => ordinal)).toEqual(expect.arrayContaining([21, 51]))
    const half = before.map((shard) => (shard.ordinal > 40 ? { ...shard, opsPerSec: null } : shard))
    expect(forecastRows(half, null)).toMatchObject({ others: 32, unknown: 20 })
    expect(forecastRows(half.slice(36, 56), null)).toMatchObject({ others: 0, unknown: 12 })
    expect(forecastRows(before.slice(0, 3), null).rows[0]).toMatchObject({ before: 10, after: null })
  })
})
