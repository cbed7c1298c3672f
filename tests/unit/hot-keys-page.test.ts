import { describe, expect, test } from 'vitest'
import { commandText, figureText, SOURCES } from '../../app/_lib/hot-key-text.ts'
import { exactText } from '../../app/caches/[cacheId]/keys/[db]/[keyBase64Url]/_lib/exact-text.ts'
import { shardOfKey } from '../../app/caches/[cacheId]/keys/[db]/[keyBase64Url]/_lib/shard-of-key.ts'
import { readFilters } from '../../app/hot-keys/_lib/filters.ts'
import { topKey } from '../../app/hot-keys/_lib/listed.ts'
import { LISTS, listParam, readList } from '../../app/hot-keys/_lib/lists.ts'
import { isCurrent, shareScale } from '../../app/hot-keys/_lib/ranking.ts'
import { type Shard, Source } from '../../core/model.ts'

const known = {
  cacheIds: ['shop', 'sessions'],
  shards: [
    { shardId: 7, ordinal: 1, cacheId: 'shop' },
    { shardId: 9, ordinal: 1, cacheId: 'sessions' },
  ],
}

describe('readFilters', () => {
  test('nothing asked is no filter', () => {
    expect(readFilters({}, known)).toEqual({
      typed: { cache: '', shard: '', pattern: '', heat: '' },
      active: {},
      problems: {},
    })
  })

  test('what is right is used', () => {
    const filters = readFilters({ cache: 'shop', shard: '7', pattern: 'article:*' }, known)
    expect(filters.active).toEqual({ cacheId: 'shop', shardId: 7, pattern: 'article:*' })
    expect(filters.problems).toEqual({})
  })

  const wrong: [Record<string, string>, string, RegExp][] = [
    [{ cache: 'nowhere' }, 'cache', /No cache is called nowhere/],
    [{ cache: 'Not A Name' }, 'cache', /small letters/],
    [{ shard: '8' }, 'shard', /No such shard/],
    [{ shard: 'two' }, 'shard', /No such shard/],
    [{ shard: '7e0' }, 'shard', /No such shard/],
    [{ cache: 'sessions', shard: '7' }, 'shard', /belongs to shop, not to sessions/],
    [{ pattern: 'x'.repeat(513) }, 'pattern', /at most 512/],
    [{ heat: 'cold' }, 'heat', /read-hot, write-hot or mixed/],
  ]
  test.each(wrong)('%j is named and kept, and not used', (params, field, message) => {
    const filters = readFilters(params, known)
    expect(filters.problems).toEqual({ [field]: expect.stringMatching(message) })
    expect(filters.typed).toMatchObject(params)
    expect(filters.active).not.toHaveProperty(
      field === 'cache' ? 'cacheId' : field === 'shard' ? 'shardId' : field,
    )
  })

  test('the first of a repeated parameter counts', () => {
    expect(readFilters({ cache: ['shop', 'sessions'] }, known).active).toEqual({ cacheId: 'shop' })
  })
})

describe('lists', () => {
  test.each([...LISTS.map(({ name }) => name)])('%s is named by the address, and named again', (name) => {
    expect(readList({ list: listParam(name) })).toEqual({ list: name, problem: null })
  })

  test.each<[Record<string, string | string[]>, string, boolean]>([
    [{}, 'keys', false],
    [{ list: '' }, 'keys', false],
    [{ list: ['big', 'missing'] }, 'big', false],
    [{ list: 'cold' }, 'keys', true],
    [{ list: 'constructor' }, 'keys', true],
  ])('%j', (params, list, problem) => {
    expect(readList(params)).toEqual({ list, problem: problem ? expect.any(String) : null })
  })

  test('patterns and empty lists lead to no key', () => {
    expect(topKey({ list: 'patterns', rows: [] })).toBeNull()
    expect(topKey({ list: 'missing', rows: [] })).toBeNull()
  })
})

describe('what a row says in words', () => {
  const none = { cpuShare: null, lfuCounter: null, rank: 3 }
  test.each([
    [{ ...none, cpuShare: 0.25 }, '25% of command time'],
    [{ ...none, lfuCounter: 181 }, 'counter 181 of 255'],
    [{ ...none, lfuCounter: 0 }, 'counter 0 of 255'],
    [none, 'rank 3'],
  ])('%j: %s', (row, text) => expect(figureText(row)).toBe(text))

  test.each([
    ['get', 'GET'],
    ['evalsha', 'Lua · EVALSHA'],
    ['FCALL_RO', 'Lua · FCALL_RO'],
    ['XINFO STREAM', 'XINFO STREAM'],
    [null, null],
  ])('%s: %s', (command, text) => expect(commandText(command)).toBe(text))

  test('every source says what it can tell', () => {
    for (const source of Source.options) expect(SOURCES[source].tells).toMatch(/\.$/)
  })
})

describe('ranking', () => {
  test('a report is current for the time of three', () => {
    const row = { window: { from: '', to: '2026-01-01T00:00:00.000Z', sampledCommands: 1 } }
    const at = Date.parse(row.window.to)
    expect(isCurrent(row, at + 15_000)).toBe(true)
    expect(isCurrent(row, at + 15_001)).toBe(false)
  })

  test.each([
    [[], 0.02],
    [[0.004], 0.02],
    [[0.021, 0.01], 0.05],
    [[0.65], 1],
    [[1.2], 1],
  ])('intervals up to %j fit a scale of %d', (highs, scale) => {
    expect(shareScale(highs.map((shareHigh) => ({ shareHigh })))).toBe(scale)
  })
})

describe('the exact text of a key', () => {
  const keys: [string, Buffer, string | null][] = [
    ['text', Buffer.from('article:42'), 'article:42'],
    ['spaces and lines', Buffer.from(' a\n b '), ' a\n b '],
    ['a byte order mark', Buffer.from('\ufeffa'), '\ufeffa'],
    ['empty', Buffer.alloc(0), ''],
    ['NUL', Buffer.from('a\0b'), null],
    ['invalid UTF-8', Buffer.from([0xc3, 0x28]), null],
  ]
  test.each(keys)('%s', (_, bytes, text) => {
    expect(exactText(bytes.toString('base64'))).toEqual({ text, sizeBytes: bytes.length })
  })
})

describe('shardOfKey', () => {
  const shard = (shardId: number, slots: [number, number][] | null) => ({ shardId, slots }) as Shard
  const cluster = [
    shard(1, [
      [0, 99],
      [200, 299],
    ]),
    shard(2, [[100, 199]]),
  ]
  test.each([
    [{ slot: 250, current: [] }, cluster, 1],
    [{ slot: 100, current: [{ shardId: 1 }] }, cluster, 2],
    [{ slot: 5_000, current: [{ shardId: 2 }] }, cluster, 2],
    [{ slot: null, current: [] }, [shard(3, null)], 3],
    [{ slot: null, current: [] }, cluster, undefined],
  ])('%j', (key, shards, shardId) => {
    expect(shardOfKey(key, shards)?.shardId).toBe(shardId)
  })
})
