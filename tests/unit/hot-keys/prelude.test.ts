import { describe, expect, test } from 'vitest'
import { Prelude } from '../../../collector/monitor/prelude.ts'

const HELLO =
  '%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:61\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*1\r\n%2\r\n$4\r\nname\r\n$2\r\nbf\r\n$2\r\nid\r\n:7\r\n'
const SUBSCRIBED = '>3\r\n$9\r\nsubscribe\r\n$18\r\ncachescope-monitor\r\n:1\r\n'
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

function read(text: string, expected: number, step: number) {
  const prelude = new Prelude(expected)
  let rest = ''
  for (let at = 0; at < text.length; at += step) {
    // One buffer, overwritten by every read, as a socket's is.
    const chunk = bytes(text.slice(at, at + step))
    rest += Buffer.from(prelude.feed(chunk)).toString('latin1')
    chunk.fill(0)
  }
  return { prelude, rest }
}

describe('replies before the stream, cut anywhere', () => {
  test.each<[string, string[], unknown]>([
    [
      'HELLO and SUBSCRIBE',
      [HELLO, SUBSCRIBED],
      [
        { error: null, id: 61 },
        { error: null, id: null },
      ],
    ],
    [
      'AUTH, SETNAME, ID',
      ['+OK\r\n', '+OK\r\n', ':9\r\n'],
      [
        { error: null, id: null },
        { error: null, id: null },
        { error: null, id: 9 },
      ],
    ],
    [
      'refusals, of which the first word is kept',
      ['-WRONGPASS invalid hunter2\r\n', '-NOPERM no\r\n'],
      [
        { error: 'WRONGPASS', id: null },
        { error: 'NOPERM', id: null },
      ],
    ],
    [
      'nothing in it',
      ['$-1\r\n', '*0\r\n', '_\r\n'],
      [
        { error: null, id: null },
        { error: null, id: null },
        { error: null, id: null },
      ],
    ],
  ])('%s', (_, replies, expected) => {
    const stream = '+OK\r\n+1700000000.000001 [0 10.0.0.1:1] "GET" "k"\r\n'
    const text = replies.join('') + stream
    for (let step = 1; step <= text.length; step++) {
      const { prelude, rest } = read(text, replies.length, step)
      expect(prelude.replies).toEqual(expected)
      expect(rest).toBe(stream)
      expect(prelude.isForeign).toBe(false)
    }
  })

  test('none are expected: all is the stream', () => {
    expect(read('+OK\r\nabc', 0, 3)).toMatchObject({ rest: '+OK\r\nabc' })
  })
})

describe('what is no Redis', () => {
  test.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['memcached', 'ERROR\r\n'],
    ['TLS', '\x15\x03\x01\x00\x02\x02\x50'],
    ['a length that is none', '$abc\r\n'],
    ['a list without end', '*99999999\r\n'],
    ['a line without end', `+${'x'.repeat(100_000)}`],
  ])('%s', (_, text) => {
    const { prelude } = read(text, 9, 1_000)
    expect(prelude.isForeign).toBe(true)
  })
})
