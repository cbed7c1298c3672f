import { describe, expect, test } from 'vitest'
import { OPERATIONS } from '../../core/api/operations.ts'
import { parseParameters } from '../../core/api/parameters.ts'

const samples = OPERATIONS.listSamples.query
const hotKeys = OPERATIONS.listHotKeys.query
const fieldsOf = (schema: Parameters<typeof parseParameters>[0], search: string) => {
  const parsed = parseParameters(schema, new URLSearchParams(search))
  return parsed.ok ? [] : parsed.errors.map(({ field }) => field)
}

describe('parseParameters refuses', () => {
  const refused: [string, string[]][] = [
    ['limit=0', ['limit']],
    ['limit=501', ['limit']],
    ['limit=-1', ['limit']],
    ['limit=1.5', ['limit']],
    ['limit=1e2', ['limit']],
    ['limit=0x10', ['limit']],
    ['limit=%2010', ['limit']],
    ['limit=', ['limit']],
    ['limit=10&limit=20', ['limit']],
    ['limit=99999999999999999999', ['limit']],
    ['nodeId=0', ['nodeId']],
    ['nodeId=shop', ['nodeId']],
    ['nodeId=2147483648', ['nodeId']],
    ['shardId=NaN', ['shardId']],
    ['cacheId=Shop', ['cacheId']],
    ['cacheId=-shop', ['cacheId']],
    ["cacheId='%20or%201=1", ['cacheId']],
    ['cacheId=', ['cacheId']],
    ['range=5m', ['range']],
    ['range=toString', ['range']],
    ['from=yesterday', ['from']],
    ['to=-1', ['to']],
    ['to=2026-01-01T00:00', ['to']],
    ['to=2026-02-31T99:00Z', ['to']],
    ['cursor=', ['cursor']],
    [`cursor=${'a'.repeat(513)}`, ['cursor']],
    ['limits=5', ['limits']],
    ['__proto__=1', ['__proto__']],
    ['constructor=1', ['constructor']],
    ['nope=1&limit=0&nodeId=x', ['nope', 'nodeId', 'limit']],
  ]
  test.each(refused)('%s', (search, fields) => {
    expect(new Set(fieldsOf(samples, search))).toEqual(new Set(fields))
  })

  test('a pattern that is too long, and says so once', () => {
    const parsed = parseParameters(hotKeys, [['pattern', 'a'.repeat(513)]])
    expect(parsed).toEqual({
      ok: false,
      errors: [{ field: 'pattern', message: 'pattern has at most 512 characters.' }],
    })
  })
})

describe('parseParameters reads', () => {
  test('nothing as the defaults', () => {
    expect(parseParameters(samples, [])).toEqual({ ok: true, value: { limit: 100 } })
  })

  test('every parameter in its type', () => {
    const search = 'cacheId=shop&shardId=3&nodeId=7&db=0&pattern=article%3A*&limit=500&cursor=abc'
    expect(parseParameters(hotKeys, new URLSearchParams(search))).toEqual({
      ok: true,
      value: {
        cacheId: 'shop',
        shardId: 3,
        nodeId: 7,
        db: 0,
        pattern: 'article:*',
        limit: 500,
        cursor: 'abc',
      },
    })
  })

  test('digits stay text where text is meant', () => {
    const parsed = parseParameters(hotKeys, [
      ['pattern', '42'],
      ['cacheId', '42'],
    ])
    expect(parsed).toMatchObject({ ok: true, value: { pattern: '42', cacheId: '42' } })
  })

  test('a time as ISO 8601 and as epoch milliseconds', () => {
    expect(fieldsOf(samples, 'from=1700000000000&to=2026-01-01T00:00:00Z')).toEqual([])
  })
})
