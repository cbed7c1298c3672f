import { expect, test } from 'vitest'
import { patternOf } from '../../../core/hot-keys/match-pattern.ts'

test.each<[string, (string | null)[], string | null]>([
  ['article:42', ['article:*', 'session:*', null], 'article:*'],
  ['article:42', ['session:*', null], null],
  ['article:42', [], null],
  ['article:42:body', ['article:*', 'article:*:body'], 'article:*:body'],
  ['{cart:7}:items', ['{cart:*}:items'], '{cart:*}:items'],
  ['user:1:cart:2', ['user:*:cart:*', 'user:*:order:*'], 'user:*:cart:*'],
  ['leaderboard', ['leaderboard', 'leader*'], 'leaderboard'],
  ['aba', ['ab*ba'], null],
  ['a.b', ['a?b', 'a+b'], null],
  ['', ['*'], '*'],
])('%j among %j has %j', (key, patterns, pattern) => {
  expect(patternOf(key, patterns)).toBe(pattern)
})

test('a pattern of many stars takes no time on a long key', () => {
  const pattern = `${'a*'.repeat(50)}b`
  expect(patternOf('a'.repeat(100_000), [pattern])).toBeNull()
})
