/** Two DUMPs of one value need not be the same bytes, and two values are never taken for one. */
import { expect, test } from 'vitest'
import { isSameValue } from '../../../collector/mitigations/mirror/same-value.ts'

const footer = (version: number) => [version, 0, 1, 2, 3, 4, 5, 6, 7, version]
const held = (bytes: number[], content: unknown = null, version = 10) => {
  const asked: string[] = []
  const call = async (command: string, ...args: unknown[]) => {
    asked.push([command, ...args.slice(1)].join(' '))
    return content
  }
  const node = { address: 'a:1', call, callBuffer: call }
  return { node, key: Buffer.from('k'), dump: Buffer.from([...bytes, ...footer(version)]), asked }
}
const of = (...parts: string[]) => parts.map((part) => Buffer.from(part))

test('the version in the footer is none of the value', async () => {
  const [a, b] = [held([0, 1, 65], null, 10), held([0, 1, 65], null, 11)]
  expect(await isSameValue(a, b)).toBe(true)
  expect([...a.asked, ...b.asked]).toEqual([])
})

test.each<[string, number, number, unknown, unknown, boolean, string]>([
  ['a string, compressed', 0, 0, Buffer.from('aa'), Buffer.from('aa'), true, 'GET'],
  ['another string', 0, 0, Buffer.from('aa'), Buffer.from('ab'), false, 'GET'],
  ['a list in two encodings', 14, 18, of('1', '2'), of('1', '2'), true, 'LRANGE 0 -1'],
  ['a list in another order', 18, 18, of('1', '2'), of('2', '1'), false, 'LRANGE 0 -1'],
  ['a set as integers and as a table', 11, 2, of('1', '2'), of('2', '1'), true, 'SMEMBERS'],
  ['another set', 20, 2, of('1', '2'), of('2', '3'), false, 'SMEMBERS'],
  ['a hash as a list and as a table', 16, 4, of('a', '1', 'b', '2'), of('b', '2', 'a', '1'), true, 'HGETALL'],
  ['a hash whose values are swapped', 4, 4, of('a', '1', 'b', '2'), of('b', '1', 'a', '2'), false, 'HGETALL'],
  [
    'scores in two ways',
    17,
    5,
    of('a', '0.1'),
    of('a', '0.10000000000000001'),
    true,
    'ZRANGE 0 -1 WITHSCORES',
  ],
  ['other scores', 5, 5, of('a', '0.1'), of('a', '0.2'), false, 'ZRANGE 0 -1 WITHSCORES'],
])('%s', async (_, first, second, ours, theirs, isSame, command) => {
  const [a, b] = [held([first, 1], ours), held([second, 2], theirs)]
  expect(await isSameValue(a, b)).toBe(isSame)
  expect(a.asked).toEqual([command])
})

test('two types are two values, and what is of no known type is compared by its bytes', async () => {
  expect(await isSameValue(held([0, 1], Buffer.from('a')), held([2, 1], of('a')))).toBe(false)
  expect(await isSameValue(held([7, 1]), held([7, 2]))).toBe(false)
})
