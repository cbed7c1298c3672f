import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_LINE_KEY_BYTES, MonitorParser } from '../../../collector/monitor/parser.ts'
import type { ParserSession } from '../../../collector/monitor/parser-types.ts'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { CollectingSink, monitorLine } from '../../support/monitor-lines.ts'

const entry = (name: string, flags: string[], keyFlag: string, last: number, step: number) => [
  name,
  -1,
  flags,
  1,
  last,
  step,
  [],
  [],
  [
    {
      flags: [keyFlag],
      begin_search: { type: 'index', spec: { index: 1 } },
      find_keys: { type: 'range', spec: { lastkey: last, keystep: step, limit: 0 } },
    },
  ],
]
const table = parseCommandTable([
  entry('get', ['readonly'], 'RO', 0, 1),
  entry('set', ['write'], 'OW', 0, 1),
  entry('mget', ['readonly'], 'RO', -1, 1),
  entry('mset', ['write'], 'OW', -1, 2),
  entry('blpop', ['write'], 'RW', -2, 1),
  ['ping', -1, [], 0, 0, 0, [], [], []],
])
const SESSION: ParserSession = { replies: 0, ownAddresses: [], replica: false, primaryAddress: null }

function parse(stream: string | Buffer, session: Partial<ParserSession> = {}, cuts: number[] = []) {
  const sink = new CollectingSink()
  const parser = new MonitorParser(table, sink)
  parser.begin({ ...SESSION, ...session })
  const bytes = Buffer.from(stream)
  let from = 0
  for (const cut of [...cuts.filter((at) => at < bytes.length), bytes.length]) {
    parser.feed(bytes.subarray(from, cut))
    from = cut
  }
  return { sink, parser, keys: sink.commands.map((keys) => keys.map(({ key }) => key)) }
}

describe('lines', () => {
  test.each([
    ['IPv4', '127.0.0.1:60866'],
    ['IPv6', '[::1]:50000'],
    ['a Unix socket', 'unix:/tmp/a] [0 b.sock'],
    ['a nameless Unix socket', 'unix:'],
  ])('%s as the address', (_, address) => {
    const { keys, sink } = parse(monitorLine(['GET', 'k'], { db: 15, address }))
    expect(keys).toEqual([['k']])
    expect(sink.commands[0]?.[0]?.db).toBe(15)
  })

  test('lua lines and our own are no commands of clients', () => {
    const stream = [
      monitorLine(['GET', 'inner'], { address: 'lua' }),
      monitorLine(['GET', 'ours'], { address: '127.0.0.1:5' }),
      monitorLine(['GET', 'theirs'], { address: '127.0.0.1:55' }),
    ].join('')
    const { keys, sink, parser } = parse(stream, { ownAddresses: ['10.0.0.1:1', '127.0.0.1:5'] })
    expect(keys).toEqual([['theirs']])
    expect(sink.others).toBe(1)
    expect(parser.counts).toMatchObject({ lines: 3, commands: 1, scripted: 1, own: 1 })
  })

  test('on a replica neither what comes from the primary, nor any other write', () => {
    const stream = [
      monitorLine(['GET', 'a'], { address: '10.0.0.1:6379' }),
      monitorLine(['SET', 'b', 'v'], { address: '10.9.9.9:6379' }),
      monitorLine(['GET', 'c']),
    ].join('')
    const { keys, sink } = parse(stream, { replica: true, primaryAddress: '10.0.0.1:6379' })
    expect(keys).toEqual([['c']])
    expect(sink.others).toBe(2)
  })

  test('names in any case, unknown ones, and a name longer than any', () => {
    const { keys, parser } = parse(
      monitorLine(['gEt', 'a']) +
        monitorLine(['FOO.BAR', 'b']) +
        monitorLine(['g'.repeat(500), 'c']) +
        monitorLine(['PING']),
    )
    expect(keys).toEqual([['a'], [], [], []])
    expect(parser.counts).toMatchObject({ commands: 4, unknown: 2, malformed: 0 })
  })

  test('several keys: each once, values passed over, a trailing timeout left out', () => {
    const { keys } = parse(
      monitorLine(['MGET', 'a', 'b', 'a', '']) +
        monitorLine(['MSET', 'a', 'k"\\', 'b', 'v']) +
        monitorLine(['BLPOP', 'q', 'r', '0']),
    )
    expect(keys).toEqual([
      ['a', 'b', ''],
      ['a', 'b'],
      ['q', 'r'],
    ])
  })

  test('thousands of keys in one command: weighed once each up to the cap, the rest reported', () => {
    const names = Array.from({ length: 5_000 }, (_, at) => `key:${at}`)
    const { keys, parser } = parse(monitorLine(['MGET', ...names, ...names.slice(0, 10)]))
    expect(keys[0]).toEqual(names.slice(0, 4_096))
    expect(parser.counts.droppedKeys).toBe(5_010 - 4_096)
  })

  test('a key of 10 KB survives; one above the cap is reported, its command counted, the next line unharmed', () => {
    const long = '\xff\x00 "\\\n'.repeat(1_700)
    const { keys, parser } = parse(
      monitorLine(['GET', Buffer.from(long, 'latin1')]) +
        monitorLine(['MGET', 'a', 'x'.repeat(MAX_LINE_KEY_BYTES), 'b']) +
        monitorLine(['GET', 'k']),
    )
    expect(keys).toEqual([[long], ['a', 'b'], ['k']])
    expect(parser.counts).toMatchObject({ commands: 3, droppedKeys: 1, malformed: 0 })
  })
})

describe('broken lines are counted, and harm no other', () => {
  test.each([
    ['no header', 'garbage\r\n'],
    ['empty', '\r\n'],
    ['only a newline', '\n'],
    ['a plus', '+\r\n'],
    ['no address', '+1.2 [0] "GET" "k"\r\n'],
    ['no database', '+1.2 [x 1.1.1.1:1] "GET" "k"\r\n'],
    ['no time', '+ [0 1.1.1.1:1] "GET" "k"\r\n'],
    ['no bracket', '+1.2 [0 1.1.1.1:1 "GET" "k"\r\n'],
    ['no arguments', '+1.2 [0 1.1.1.1:1]\r\n'],
    ['cut in the name', '+1.2 [0 1.1.1.1:1] "GE\r\n'],
    ['cut in a key', '+1.2 [0 1.1.1.1:1] "GET" "k\n'],
    ['cut in an escape', '+1.2 [0 1.1.1.1:1] "GET" "k\\\n'],
    ['cut in a hex escape', '+1.2 [0 1.1.1.1:1] "GET" "k\\x4\n'],
    ['no such escape', '+1.2 [0 1.1.1.1:1] "GET" "k\\q"\r\n'],
    ['capital hex', '+1.2 [0 1.1.1.1:1] "GET" "\\xFF"\r\n'],
    ['two spaces', '+1.2 [0 1.1.1.1:1] "GET"  "k"\r\n'],
    ['no space', '+1.2 [0 1.1.1.1:1] "GET""k"\r\n'],
    ['no return', '+1.2 [0 1.1.1.1:1] "GET" "k"\n'],
    ['no return after a value', '+1.2 [0 1.1.1.1:1] "SET" "k" "v"\n'],
    ['a return inside', '+1.2 [0 1.1.1.1:1] "GET" "k"\rx\r\n'],
    ['a header without end', `+${'9'.repeat(5_000)}\r\n`],
    ['an error in the stream', '-ERR something\r\n'],
  ])('%s', (_, line) => {
    const good = monitorLine(['GET', 'k'])
    for (let cut = 0; cut <= Math.min(line.length, 60); cut++) {
      const { keys, parser } = parse(good + line + good, {}, [good.length + cut])
      expect(keys).toEqual([['k'], ['k']])
      expect(parser.counts).toMatchObject({ lines: 3, commands: 2, malformed: 1 })
    }
  })

  test('a stream that ends inside a line', () => {
    const { parser } = parse(`${monitorLine(['GET', 'k'])}+1.2 [0 1.1.1.1:1] "GET" "hal`)
    parser.end()
    expect(parser.counts).toMatchObject({ lines: 1, commands: 1, truncated: 1, malformed: 0 })
  })
})

describe('replies before the stream', () => {
  test('OK shares the chunk with lines', () => {
    const { parser, keys } = parse(`+OK\r\n${monitorLine(['GET', 'k'])}`, { replies: 1 })
    expect(parser.state).toEqual({ kind: 'monitoring' })
    expect(keys).toEqual([['k']])
  })

  test('an OK that is cut is pending', () => {
    expect(parse('+OK\r', { replies: 1 }).parser.state).toEqual({ kind: 'pending' })
    expect(parse('+OK\r\n', { replies: 2 }).parser.state).toEqual({ kind: 'pending' })
  })

  test.each([
    ['-NOAUTH Authentication required.\r\n', 'NOAUTH'],
    ["-NOPERM this user has no permissions to run the 'monitor' command\r\n", 'NOPERM'],
    ['-LOADING Redis is loading the dataset in memory\r\n', 'LOADING'],
    ["-ERR unknown command 'MONITOR', with args beginning with: \r\n", 'ERR'],
    ['HTTP/1.1 400 Bad Request\r\n', '?'],
    [`${'x'.repeat(4_000)}\r\n`, '?'],
    ['\r\n', '?'],
  ])('%s', (reply, code) => {
    expect(parse(reply, { replies: 1 }).parser.state).toEqual({ kind: 'refused', code, reply: 0 })
  })

  test('the first error is the reason; an objection to AUTH that MONITOR does not share is none', () => {
    const wrong = parse('-WRONGPASS invalid\r\n-NOAUTH required\r\n', { replies: 2 })
    expect(wrong.parser.state).toEqual({ kind: 'refused', code: 'WRONGPASS', reply: 0 })
    const needless = parse('-ERR AUTH called without any password configured\r\n+OK\r\n', { replies: 2 })
    expect(needless.parser.state).toEqual({ kind: 'monitoring' })
  })
})

describe('escape → parse', () => {
  const bytes = fc.uint8Array({ maxLength: 40 })
  const command = fc.oneof(
    bytes.map((key) => ({ words: ['GET', key], keys: [key] })),
    fc.tuple(bytes, bytes).map(([key, value]) => ({ words: ['SET', key, value], keys: [key] })),
    fc.array(bytes, { minLength: 1, maxLength: 5 }).map((keys) => ({ words: ['mget', ...keys], keys })),
    fc.array(fc.tuple(bytes, bytes), { minLength: 1, maxLength: 4 }).map((pairs) => ({
      words: ['MSET', ...pairs.flat()],
      keys: pairs.map(([key]) => key),
    })),
    fc.constant({ words: ['PING'], keys: [] }),
  )
  const latin1 = (key: Uint8Array) => Buffer.from(key).toString('latin1')

  test('any bytes come back, wherever the chunks are cut', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 8 }),
        fc.array(fc.nat(1_500), { maxLength: 12 }),
        (commands, cuts) => {
          const stream = commands.map(({ words }) => monitorLine(words)).join('')
          const expected = commands.map(({ keys }) => [...new Set(keys.map(latin1))])
          const { keys, parser } = parse(
            stream,
            {},
            cuts.sort((one, other) => one - other),
          )
          expect(keys).toEqual(expected)
          expect(parser.counts).toMatchObject({ lines: commands.length, malformed: 0, bytes: stream.length })
        },
      ),
      { numRuns: 3_000 },
    )
  })

  test('every cut of a stream of hostile keys', () => {
    const hostile = [
      '',
      ' ',
      '"',
      '\\',
      '\n',
      '\r\n',
      '\0',
      '\xff\xfe',
      '\\x41',
      '" "',
      '] "',
      'a b\tc\x07\x08',
    ]
    const stream = hostile.map((key) => monitorLine(['SET', Buffer.from(key, 'latin1'), '"v\\'])).join('')
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(parse(stream, {}, [cut]).keys).toEqual(hostile.map((key) => [key]))
    }
    expect(
      parse(
        stream,
        {},
        Array.from({ length: stream.length }, (_, at) => at),
      ).keys,
    ).toEqual(hostile.map((key) => [key]))
  })

  test('noise never throws, and every line of it is counted', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('+1.2 [0 1.1.1.1:1] ', '"', '\\', '\r\n', '\n', '"GET" "k"', '\\x'),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.array(fc.nat(200), { maxLength: 5 }),
        (pieces, cuts) => {
          const stream = pieces.join('')
          const { parser, sink } = parse(
            stream,
            {},
            cuts.sort((one, other) => one - other),
          )
          expect(parser.counts.lines).toBe(stream.split('\n').length - 1)
          expect(parser.counts.commands).toBe(sink.commands.length)
          expect(parser.counts.commands + parser.counts.malformed).toBe(parser.counts.lines)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
