import { describe, expect, test } from 'vitest'
import { isIncomplete, readReply } from '../../../client/control/resp.ts'

describe('a reply', () => {
  test.each([
    ['+OK\r\n', 'OK'],
    ['+\r\n', ''],
    [':-12\r\n', -12],
    ['$-1\r\n', null],
    ['$0\r\n\r\n', ''],
    ['$6\r\na\r\nb\xc3\xa9\r\n', 'a\r\nbé'],
  ])('%j', (text, reply) => {
    const bytes = Buffer.from(text, 'latin1')
    expect(readReply(bytes, 0)).toEqual({ reply, end: bytes.length })
  })

  test('of an error is one, with its first word', () => {
    const read = readReply(Buffer.from('-NOPERM no rights\r\n'), 0)
    expect(read).toMatchObject({ reply: new Error('NOPERM no rights') })
  })

  test('is incomplete wherever it is cut, asks for no more than it needs, and is read from where it stands', () => {
    const before = '+OK\r\n'
    const whole = '$12\r\nab\r\ncd\r\nefgh\r\n'
    for (let cut = 0; cut < whole.length; cut++) {
      const read = readReply(Buffer.from(before + whole.slice(0, cut)), before.length)
      if (!isIncomplete(read)) throw new Error(`read at ${cut}`)
      expect(read.bytes).toBeGreaterThan(cut)
      expect(read.bytes).toBeLessThanOrEqual(whole.length)
    }
    expect(readReply(Buffer.from(before + whole), before.length)).toEqual({
      reply: 'ab\r\ncd\r\nefgh',
      end: before.length + whole.length,
    })
  })
})

test.each([
  ['an array', '*1\r\n$1\r\na\r\n'],
  ['a push of RESP3', '>2\r\n'],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\n'],
  ['a length that is none', '$\r\n'],
  ['a negative length', '$-2\r\n'],
  ['half a gigabyte', `$${512 * 1024 * 1024}\r\n`],
  ['binary', '\x00\xff\x13\r\n'],
  ['a number that is none', ':one\r\n'],
])('%s is no reply, and said to be none', (_, text) => {
  expect(() => readReply(Buffer.from(text, 'latin1'), 0)).toThrow('a reply of an unknown kind')
})

test('a line that does not end is not waited for', () => {
  expect(() => readReply(Buffer.alloc(70_000, 'x'), 0)).toThrow('a line without an end')
})
