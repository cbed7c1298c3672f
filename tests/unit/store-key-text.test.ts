import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatKey, globToLike, keyFromBase64Url, keyToBase64Url } from '../../core/key-text.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

describe('formatKey', () => {
  test.each<[string, Uint8Array, string]>([
    ['plain', utf8('article:42'), 'article:42'],
    ['empty', utf8(''), ''],
    ['a space', utf8('a b'), 'a b'],
    ['quotes', utf8(`it's "quoted"`), `it's "quoted"`],
    ['a backslash', utf8('a\\n'), 'a\\\\n'],
    ['a lone newline', utf8('\n'), '\\n'],
    ['carriage return and tab', utf8('\r\t'), '\\r\\t'],
    ['NUL', Uint8Array.of(97, 0, 98), 'a\\x00b'],
    ['DEL', Uint8Array.of(0x7f), '\\x7f'],
    ['accents and emoji', utf8('naïve 🔥'), 'naïve 🔥'],
    ['invalid UTF-8', Uint8Array.of(0xff, 0xfe), '\\xff\\xfe'],
    ['invalid between valid', Uint8Array.of(0xc3, 0xa9, 0xff, 0xc3, 0xa9), 'é\\xffé'],
    ['a truncated sequence', Uint8Array.of(97, 0xe2, 0x82), 'a\\xe2\\x82'],
    ['an overlong sequence', Uint8Array.of(0xc0, 0x80), '\\xc0\\x80'],
    ['a lone surrogate in bytes', Uint8Array.of(0xed, 0xa0, 0x80), '\\xed\\xa0\\x80'],
    ['bidi override', utf8('a\u202eb'), 'a\\xe2\\x80\\xaeb'],
    ['zero-width space', utf8('a\u200bb'), 'a\\xe2\\x80\\x8bb'],
    ['byte order mark', utf8('\ufeffa'), '\\xef\\xbb\\xbfa'],
    ['no-break space', utf8('a\u00a0b'), 'a\\xc2\\xa0b'],
    ['line separator', utf8('a\u2028b'), 'a\\xe2\\x80\\xa8b'],
  ])('%s', (_name, bytes, text) => {
    expect(formatKey(bytes)).toBe(text)
  })

  test('a key of 10 KB stays whole', () => {
    expect(formatKey(utf8('k'.repeat(10_240)))).toHaveLength(10_240)
    expect(formatKey(new Uint8Array(10_240).fill(0xff))).toHaveLength(40_960)
  })

  test('different keys never read the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
        expect(formatKey(a) === formatKey(b)).toBe(Buffer.compare(a, b) === 0)
      }),
    )
  })
})

describe('base64url', () => {
  test('round trip of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = keyToBase64Url(bytes)
        expect(text).toMatch(/^[A-Za-z0-9_-]*$/)
        expect(keyFromBase64Url(text)).toEqual(bytes)
      }),
    )
  })

  test.each(['a', 'a+b=', '<script>', 'ab c'])('%j is refused', (text) => {
    expect(keyFromBase64Url(text)).toBeNull()
  })
})

test.each<[string, string]>([
  ['article:*', 'article:%'],
  ['user:?', 'user:_'],
  ['100%_\\*', '100\\%\\_*'],
  ['a\\\\b', 'a\\\\b'],
  ['a\\nb', 'a\nb'],
])('globToLike %j', (glob, like) => {
  expect(Buffer.from(globToLike(glob)).toString()).toBe(like)
})

test('globToLike reads back what formatKey escapes', () => {
  expect([...globToLike('\\xff\\x00a')]).toEqual([0xff, 0, 97])
})
