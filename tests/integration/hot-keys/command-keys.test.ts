import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MonitorParser } from '../../../collector/monitor/parser.ts'
import { type CommandTable, parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { CollectingSink, monitorLine } from '../../support/monitor-lines.ts'
import { type RedisProcess, startRedis } from '../../support/redis.ts'

let server: RedisProcess
let client: Redis
let table: CommandTable

beforeAll(async () => {
  server = await startRedis()
  client = new Redis({ port: server.port, host: server.host, protocol: 2 })
  table = parseCommandTable(await client.call('COMMAND'))
})
afterAll(async () => {
  client.disconnect()
  await server.stop()
})

type Key = { key: string; write: boolean }

function ourKeys(words: string[]): Key[] {
  const sink = new CollectingSink()
  const parser = new MonitorParser(table, sink)
  parser.begin({ replies: 0, ownAddresses: [], replica: false, primaryAddress: null })
  parser.feed(Buffer.from(monitorLine(words)))
  expect(parser.counts).toMatchObject({ lines: 1, commands: 1, malformed: 0, unknown: 0 })
  return (sink.commands[0] ?? []).map(({ key, write }) => ({ key, write }))
}

/** The server's own answer; null where it calls the arguments invalid. */
async function serverKeys(words: string[]): Promise<Key[] | null> {
  try {
    const reply = (await client.call('COMMAND', 'GETKEYSANDFLAGS', ...words)) as [string, string[]][]
    const keys = reply.map(([key, flags]) => ({
      key,
      write: flags.some((flag) => /^(RW|OW|RM)$/.test(flag)),
    }))
    return keys.filter((key, index) => keys.findIndex((other) => other.key === key.key) === index)
  } catch (error) {
    if (String(error).includes('no key arguments')) return []
    if (/Invalid (arguments|number of arguments)|wrong number of arguments/.test(String(error))) return null
    throw error
  }
}

test('every command that the server knows, with several numbers of arguments', async () => {
  const fillers = [(at: number) => `word${at}`, () => '2', (at: number) => (at % 2 === 0 ? '1' : `word${at}`)]
  let compared = 0
  const named = new Set<string>()
  for (const command of table.commands) {
    if (command.subcommands !== null) continue
    const name = command.statName.split('|')
    for (let extra = 0; extra <= 6; extra++) {
      for (const fill of fillers) {
        const words = [...name, ...Array.from({ length: extra }, (_, at) => fill(at + name.length))]
        const expected = await serverKeys(words)
        if (expected === null) continue
        expect({ words, keys: ourKeys(words) }).toEqual({ words, keys: expected })
        compared++
        if (expected.length > 0) named.add(command.statName)
      }
    }
  }
  expect(table.commands.length).toBeGreaterThan(350)
  expect(named.size).toBeGreaterThan(150)
  expect(compared).toBeGreaterThan(2_000)
})

test.each([
  'EVAL s 0',
  'EVAL s 2 k1 k2 a1',
  'evalsha abc 1 k1 a1 a2',
  'EVAL_RO s 1 k1 a',
  'FCALL f 2 k1 k2 a',
  'FCALL_RO f 1 k1',
  'XREAD COUNT 5 BLOCK 0 STREAMS s1 s2 0 $',
  'xread streams s1 0-0',
  'XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s1 s2 s3 > > >',
  'XREADGROUP GROUP streams c STREAMS s1 >',
  'ZUNION 2 a b WEIGHTS 1 2 AGGREGATE MAX WITHSCORES',
  'ZUNIONSTORE d 2 a b WEIGHTS 1 2',
  'ZINTER 3 a b c',
  'ZINTERSTORE d 1 a',
  'ZDIFF 2 a b',
  'ZDIFFSTORE d 2 a b',
  'ZINTERCARD 2 a b LIMIT 3',
  'SINTERCARD 3 a b c LIMIT 1',
  'LMPOP 2 a b LEFT COUNT 3',
  'BLMPOP 0 2 a b RIGHT',
  'ZMPOP 1 a MIN',
  'BZMPOP 1 2 a b MAX COUNT 2',
  'SORT k',
  'SORT k BY w_* LIMIT 0 5 GET # GET o_* ASC ALPHA STORE dest',
  'SORT k LIMIT store 5 STORE dest',
  'SORT k STORE one STORE two',
  'SORT_RO k BY w_* GET #',
  'GEORADIUS g 1 2 3 km STORE d',
  'GEORADIUS g 1 2 3 km WITHDIST COUNT 5 ASC STOREDIST d',
  'GEORADIUSBYMEMBER g m 3 km STORE d',
  'GEORADIUS_RO g 1 2 3 km',
  'GEOSEARCHSTORE d s FROMMEMBER m BYRADIUS 1 km',
  'MIGRATE h 6379 key 0 1000',
  'MIGRATE h 6379 key 0 1000 COPY REPLACE AUTH keys',
  'BITOP AND d a b c',
  'BITOP NOT d a',
  'BITFIELD k GET u8 0 GET u8 8',
  'BITFIELD k GET u8 0 SET u8 8 1',
  'BITFIELD k OVERFLOW SAT INCRBY u8 0 1',
  'BITFIELD_RO k GET u8 0',
  'COPY a b DB 2 REPLACE',
  'OBJECT ENCODING k',
  'object freq k',
  'MEMORY USAGE k SAMPLES 5',
  'XINFO STREAM s FULL COUNT 1',
  'XINFO GROUPS s',
  'XGROUP CREATE s g $ MKSTREAM',
  'XGROUP DESTROY s g',
  'SET k v GET EX 10',
  'MSET a 1 b 2 c 3',
  'MGET a b a',
  'RENAME a b',
  'SMOVE a b m',
  'LMOVE a b LEFT RIGHT',
  'BLPOP a b 0',
  'PFMERGE d a b',
  'PFCOUNT a b',
  'SUNIONSTORE d a b',
  'ZRANGESTORE d s 0 -1',
  'SPUBLISH channel message',
  'PUBLISH channel message',
  'SUBSCRIBE channel',
  'EXISTS a b c',
  'DEL a b',
  'UNLINK a',
  'TOUCH a b',
  'WATCH a b',
  'GETDEL a',
  'HINCRBYFLOAT h f 1.5',
  'DEBUG OBJECT k',
  'RESTORE k 0 payload',
  'PFDEBUG GETREG k',
])('%s', async (line) => {
  const words = line.split(' ')
  expect(ourKeys(words)).toEqual(await serverKeys(words))
})

test('MIGRATE with a list of keys, and an empty name where there is none', async () => {
  const words = ['MIGRATE', 'h', '6379', '', '0', '1000', 'AUTH2', 'keys', 'keys', 'KEYS', 'a', 'b', 'c']
  expect(ourKeys(words)).toEqual(await serverKeys(words))
})

test('the reply is understood as RESP3 too', async () => {
  const resp3 = new Redis({ port: server.port, host: server.host, protocol: 3 })
  try {
    const other = parseCommandTable(await resp3.call('COMMAND'))
    expect(other.commands).toHaveLength(table.commands.length)
    const named = (commands: CommandTable['commands']) =>
      commands
        .map(({ statName, specs, hidden, write }) => ({ statName, specs, hidden, write }))
        .sort((a, b) => (a.statName < b.statName ? -1 : 1))
    expect(named(other.commands)).toEqual(named(table.commands))
  } finally {
    resp3.disconnect()
  }
})
