import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../core/api/json-body.ts'
import { jsonErrorAt } from '../../core/api/json-error.ts'

describe('where a text stops being JSON', () => {
  test.each([
    ['{"a": hunter2}', 6],
    ['{"a": 1,}', 8],
    ['[1 2]', 3],
    ['{"a" 1}', 5],
    ['{a: 1}', 1],
    ["{'a': 1}", 1],
    ['[1, ]', 4],
    ['{"a": [1}', 8],
    ['{"a": 01}', 6],
    ['"a\nb"', 0],
    ['{"a": 1} x', 9],
    ['{} {}', 3],
    ['{"a": tru}', 6],
    ['{"a": 1', 7],
    ['[', 1],
  ])('%j at %i', (text, at) => {
    expect(() => JSON.parse(text)).toThrow()
    expect(jsonErrorAt(text)).toBe(at)
  })

  test('every JSON text is read to its end, and cut short goes wrong where it was cut or before', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, cut) => {
        expect(jsonErrorAt(text)).toBe(text.length)
        const part = text.slice(0, cut % (text.length + 1))
        expect(jsonErrorAt(part)).toBeLessThanOrEqual(part.length)
      }),
    )
  })

  test('is told in lines and columns', () => {
    expect(parseJson('{\n  "a": hunter2\n}')).toEqual({
      ok: false,
      errors: [{ field: 'body', message: 'The body is not JSON: it goes wrong at line 2, column 8.' }],
    })
  })
})
