import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CachescopeError } from '../../core/errors.ts'
import { decodeCursor, toPage } from '../../store/page.ts'

type Parts = Parameters<typeof decodeCursor>[1]
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const shapes: Parts[] = [
  ['time', 'int4'],
  ['time', 'int8'],
  ['real', 'int4', 'int8'],
]

test.each<[Parts, (number | string)[]]>([
  [
    ['time', 'int4'],
    [Date.UTC(2026, 0, 31), 7],
  ],
  [
    ['time', 'int8'],
    [0, 9_007_199_254_740_991],
  ],
  [
    ['real', 'int4', 'int8'],
    [1234.5677, 2_147_483_647, '9223372036854775807'],
  ],
  [
    ['real', 'int4', 'int8'],
    [1.5e-7, 1, '1'],
  ],
])('what a page gives out for %o is read again', (parts, position) => {
  const { nextCursor } = toPage(
    [1, 2],
    1,
    (row) => row,
    () => position,
  )
  expect(decodeCursor(nextCursor ?? '', parts)).toEqual(position.map(String))
})

test.each<[string, Parts, unknown]>([
  ['an id beyond integer', ['time', 'int4'], [0, 2_147_483_648]],
  ['an id beyond bigint', ['time', 'int8'], [0, '9223372036854775808']],
  ['a time that is no date', ['time', 'int4'], [8.64e15 + 1, 1]],
  ['an exponent where whole numbers are', ['time', 'int8'], ['1e3', '1e18']],
  ['a fraction of an id', ['time', 'int4'], [0, 1.5]],
  ['a figure beyond real', ['real', 'int4', 'int8'], ['1e39', 1, '1']],
  ['a figure below real', ['real', 'int4', 'int8'], ['1e-60', 1, '1']],
  ['a negative id', ['time', 'int4'], [0, -1]],
  ['too few parts', ['time', 'int4'], [0]],
  ['parts within parts', ['time', 'int4'], [[0], [1]]],
  ['no list', ['time', 'int4'], { 0: 0, 1: 1, length: 2 }],
  ['null', ['time', 'int4'], null],
])('%s is refused', (_name, parts, position) => {
  expect(() => decodeCursor(encode(position), parts)).toThrow(CachescopeError)
})

const junkPart = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc.bigInt().map(String),
  fc.stringMatching(/^-?[0-9]{1,25}(\.[0-9]{0,9})?(e[+-]?[0-9]{1,3})?$/),
  fc.jsonValue(),
)
const junk = fc.oneof(
  fc.string(),
  fc.base64String(),
  fc.json().map((text) => Buffer.from(text).toString('base64url')),
  fc.array(junkPart, { maxLength: 4 }).map(encode),
)

test('junk is refused, or is a position that PostgreSQL can hold', () => {
  fc.assert(
    fc.property(junk, fc.constantFrom(...shapes), (cursor, parts) => {
      let position: string[] | null
      try {
        position = decodeCursor(cursor, parts)
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid-parameter', where: 'cursor' })
        return
      }
      for (const [index, part] of parts.entries()) {
        const text = position?.[index] ?? ''
        const value = Number(text)
        if (part === 'time') expect(new Date(value).toISOString()).toMatch(/^\d{4}-/)
        if (part === 'int4') expect(value | 0).toBe(value)
        if (part === 'int8') expect(BigInt.asIntN(64, BigInt(text))).toBe(BigInt(text))
        if (part === 'real') expect(Math.fround(value) === 0).toBe(value === 0)
      }
    }),
    { numRuns: 2_000 },
  )
})
