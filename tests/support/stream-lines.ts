/** Generated MONITOR lines that know what they are: the other opinion on what a parser makes of them. */
import fc from 'fast-check'
import { commandId } from './engine-commands.ts'
import { monitorLine } from './monitor-lines.ts'

export const OWN_ADDRESSES = ['10.0.0.1:40001', 'unix:/run/own.sock']
export const PRIMARY_ADDRESS = '10.0.0.3:6379'
/** Keys that have this many digits in common lines' keys are numbered: see `numberAt`. */
export const NUMBER_DIGITS = 5

/** `key` as latin1. */
export type ExpectedKey = { key: string; db: number; command: number; write: boolean }
export type LineKind = 'commands' | 'scripted' | 'own' | 'replicated' | 'malformed'
export type GeneratedLine = {
  bytes: Buffer
  kind: LineKind
  /** The table does not list the command. */
  unknown: boolean
  /** The command may write. */
  /** The different keys, where it is a client's command. */
  keys: ExpectedKey[]
  /** Where the digits of its only key stand, which may be overwritten by others; null where it has none. */
  numberAt: number | null
}

type Call = { name: string; command?: string; words: Buffer[]; keys: Buffer[]; writes?: boolean[] }

const binary = fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes))
const plain = fc.nat(30).map((id) => Buffer.from(`article:${id}`))
const hostile = fc
  .constantFrom('', ' ', '"', '\\', '\r\n', '] "', '\\x41', 'store', 'STREAMS')
  .map((text) => Buffer.from(text))
const text = (...words: string[]) => words.map((one) => Buffer.from(one))

/** @param longest of a word, bytes */
function callWith(longest: number): fc.Arbitrary<Call> {
  const long = fc
    .record({ byte: fc.nat(255), length: fc.nat(longest) })
    .map(({ byte, length }) => Buffer.alloc(length, byte))
  const word = fc.oneof(
    { arbitrary: plain, weight: 6 },
    { arbitrary: binary, weight: 3 },
    { arbitrary: hostile, weight: 2 },
    { arbitrary: long, weight: 1 },
  )
  /** No word that a command's grammar looks for. */
  const argument = word.filter((bytes) => !/^(store|streams)$/i.test(bytes.toString()))
  const some = fc.array(word, { minLength: 1, maxLength: 6 })

  return fc.oneof<fc.Arbitrary<Call>[]>(
    word.map((key) => ({ name: 'GET', words: [key], keys: [key] })),
    fc
      .tuple(word, fc.array(word, { maxLength: 3 }))
      .map(([key, rest]) => ({ name: 'SET', words: [key, ...rest], keys: [key] })),
    some.map((keys) => ({ name: 'MGET', words: keys, keys })),
    some.map((keys) => ({ name: 'MSET', words: keys.flatMap((key) => [key, Buffer.from('v"')]), keys })),
    some.map((keys) => ({ name: 'BLPOP', words: [...keys, ...text('0')], keys })),
    fc.tuple(word, word).map((keys) => ({ name: 'RENAME', words: keys, keys })),
    fc
      .tuple(word, word)
      .map((keys) => ({ name: 'COPY', words: [...keys, ...text('DB', '1')], keys, writes: [false, true] })),
    fc.tuple(word, some).map(([target, keys]) => ({
      name: 'BITOP',
      words: [...text('AND'), target, ...keys],
      keys: [target, ...keys],
      writes: [true, ...keys.map(() => false)],
    })),
    fc.tuple(word, some, fc.array(word, { maxLength: 3 })).map(([script, keys, rest]) => ({
      name: 'EVAL',
      words: [script, ...text(String(keys.length)), ...keys, ...rest],
      keys,
    })),
    some.map((keys) => ({
      name: 'XREAD',
      words: [...text('COUNT', '7', 'streams'), ...keys, ...keys.map(() => Buffer.from('0-0'))],
      keys,
    })),
    fc.tuple(argument, argument).map(([key, target]) => ({
      name: 'SORT',
      words: [key, ...text('LIMIT', '0', '1', 'STORE'), target],
      keys: [key, target],
      writes: [false, true],
    })),
    word.map((key) => ({
      name: 'OBJECT',
      command: 'object|freq',
      words: [...text('FREQ'), key],
      keys: [key],
    })),
    fc.array(word, { maxLength: 2 }).map((words) => ({ name: 'PING', words, keys: [] })),
    some.map((words) => ({ name: 'NOSUCH.CMD', words, keys: [] })),
  )
}

const WRITES = new Set(['set', 'mset', 'blpop', 'rename', 'eval'])
const WRITE_COMMANDS = new Set([...WRITES, 'copy', 'bitop', 'sort'])
const db = fc.constantFrom(0, 0, 0, 1, 15, 123)
const address = fc.constantFrom(
  '10.0.0.9:50123',
  '[::1]:50000',
  'unix:/tmp/a] [0 b.sock',
  '10.0.0.1:4000',
  'unix:',
)
const spelling = fc.constantFrom(
  (name: string) => name,
  (name: string) => name.toLowerCase(),
  (name: string) => name.charAt(0) + name.slice(1).toLowerCase(),
)

function lineOf(call: Call, spelled: string, db: number, address: string, replica: boolean): GeneratedLine {
  const name = call.name.toLowerCase()
  const unknown = call.name === 'NOSUCH.CMD'
  const isReplicated = replica && WRITE_COMMANDS.has(name)
  const keys = new Map<string, ExpectedKey>()
  call.keys.forEach((bytes, index) => {
    const key = bytes.toString('latin1')
    const write = call.writes?.[index] ?? WRITES.has(name)
    if (!keys.has(key)) keys.set(key, { key, db, command: commandId(call.command ?? name), write })
  })
  return {
    bytes: Buffer.from(monitorLine([spelled, ...call.words], { db, address }), 'latin1'),
    kind: isReplicated ? 'replicated' : 'commands',
    unknown,
    keys: isReplicated ? [] : [...keys.values()],
    numberAt: null,
  }
}

const client = (call: fc.Arbitrary<Call>, replica: boolean) =>
  fc
    .tuple(call, spelling, db, address)
    .map(([one, spell, number, from]) => lineOf(one, spell(one.name), number, from, replica))

const noClient = (call: fc.Arbitrary<Call>) =>
  fc
    .tuple(
      call,
      fc.constantFrom<[LineKind, string]>(
        ['scripted', 'lua'],
        ['own', '10.0.0.1:40001'],
        ['own', 'unix:/run/own.sock'],
        ['replicated', PRIMARY_ADDRESS],
      ),
    )
    .map(
      ([one, [kind, from]]): GeneratedLine => ({
        ...lineOf(one, one.name, 0, from, false),
        kind,
        unknown: false,
        keys: [],
      }),
    )

const GOOD = monitorLine(['GET', 'key'])
const malformed = fc
  .constantFrom(
    'no line at all\r\n',
    '\r\n',
    '\n',
    GOOD.replace('\r\n', '\n'),
    GOOD.replace('"key"', '"key'),
    GOOD.replace('"key"', '"k\\qy"'),
    GOOD.replace('"key"', '"k\\x4G"'),
    GOOD.replace('"key"', '"key"x'),
    GOOD.replace('"key"', ' "key"'),
    GOOD.replace('.123456', ''),
    GOOD.replace('[0', '[zero'),
    GOOD.replace(']', ''),
    GOOD.replace('+', '-'),
    `${GOOD.slice(0, 30)}\n`,
    `+${'1'.repeat(600)}\r\n`,
  )
  .map(
    (line): GeneratedLine => ({
      bytes: Buffer.from(line),
      kind: 'malformed',
      unknown: false,
      keys: [],
      numberAt: null,
    }),
  )

/** Many different keys by few lines: `number<name>:00000` with digits to be overwritten. */
const numbered = (replica: boolean) =>
  fc.tuple(fc.constantFrom('GET', 'SET', 'EVAL', 'MGET'), db).map(([name, number]) => {
    const key = Buffer.from(`number:${'0'.repeat(NUMBER_DIGITS)}`)
    const words =
      name === 'EVAL' ? [...text('return 1', '1'), key] : name === 'SET' ? [key, ...text('v')] : [key]
    const line = lineOf({ name, words, keys: [key] }, name, number, '10.0.0.9:50123', replica)
    return { ...line, numberAt: line.bytes.indexOf('number:') + 'number:'.length }
  })

/** @param longest of a word, bytes */
export function streamLine(replica: boolean, longest: number): fc.Arbitrary<GeneratedLine> {
  const call = callWith(longest)
  return fc.oneof(
    { arbitrary: client(call, replica), weight: 12 },
    { arbitrary: noClient(call), weight: 2 },
    { arbitrary: malformed, weight: 1 },
    { arbitrary: numbered(replica), weight: 8 },
  )
}
