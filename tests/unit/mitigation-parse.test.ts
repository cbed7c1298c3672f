import { describe, expect, it } from 'vitest'
import {
  parseMitigationChange,
  parseMitigationDraft,
  parseMitigationRequest,
  targetKeyOf,
} from '../../core/mitigations/parse.ts'

const good = {
  cacheId: 'shop',
  action: 'split',
  target: { kind: 'key', db: 0, keyBase64: btoa('article:42') },
  actor: ' ada ',
  reason: 'viral',
}

describe('a request', () => {
  it('gets its defaults', () => {
    const parsed = parseMitigationRequest(good)
    expect(parsed).toEqual({
      ok: true,
      value: {
        ...good,
        actor: 'ada',
        parameters: { variants: null, writeFanout: true },
        expiresInSeconds: 3_600,
        overrides: [],
        dryRun: false,
      },
    })
  })

  it.each([
    ['no object', 'hello', ['']],
    ['nothing', undefined, ['']],
    ['an empty object', {}, ['cacheId', 'action', 'target', 'actor', 'reason']],
    ['an action that does not exist', { ...good, action: 'explode' }, ['action']],
    ['a parameter out of range', { ...good, parameters: { variants: 65 } }, ['parameters.variants']],
    ['an unknown parameter', { ...good, parameters: { copies: 3 } }, ['parameters.copies']],
    ['an unknown field', { ...good, colour: 1 }, ['colour']],
    ['a target of another kind', { ...good, target: { kind: 'shard', shardId: 1 } }, ['target.kind']],
    [
      'a key that is no base64',
      { ...good, target: { ...good.target, keyBase64: '%' } },
      ['target.keyBase64'],
    ],
    ['a reason of NUL', { ...good, reason: 'a\0b' }, ['reason']],
    ['half a surrogate', { ...good, actor: 'a\ud800' }, ['actor']],
    ['a life too long', { ...good, expiresInSeconds: 86_401 }, ['expiresInSeconds']],
    [
      'all of it at once',
      { ...good, reason: '', actor: '', parameters: { variants: 1, x: 2 } },
      ['actor', 'reason', 'parameters.variants', 'parameters.x'],
    ],
    ['a union of parameters', { ...good, action: 'set-config' }, ['parameters.name', 'target.kind']],
  ])('with %s is refused by field', (_, body, fields) => {
    const parsed = parseMitigationRequest(body)
    expect(parsed.ok).toBe(false)
    if (parsed.ok) return
    expect(parsed.errors.map((error) => error.field).sort()).toEqual(fields.toSorted())
    for (const error of parsed.errors) expect(error.message).toMatch(/[.)]$/)
  })

  it('names one key one way', () => {
    const key = (keyBase64: string) => {
      const parsed = parseMitigationDraft({ ...good, target: { kind: 'key', db: 0, keyBase64 } })
      return parsed.ok ? targetKeyOf(parsed.value) : null
    }
    expect(key('YR==')).toBe(key('YQ=='))
    expect(key('YQ==')).toBe('key 0 YQ==')
  })
})

describe('a change', () => {
  it('needs somebody and a reason', () => {
    expect(parseMitigationChange({ actor: 'ada', reason: 'over' })).toEqual({
      ok: true,
      value: { actor: 'ada', reason: 'over', expiresInSeconds: 3_600 },
    })
    const parsed = parseMitigationChange({ expiresInSeconds: 1 })
    expect(!parsed.ok && parsed.errors.map((error) => error.field)).toEqual([
      'actor',
      'reason',
      'expiresInSeconds',
    ])
  })
})
