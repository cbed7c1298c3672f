import { afterEach, describe, expect, test } from 'vitest'
import { MAX_LINE_KEY_BYTES } from '../../../collector/monitor/parser.ts'
import type { ParserSession, StreamEngine } from '../../../collector/monitor/parser-types.ts'
import { commandId, createEngine, ENGINE_KINDS, ENGINE_SESSION } from '../../support/engine-commands.ts'
import { monitorLine } from '../../support/monitor-lines.ts'

const NOW = 1_700_000_000_500
const MIB = 2 ** 20

describe.each(ENGINE_KINDS)('the %s engine', (kind) => {
  const engines: StreamEngine[] = []
  afterEach(() => {
    for (const engine of engines.splice(0)) engine.close()
  })

  function begin(session: Partial<ParserSession> = {}): StreamEngine {
    const engine = createEngine(kind)
    engines.push(engine)
    engine.begin({ ...ENGINE_SESSION, ...session })
    return engine
  }
  const feed = (engine: StreamEngine, text: string | Uint8Array, now = NOW) =>
    engine.feed(Buffer.from(text), now)
  const merge = (engine: StreamEngine, now = NOW) => engine.merge(now, 10_000)
  const keys = (engine: StreamEngine, now = NOW) =>
    (merge(engine, now)?.keys ?? []).map(({ key, db, low, writes, command }) => ({
      key: Buffer.from(key).toString('latin1'),
      db,
      low,
      writes,
      command,
    }))
  const names = (engine: StreamEngine, now = NOW) => keys(engine, now).map(({ key }) => key)

  test('counts keys with their database, uses, writes and the command that most are of', () => {
    const engine = begin()
    feed(engine, monitorLine(['GET', 'a']).repeat(3) + monitorLine(['set', 'a', 'v']))
    feed(engine, monitorLine(['GET', 'a'], { db: 12 }))
    expect(keys(engine)).toEqual([
      { key: 'a', db: 0, low: 4, writes: 1, command: commandId('get') },
      { key: 'a', db: 12, low: 1, writes: 0, command: commandId('get') },
    ])
    expect(merge(engine)).toMatchObject({ commands: 5, others: 0, keyUses: 5, seconds: [1_700_000_000] })
    expect(engine.counts).toMatchObject({ lines: 5, commands: 5, malformed: 0 })
  })

  test('nothing is known before the first command, nor after reset', () => {
    const engine = begin()
    expect(merge(engine)).toBeNull()
    feed(engine, monitorLine(['GET', 'a']))
    engine.reset()
    expect(merge(engine)).toBeNull()
  })

  test('replies come before the stream, also in one chunk with it and cut anywhere', () => {
    const stream = `+OK\r\n${monitorLine(['GET', 'a'])}`
    for (let cut = 0; cut <= stream.length; cut++) {
      const engine = begin({ replies: 1 })
      expect(engine.state).toEqual({ kind: 'pending' })
      feed(engine, stream.slice(0, cut))
      feed(engine, stream.slice(cut))
      expect(engine.state).toEqual({ kind: 'monitoring' })
      expect([cut, names(engine)]).toEqual([cut, ['a']])
      expect(engine.counts).toMatchObject({ lines: 1, bytes: stream.length })
      engine.close()
      engines.pop()
    }
  })

  test('a refusal is told by its first word only', () => {
    const engine = begin({ replies: 1 })
    feed(engine, '-NOPERM this user has no permissions: secret\r\n')
    expect(engine.state).toEqual({ kind: 'refused', code: 'NOPERM', reply: 0 })
  })

  test('scripts, our own connections and what replication brings are no commands of clients', () => {
    const engine = begin({ ownAddresses: ['10.0.0.1:1', '10.0.0.1:2'], primaryAddress: '10.0.0.3:6379' })
    const from = (address: string, key: string) => monitorLine(['GET', key], { address })
    feed(engine, from('lua', 'a') + from('10.0.0.1:2', 'b') + from('10.0.0.3:6379', 'c'))
    feed(engine, from('10.0.0.1:22', 'd') + from('unix:/tmp/a] [0 b.sock', 'e') + from('[::1]:50000', 'f'))
    expect(names(engine).sort()).toEqual(['d', 'e', 'f'])
    expect(engine.counts).toMatchObject({ lines: 6, commands: 3, scripted: 1, own: 1, replicated: 1 })
    expect(merge(engine)).toMatchObject({ commands: 3, others: 2 })
  })

  test('on a replica no write is a client’s', () => {
    const engine = begin({ replica: true })
    feed(engine, monitorLine(['SET', 'a', 'v']) + monitorLine(['DEL', 'x']) + monitorLine(['GET', 'b']))
    expect(names(engine)).toEqual(['b'])
    expect(engine.counts).toMatchObject({ replicated: 1, unknown: 1 })
  })

  test.each([
    [
      ['MGET', 'a', 'b', 'a'],
      ['a', 'b'],
    ],
    [
      ['MSET', 'a', 'v', 'b', 'v'],
      ['a', 'b'],
    ],
    [
      ['BLPOP', 'a', 'b', '0'],
      ['a', 'b'],
    ],
    [
      ['RENAME', 'a', 'b'],
      ['a', 'b'],
    ],
    [
      ['BITOP', 'AND', 'a', 'b', 'c'],
      ['a', 'b', 'c'],
    ],
    [
      ['EVAL', 'return 1', '2', 'a', 'b', 'x'],
      ['a', 'b'],
    ],
    [
      ['XREAD', 'COUNT', '1', 'STREAMS', 'a', 'b', '0', '$'],
      ['a', 'b'],
    ],
    [
      ['SORT', 'a', 'BY', 'store', 'STORE', 'b'],
      ['a', 'b'],
    ],
    [['OBJECT', 'FREQ', 'a'], ['a']],
    [['PING', 'a'], []],
  ])('%j has the keys %j', (words, expected) => {
    const engine = begin()
    feed(engine, monitorLine(words))
    expect(names(engine).sort()).toEqual(expected)
    expect(merge(engine)).toMatchObject({ commands: 1, keyUses: expected.length })
  })

  test.each([
    ['empty', Buffer.from('')],
    ['like the end of a header', Buffer.from('"] [0 lua] "GET" "x')],
    ['of two lines', Buffer.from('line\r\nbreak\\')],
    ['of every byte', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ['of 10 KB, each byte escaped', Buffer.alloc(10_240, 0xff)],
    ['of 10 KB', Buffer.from('k'.repeat(10_240))],
  ])('a key %s comes out as its bytes', (_, key) => {
    const engine = begin()
    feed(engine, monitorLine(['SET', key, key]) + monitorLine(['MGET', key, key, 'x']))
    const [first, second] = merge(engine)?.keys ?? []
    expect(Buffer.from(first?.key ?? []).equals(key)).toBe(true)
    expect([first?.low, first?.writes, second?.key]).toEqual([2, 1, Uint8Array.of(120)])
  })

  test('a chunk may lie anywhere in the input, or be longer than it', () => {
    const engine = begin()
    const line = Buffer.from(monitorLine(['GET', 'here']))
    for (const offset of [0, 1, 777, engine.input.length - line.length]) {
      engine.input.set(line, offset)
      engine.feed(engine.input.subarray(offset, offset + line.length), NOW)
    }
    const many = Math.ceil((engine.input.length * 2.5) / line.length)
    feed(engine, Buffer.concat(Array.from({ length: many }, () => line)))
    expect(keys(engine)).toMatchObject([{ key: 'here', low: many + 4 }])
  })

  test('a line may be cut at any two places', () => {
    const lines = ['SET', 'MGET', 'EVAL'].map((name) => monitorLine([name, 'a "\n\xff', '1', 'c', 'd']))
    const stream = Buffer.from(lines.join(''))
    const whole = begin()
    feed(whole, stream)
    const expected = [whole.counts, merge(whole)]
    for (let first = 0; first < stream.length; first += 3) {
      const engine = begin()
      for (let second = first; second < stream.length; second += 7) {
        engine.reset()
        engine.begin(ENGINE_SESSION)
        feed(engine, stream.subarray(0, first))
        feed(engine, stream.subarray(first, second))
        feed(engine, stream.subarray(second))
        expect([engine.counts, merge(engine)]).toEqual(expected)
      }
    }
  })

  test('what ends inside a line is told, and is not mixed with the next connection', () => {
    const engine = begin()
    feed(engine, `${monitorLine(['GET', 'a'])}+1700000000.123456 [0 10.0.0.9:50123] "GET" "b`)
    engine.end()
    expect(engine.counts).toMatchObject({ lines: 1, truncated: 1, malformed: 0 })
    engine.begin(ENGINE_SESSION)
    feed(engine, monitorLine(['GET', 'c']))
    expect(names(engine).sort()).toEqual(['a', 'c'])
    expect(engine.counts).toMatchObject({ lines: 1, truncated: 0, malformed: 0 })
  })

  test('broken lines are counted, and cost no other line', () => {
    const engine = begin()
    const good = monitorLine(['GET', 'a'])
    const broken = [
      'no line\r\n',
      '\n',
      good.replace('\r\n', '\n'),
      good.replace('"a"', '"a'),
      good.replace('"a"', '"\\q"'),
      good.replace('"a"', '"a"x'),
      good.replace('.123456', ''),
      good.replace('[0', '[zero'),
    ]
    feed(engine, broken.map((line) => line + good).join(''))
    expect(keys(engine)).toMatchObject([{ key: 'a', low: broken.length }])
    expect(engine.counts).toMatchObject({ malformed: broken.length, commands: broken.length })
  })

  test('names of unknown commands are kept, never what follows', () => {
    const engine = begin()
    feed(engine, monitorLine(['GETX', 'secret']) + monitorLine(['getx', 'secret']))
    expect(engine.unknownNames).toEqual(['getx'])
    expect(engine.counts).toMatchObject({ unknown: 2, commands: 2 })
    expect(names(engine)).toEqual([])
  })

  test.each([1, 8, 9])('a stream that ends inside a line is told, with %i addresses of ours', (count) => {
    const ownAddresses = Array.from({ length: count }, (_, at) => `10.0.0.${at}:6000`)
    const engine = begin({ ownAddresses })
    feed(engine, `${monitorLine(['GET', 'a'])}+1700000000.123456 [0 10.0.0.9`)
    engine.end()
    expect(engine.counts).toMatchObject({ lines: 1, truncated: 1 })
  })

  test('an MGET of thousands of keys is one command; what is beyond the cap is reported', () => {
    const engine = begin()
    const some = Array.from({ length: 5_000 }, (_, at) => `key:${at}`)
    feed(engine, monitorLine(['MGET', ...some]))
    expect(engine.counts).toMatchObject({ commands: 1, droppedKeys: 904 })
    expect(merge(engine)).toMatchObject({ commands: 1, keyUses: 4_096 })
    feed(engine, monitorLine(['GET', 'x'.repeat(MAX_LINE_KEY_BYTES + 1)]))
    expect(engine.counts).toMatchObject({ commands: 2, droppedKeys: 905 })
    expect(merge(engine)).toMatchObject({ keyUses: 4_096 })
  })

  test('a value of 512 MB passes in constant memory', () => {
    const engine = begin()
    const value = Buffer.alloc(MIB, 'v')
    feed(engine, '+1700000000.123456 [0 10.0.0.9:50123] "SET" "big" "')
    feed(engine, value)
    const before = process.memoryUsage()
    for (let part = 1; part < 512; part++) engine.feed(value, NOW)
    const after = process.memoryUsage()
    feed(engine, `"\r\n${monitorLine(['GET', 'next'])}`)
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(MIB)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(16 * MIB)
    expect(names(engine).sort()).toEqual(['big', 'next'])
    expect(engine.counts).toMatchObject({ lines: 2, malformed: 0, droppedKeys: 0 })
  })

  test('ten seconds are kept, each in its own slice', () => {
    const engine = begin()
    for (let second = 0; second < 12; second++) {
      feed(engine, monitorLine(['GET', `s${second}`]), NOW + second * 1_000)
    }
    const now = NOW + 11_000
    expect(names(engine, now).sort()).toEqual(['s10', 's11', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9'])
    expect(merge(engine, now)?.seconds).toEqual(Array.from({ length: 10 }, (_, at) => 1_700_000_002 + at))
    expect(merge(engine, now + 60_000)).toBeNull()
  })

  test('the sample stands for all uses', () => {
    const engine = begin()
    for (let at = 0; at < 3_000; at++) feed(engine, monitorLine(['SET', `key:${at % 600}`, 'v'], { db: 3 }))
    const sample = merge(engine)?.sample ?? []
    expect(sample).toHaveLength(256)
    expect(sample.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(3_000)
    expect(new Set(sample.map(({ key }) => Buffer.from(key).toString())).size).toBeGreaterThan(150)
    expect(sample.every(({ db, write, command }) => db === 3 && write && command === commandId('set'))).toBe(
      true,
    )
  })

  test('engines share the input and nothing else', () => {
    const [one, other] = [begin(), begin()]
    const cut = (key: string) => [`+1700000000.123456 [0 10.0.0.9:50123] "GET" "${key}`, `${key}"\r\n`]
    const [oneHalves, otherHalves] = [cut('one'), cut('other')]
    for (const half of [0, 1]) {
      for (const [engine, halves] of [
        [one, oneHalves],
        [other, otherHalves],
      ] as const) {
        const bytes = Buffer.from(halves[half] ?? '')
        engine.input.set(bytes)
        engine.feed(engine.input.subarray(0, bytes.length), NOW)
      }
    }
    expect(names(one)).toEqual(['oneone'])
    expect(names(other)).toEqual(['otherother'])
  })

  test('what is closed gives its memory to the next', () => {
    const before = process.memoryUsage().arrayBuffers
    for (let at = 0; at < 300; at++) {
      const engine = createEngine(kind, at)
      engine.begin(ENGINE_SESSION)
      feed(engine, monitorLine(['GET', `k${at}`]))
      expect(names(engine)).toEqual([`k${at}`])
      engine.close()
    }
    if (kind === 'wasm') expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB)
  })
})
