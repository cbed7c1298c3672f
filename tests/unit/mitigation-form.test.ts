import { describe, expect, test } from 'vitest'
import { fieldErrors, missingFields } from '../../app/_components/mitigations/form-problem.tsx'
import { clientSample } from '../../app/_lib/client-sample.ts'
import {
  fieldsOf,
  initialValues,
  isComplete,
  parametersOf,
  repeatedValues,
  valuesOf,
} from '../../app/_lib/mitigation-fields.ts'
import {
  draftOf,
  dryRunText,
  extensionOf,
  maySend,
  nameToType,
  submitText,
} from '../../app/_lib/mitigation-form.ts'
import { choicesOf, nodeSubject, type Subject, shardSubject } from '../../app/_lib/mitigation-subject.ts'
import { parseMitigationDraft } from '../../core/mitigations/parse.ts'
import { previewMitigation } from '../../core/mitigations/preview.ts'
import { keyDraft, mitigationFacts, NOW } from '../support/mitigation-facts.ts'

const key: Subject = { cacheId: 'shop', label: 'article:42', key: { db: 0, keyBase64: 'YQ==', slot: 7 } }
const shard = shardSubject({ cacheId: 'shop', shardId: 3, ordinal: 2 })
const node = nodeSubject({
  cacheId: 'shop',
  nodeId: 9,
  address: '10.0.0.5:6379',
  shardId: 3,
  shardOrdinal: 2,
})
const cache: Subject = { cacheId: 'shop', label: 'shop' }

/** What a person would fill in where there is no default. */
const FILLED: Record<string, string> = {
  slot: '7',
  pattern: 'article:*',
  bytes: '512',
  clientId: '12',
  username: 'batch',
}

describe('what is offered', () => {
  test.each([
    ['a key', key, ['local-cache', 'replicate', 'split', 'move-slot']],
    ['a shard', shard, ['failover', 'pause-writes']],
    ['a node', node, ['failover', 'set-config', 'kill-client', 'pause-writes']],
    ['a cache', cache, ['move-slot', 'spread-ttls', 'set-config', 'deny-user']],
  ] as const)('at %s', (_, subject, actions) => {
    expect(choicesOf(subject).map(({ action }) => action)).toEqual(actions)
  })

  test('every offer, filled in, is a draft that the server takes', () => {
    for (const subject of [key, shard, node, cache]) {
      for (const choice of choicesOf(subject)) {
        const values = initialValues(choice, subject)
        for (const field of fieldsOf(choice.action, values)) {
          const filled = FILLED[field.name]
          if (filled !== undefined && values[field.name] === '') values[field.name] = filled
        }
        expect(isComplete(choice.action, values), choice.action).toBe(true)
        const parsed = parseMitigationDraft(draftOf(subject, choice, values, 3_600))
        expect(parsed, choice.action).toMatchObject({ ok: true })
      }
    }
  })
})

describe('fields', () => {
  test('what is asked for follows from what was chosen', () => {
    expect(fieldsOf('set-config', { name: 'maxmemory' }).map(({ name }) => name)).toEqual(['name', 'bytes'])
    expect(fieldsOf('set-config', { name: 'maxmemory-policy' }).map(({ name }) => name)).toEqual([
      'name',
      'policy',
    ])
    expect(fieldsOf('replicate', { by: 'replicas' }).map(({ name }) => name)).toEqual(['by'])
  })
  test('units are the reader’s in the form and the server’s in the request', () => {
    expect(parametersOf('set-config', { name: 'maxmemory', bytes: '512' })).toEqual({
      name: 'maxmemory',
      bytes: 536_870_912,
    })
    expect(parametersOf('spread-ttls', { pattern: 'a*', spread: '15' })).toEqual({
      pattern: 'a*',
      spread: 0.15,
    })
    expect(valuesOf('spread-ttls', { pattern: 'a*', spread: 0.15 })).toEqual({ pattern: 'a*', spread: '15' })
    expect(valuesOf('split', { variants: null, writeFanout: false })).toEqual({
      variants: '',
      writeFanout: false,
    })
  })
  test('an empty optional field is left to its default', () => {
    expect(parametersOf('split', { variants: '', writeFanout: true })).toEqual({ writeFanout: true })
    expect(isComplete('split', { variants: '', writeFanout: true })).toBe(true)
    expect(isComplete('deny-user', { username: ' ' })).toBe(false)
  })
  test('the name to type is of what is hurt', () => {
    const typed = (subject: Subject, action: string, values = {}) => {
      const choice = choicesOf(subject).find((one) => one.action === action)
      return choice === undefined ? null : nameToType(choice, values)
    }
    expect(typed(shard, 'failover')).toBe('shard 2')
    expect(typed(node, 'pause-writes')).toBe('10.0.0.5:6379')
    expect(typed(cache, 'deny-user', { username: 'batch' })).toBe('batch')
    expect(typed(cache, 'move-slot', { slot: '42' })).toBe('slot 42')
    expect(typed(cache, 'set-config', { name: 'maxmemory' })).toBe('maxmemory')
    expect(typed(cache, 'spread-ttls', { pattern: 'article:*' })).toBe('article:*')
  })
  test('the button says what is done to whom; nothing is typed for what is not filled in', () => {
    const of = (subject: Subject, action: string) => {
      const choice = choicesOf(subject).find((one) => one.action === action)
      if (choice === undefined) throw new Error(`${action} is not offered`)
      return choice
    }
    const blank = { slot: '', username: ' ', pattern: '', name: 'maxmemory' }
    const filled = { slot: '42', username: 'batch', pattern: 'article:*', name: 'maxmemory' }
    const said = (subject: Subject, action: string) =>
      [blank, filled].map((values) => submitText(of(subject, action), values))
    expect(said(key, 'split')).toEqual(['Split article:42', 'Split article:42'])
    expect(said({ ...key, label: '' }, 'split')[0]).toBe('Split (empty name)')
    expect(said({ ...key, label: 'k'.repeat(60) }, 'split')[0]).toHaveLength(38)
    expect(said(shard, 'failover')[0]).toBe('Fail over shard 2')
    expect(said(node, 'kill-client')[0]).toBe('Kill the client on 10.0.0.5:6379')
    expect(said(cache, 'move-slot')).toEqual(['Move a slot', 'Move slot 42'])
    expect(said(cache, 'deny-user')).toEqual(['Deny a user', 'Deny batch'])
    expect(said(cache, 'spread-ttls')).toEqual(['Spread TTLs of keys', 'Spread TTLs of article:*'])
    expect(said(cache, 'set-config')[0]).toBe('Change maxmemory')
    for (const action of ['move-slot', 'deny-user', 'spread-ttls'])
      expect(nameToType(of(cache, action), blank), action).toBe('')
  })
  test('one that is repeated is filled in as it was, but for the client that is gone and where it went', () => {
    expect(repeatedValues('kill-client', { clientId: 12 })).toEqual({ clientId: '' })
    expect(repeatedValues('failover', { toNodeId: 9 })).toEqual({ toNodeId: '' })
    expect(repeatedValues('move-slot', { slot: 42, toShardId: 3 })).toEqual({ slot: '42', toShardId: '' })
    expect(repeatedValues('deny-user', { username: 'batch' })).toEqual({ username: 'batch' })
  })
})

describe('what may be sent', () => {
  const sensitive = { id: 'sensitive', message: 'It holds sessions.', overridable: true }
  const counter = { id: 'counter', message: 'It is a counter.', overridable: false }

  test('a dry run says that it would be refused where a refusal stands', () => {
    expect(dryRunText({ refusals: [] }, [])).toMatch(/would be accepted/)
    expect(dryRunText({ refusals: [sensitive] }, ['sensitive'])).toMatch(/would be accepted/)
    expect(dryRunText({ refusals: [sensitive] }, [])).toMatch(/would be refused: It holds sessions\./)
    expect(dryRunText({ refusals: [sensitive, counter] }, ['sensitive', 'counter'])).toMatch(
      /would be refused: It is a counter\.$/,
    )
  })
  test('only what was looked at: the preview of this very draft', () => {
    const preview = previewMitigation(mitigationFacts(), keyDraft('split'), NOW)
    const looked = { preview, pending: false, problem: null, refused: false }
    expect(maySend(looked)).toBe(true)
    expect(maySend({ ...looked, preview: null })).toBe(false)
    expect(maySend({ ...looked, pending: true })).toBe(false)
    expect(maySend({ ...looked, problem: { detail: 'No answer' } })).toBe(false)
    expect(maySend({ ...looked, refused: true })).toBe(false)
  })
  test('an extension is offered that extends', () => {
    const now = 1_700_000_000_000
    expect(extensionOf(now + 60_000, now)).toBe(3_600)
    expect(extensionOf(now + 3_600_001, now)).toBe(14_400)
    expect(extensionOf(now + 90_000_000, now)).toBe(86_400)
  })
})

describe('how an application takes part', () => {
  test.each([
    ['standalone', 'Redis', 'cachescope(new Redis(url), {'],
    ['sentinel', 'Redis', 'cachescope(new Redis({ sentinels, name }), {'],
    ['cluster', 'Cluster', 'cachescope(new Cluster(seeds), {'],
  ] as const)('of a cache of kind %s', (kind, name, wrapped) => {
    const sample = clientSample(kind, 'shop')
    expect(sample).toContain(`import { ${name} } from 'ioredis'`)
    expect(sample).toContain(`${wrapped} app: 'shop' })`)
  })
  test('not where its client is none of ioredis', () => {
    expect(clientSample('memcached', 'shop')).toBeNull()
  })
})

describe('what is missing', () => {
  const request = {
    cacheId: 'shop',
    action: 'failover' as const,
    target: { kind: 'shard' as const, shardId: 3 },
    parameters: {},
    expiresInSeconds: 3_600,
    actor: 'Ada',
    reason: 'sick disk',
    overrides: [],
    dryRun: false,
  }
  const form = { request, complete: true, toType: 'shard 2', typed: 'shard 2', preview: null, overrides: [] }
  test.each([
    ['nothing', {}, null],
    ['a name', { request: { ...request, actor: ' ' } }, 'actor'],
    ['a reason', { request: { ...request, reason: '' } }, 'reason'],
    ['the name to type', { typed: 'shard 3' }, 'confirm'],
    ['a parameter', { complete: false }, 'parameters'],
  ])('%s', (_, change, field) => {
    expect(missingFields({ ...form, ...change })?.field ?? null).toBe(field)
  })
  test('what the server says stands at its field', () => {
    const problem = {
      type: 'urn:cachescope:problem:invalid-parameters',
      title: '',
      status: 400,
      detail: '',
      errors: [{ field: 'parameters.ttlSeconds', message: 'is 10 or less' }],
    }
    expect(fieldErrors({ kind: 'said', problem }, null)).toEqual({ ttlSeconds: 'is 10 or less' })
  })
})
