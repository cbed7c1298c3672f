import { describe, expect, test } from 'vitest'
import {
  incidentNotes,
  proofRows,
  waitsFor,
  waitsNote,
} from '../../app/mitigations/[mitigationId]/_lib/proof-rows.ts'
import { revisionText } from '../../app/mitigations/[mitigationId]/_lib/revision-text.ts'
import type { Measures, Proof } from '../../core/mitigations/measures.ts'
import type { Mitigation, MitigationAction, Preview } from '../../core/mitigations/model.ts'
import { previewMitigation } from '../../core/mitigations/preview.ts'
import { ACTIVE_SPLIT } from '../support/active-split.ts'
import { keyDraft, keyFacts, mitigationFacts, NOW } from '../support/mitigation-facts.ts'

const at = '2026-11-24T12:00:00.000Z'
const measures: Measures = {
  from: at,
  to: at,
  keyOpsPerSec: 900,
  keyReadsByAppPerSec: null,
  localHitsPerSec: null,
  shards: [],
  hottestOverMean: null,
  p99Us: null,
  hitRate: null,
  missesPerSec: null,
  cpuShare: null,
  netOutBytesPerSec: null,
  instances: 3,
  keyPrimaryOpsPerSec: 450,
}
const proof: Proof = {
  before: measures,
  after: [],
  verdict: null,
  because: null,
  decidedAt: null,
  divergence: null,
}
const preview: Preview = {
  action: 'split',
  summary: '',
  commands: [],
  refusals: [],
  warnings: [],
  wayBack: '',
  staleness: null,
  before: [],
  after: null,
  hottestOverMeanBefore: null,
  hottestOverMeanAfter: null,
  keyOpsPerSecAfter: 120,
  variants: null,
  apps: [
    { app: 'web', instances: 4, hosts: ['a'], library: 'x', disabled: 1 },
    { app: 'batch', instances: 2, hosts: ['b'], library: 'x' },
  ],
  connectionsWithoutLibrary: null,
}

function mitigationOf(action: MitigationAction, nodes: Preview['nodes'] = null): Mitigation {
  return { ...ACTIVE_SPLIT, action, label: 'a', preview: { ...preview, action, nodes }, proof }
}

const row = (mitigation: Mitigation, name: string) => proofRows(mitigation).find((one) => one.name === name)

describe('what was predicted, beside what came', () => {
  const servers = 'The key at the servers'
  const primary = 'The key on its primary'
  const nodes = [{ nodeId: 1, address: '10.0.0.1:7000', before: 900, after: 450 }]

  test('of a local cache: the key at the servers', () => {
    expect(row(mitigationOf('local-cache'), servers)?.predicted).toBe('120/s')
    expect(row(mitigationOf('local-cache'), primary)).toBeUndefined()
  })
  test('of replicas: the key on its primary', () => {
    expect(row(mitigationOf('replicate', nodes), primary)).toMatchObject({
      before: '450/s',
      predicted: '120/s',
    })
    expect(row(mitigationOf('replicate', nodes), servers)?.predicted).toBe('')
  })
  test('of copies neither: what was predicted is of one shard, what is counted is of all names', () => {
    expect(row(mitigationOf('split'), servers)?.predicted).toBe('')
    expect(row(mitigationOf('replicate'), primary)).toBeUndefined()
  })
  test('a process that is switched off is not expected to take part', () => {
    expect(row(mitigationOf('split'), 'Processes that took part')).toMatchObject({
      before: '3',
      predicted: '5',
    })
  })
})

test('a preview says how old its figures are, and who is switched off', () => {
  const facts = mitigationFacts({
    key: keyFacts({ at: NOW - 30_000 }),
    apps: [{ app: 'web', instances: 4, hosts: ['a'], library: 'x', disabled: 1 }],
  })
  expect(previewMitigation(facts, keyDraft('split'), NOW)).toMatchObject({
    keyFiguresAt: new Date(NOW - 30_000).toISOString(),
    apps: [{ instances: 4, disabled: 1 }],
  })
})

test('why p99 is not known, or proves nothing, is said', () => {
  const { target } = mitigationOf('local-cache')
  const told = { ...measures, p99Us: 900, p99LowUs: 800, p99HighUs: 1_000, timedReads: 4_000 }
  const note = (before: Measures, ...after: Measures[]) =>
    waitsNote({ target, proof: { ...proof, before, after } })
  expect(note(measures, measures)).toMatch(/no application that uses the library/)
  expect(note(told, { ...told, timedReads: 80 })).toMatch(/fewer than 500 timed reads/)
  expect(note({ ...told, p99LowUs: null, p99HighUs: null }, told)).toMatch(/of preparing alone/)
  expect(note(told, told)).toBeNull()
  expect(waitsNote({ target, proof: null })).toBeNull()
  expect(waitsNote({ target: { kind: 'cache' }, proof })).toBeNull()
  const shown = { ...mitigationOf('local-cache'), proof: { ...proof, before: told, after: [measures] } }
  expect(row(shown, 'Timed reads that p99 is of')).toMatchObject({ before: '4 k', after: ['0', ''] })
})

test('what ended without a verdict waits for none', () => {
  const none = 'No verdict: it ended before it could be measured.'
  const active = { phase: 'active', outcome: null } as const
  expect(waitsFor({ ...active, proof: null })).toMatch(/measured first/)
  expect(waitsFor({ ...active, proof })).toMatch(/first window/)
  expect(waitsFor({ ...active, proof: { ...proof, after: [measures] } })).toMatch(/second window/)
  expect(waitsFor({ phase: 'off', outcome: 'done', proof: null })).toBe(none)
  expect(waitsFor({ phase: 'off', outcome: 'drained', proof })).toBe(none)
  expect(waitsFor({ phase: 'off', outcome: 'done', proof })).toMatch(/first window/)
})

test('a revision that ends earlier is not called an extension', () => {
  const until = (hour: number, desired: 'on' | 'off' = 'on') => ({
    desired,
    expiresAt: `2026-11-24T${hour}:00:00.000Z`,
  })
  const running = { isMeasured: false, outcome: null }
  expect(revisionText(until(12), undefined, running)).toBe('asked for it')
  expect(revisionText(until(13), until(12), running)).toBe('extended it')
  expect(revisionText(until(11), until(12), running)).toBe('let it end earlier')
  expect(revisionText(until(12, 'off'), until(12), running)).toBe('drained it')
  const done = { isMeasured: false, outcome: 'done' } as const
  expect(revisionText(until(12, 'off'), until(12), done)).toBe('ended its measuring')
})

describe('what befell the cache meanwhile', () => {
  test('is said of its window alone', () => {
    const incident = '127.0.0.1:7001 was down.'
    const hit = {
      ...proof,
      after: [
        { ...measures, incident: null },
        { ...measures, incident },
      ],
    }
    expect(incidentNotes(hit)).toEqual([{ window: 'Confirmed.', incident }])
    expect(incidentNotes({ ...proof, before: { ...measures, incident } })).toEqual([
      { window: 'Before.', incident },
    ])
  })
  test('is nothing where nothing did, or nothing was measured', () => {
    expect(incidentNotes(proof)).toEqual([])
    expect(incidentNotes(null)).toEqual([])
  })
})
