import { describe, expect, test } from 'vitest'
import { PatternLearner } from '../../../core/hot-keys/patterns.ts'
import { SpaceSaving } from '../../../core/hot-keys/space-saving.ts'
import { SlidingWindow } from '../../../core/hot-keys/window.ts'
import { mulberry } from '../../support/random-draws.ts'

const START = 1_700_000_000_000
type Random = () => number
type Key = string | Uint8Array

function windowOf(keys: readonly Key[], keysPerCommand = 1, isWrite = (_at: number) => false) {
  const window = new SlidingWindow(new SpaceSaving({ seed: 3 }))
  keys.forEach((key, at) => {
    const bytes = Buffer.from(key)
    window.advance(START + Math.floor((at / keys.length) * 10_000))
    if (at % keysPerCommand === 0) window.countCommand()
    window.countKey(bytes, 0, bytes.length, 0, 0, isWrite(at))
  })
  const merged = window.merge(START + 9_999, 60)
  if (merged === null) throw new Error('Nothing was counted')
  return merged
}
const patternsOf = (keys: readonly Key[]) =>
  new PatternLearner().hotPatterns(windowOf(keys), 1_000).map(({ pattern }) => pattern)
const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at))
const hex = (length: number, random: Random) =>
  times(length, () => Math.floor(random() * 16).toString(16)).join('')
const word = (random: Random) => times(8, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('')

describe('the shape of keys', () => {
  const random = mulberry(5)
  test.each<[string, (at: number) => Key, string[]]>([
    ['numbers', (at) => `article:${at}`, ['article:*']],
    ['names in the middle', () => `user:${word(random)}:cart`, ['user:*:cart']],
    ['slugs', () => `post:${word(random)}-${word(random)}`, ['post:*']],
    ['hash tags', (at) => `{user:${at}}:cart`, ['{user:*}:cart']],
    ['a whole tag', () => `{${word(random)}}:cart`, ['{*}:cart']],
    [
      'UUIDs',
      () => `s:${hex(8, random)}-${hex(4, random)}-${hex(4, random)}-${hex(4, random)}-${hex(12, random)}`,
      ['s:*'],
    ],
    ['digests', () => `etag/${hex(40, random)}/body`, ['etag/*/body']],
    ['dates', (at) => `views:2026-0${1 + (at % 9)}-1${at % 7}:total`, ['views:*:total']],
    ['dots', (at) => `app.user.${at}.name`, ['app.user.*.name']],
    ['underscores', () => `user_profile_${word(random)}`, ['user_profile_*']],
    ['pipes and hashes', (at) => `Order#${at}|lines`, ['Order#*|lines']],
    ['file names', (at) => `img/photo-${at}.jpg`, ['img/photo-*.jpg']],
    ['numbers behind words', (at) => `user${at}:cart`, ['user*:cart']],
    ['a few stay', (at) => `page:${['en', 'de'][at % 2]}:${at}`, ['page:de:*', 'page:en:*']],
    [
      'the last of a few does not: each would be one key',
      (at) => `lang:${['en', 'de', 'fr'][at % 3]}`,
      ['lang:*'],
    ],
    ['longer than what is kept', (at) => `page:${at}:${'x'.repeat(100)}`, ['page:*:*']],
    [
      'bytes',
      (at) => Buffer.concat([Uint8Array.of(0xac, 0xed, 0), Buffer.from(`user:${at}`)]),
      ['\\xac\\xed\\x00user:*'],
    ],
    ['letters of the world', (at) => `größe:${at}`, ['größe:*']],
    ['one key alone', () => 'config:main', []],
    ['no separator, nothing in common', () => word(random), []],
  ])('%s', (_, make, expected) => {
    expect(
      patternsOf(times(400, make))
        .filter((pattern) => pattern !== null)
        .sort(),
    ).toEqual(expected)
  })

  test('families stay apart, also beside keys without any', () => {
    const keys = times(3_000, (at) =>
      at % 5 === 0 ? word(random) : `${['article', 'user', 'session', 'cart'][at % 4]}:${at}`,
    )
    expect(patternsOf(keys)).toEqual(expect.arrayContaining(['article:*', 'user:*', 'session:*', 'cart:*']))
  })
})

describe('its figures', () => {
  test('shares sum to that of all uses; reads and writes apart; the truth is inside', () => {
    const keys = times(20_000, (at) =>
      at % 10 < 6 ? `article:${at}` : at % 10 < 9 ? `user:${at}` : 'counter',
    )
    const rows = new PatternLearner().hotPatterns(
      windowOf(keys, 1, (at) => at % 10 === 0),
      5_000,
    )
    expect(rows.map(({ pattern }) => pattern)).toEqual(['article:*', 'user:*', null])
    expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
    const truths = [0.6, 0.3, 0.1]
    rows.forEach(({ shareLow, shareHigh }, at) => {
      expect(shareLow).toBeLessThan(truths[at] ?? 0)
      expect(shareHigh).toBeGreaterThan(truths[at] ?? 0)
      expect(shareHigh - shareLow).toBeLessThan(0.1)
    })
    const [article] = rows
    expect(article?.opsPerSec).toBeCloseTo((article?.share ?? 0) * 5_000, 6)
    expect((article?.writesPerSec ?? 0) / (article?.opsPerSec ?? 1)).toBeCloseTo(1 / 6, 1)
    expect(article?.keysSeen).toBeGreaterThan(1_000)
  })

  test('a command with many keys is divided among them', () => {
    const rows = new PatternLearner().hotPatterns(
      windowOf(
        times(5_000, (at) => `a:${at}`),
        100,
      ),
      1_000,
    )
    expect(rows).toMatchObject([{ pattern: 'a:*', share: 1, opsPerSec: 1_000 }])
  })

  test('at most twenty rows; what is left is "other"', () => {
    const names = times(40, () => word(mulberry(1))).map(
      (name, at) => `${name}${String.fromCharCode(97 + (at % 26))}${at < 26 ? 'x' : 'y'}`,
    )
    const rows = new PatternLearner().hotPatterns(
      windowOf(times(20_000, (at) => `${names[at % 40]}:${at}`)),
      1_000,
    )
    expect(rows).toHaveLength(20)
    expect(rows.at(-1)?.pattern).toBeNull()
    expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
  })
})

test('names stay from report to report', () => {
  const random = mulberry(9)
  const learner = new PatternLearner()
  const draw = () => {
    const id = Math.floor(1e5 * random() ** 3)
    const kinds = [
      `article:${id}`,
      `user:${word(mulberry(id))}:cart`,
      `page:${['en', 'de'][id % 2]}:${id}`,
      `lang:${['en', 'de', 'fr'][id % 3]}`,
      `{t${id % 40}}:q:${id}`,
    ]
    return kinds[Math.floor(random() * kinds.length)] ?? ''
  }
  const names = times(6, () =>
    learner
      .hotPatterns(windowOf(times(4_000, draw)), 1_000)
      .map(({ pattern }) => pattern)
      .sort()
      .join(' '),
  )
  expect(new Set(names.slice(1)).size).toBe(1)
})

test.each<[string, (random: Random) => Key]>([
  ['separators only', (random) => ':'.repeat(1 + Math.floor(random() * 64))],
  ['random bytes', (random) => Uint8Array.from(times(64, () => Math.floor(random() * 256)))],
  ['deep', (random) => times(30, () => String.fromCharCode(97 + Math.floor(random() * 26))).join(':')],
  ['wide', (random) => `${word(random)}:${word(random)}:${word(random)}:${word(random)}`],
  ['all kinds of separators', (random) => times(60, () => ':/|#{}ab'[Math.floor(random() * 8)]).join('')],
  ['digits and letters', (random) => hex(64, random)],
  ['asterisks and backslashes', (random) => times(60, () => '*\\:x'[Math.floor(random() * 4)]).join('')],
])('hostile keys (%s) cost a bounded time and memory', (_, make) => {
  const random = mulberry(13)
  const learner = new PatternLearner()
  const before = process.cpuUsage()
  for (let round = 0; round < 3; round++) {
    const rows = learner.hotPatterns(windowOf(times(3_000, () => make(random))), 1_000)
    expect(rows.length).toBeLessThanOrEqual(20)
    expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
  }
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1e6).toBeLessThan(5)
  expect(learner.size).toBeLessThanOrEqual(4_096 + 2_048)
})
