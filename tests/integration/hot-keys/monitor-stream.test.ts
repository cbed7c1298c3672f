import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Burst, startBurst } from '../../../collector/monitor/burst.ts'
import { MonitorParser } from '../../../collector/monitor/parser.ts'
import { type CommandTable, parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { CollectingSink } from '../../support/monitor-lines.ts'
import { engineOf } from '../../support/parser-engine.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'

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

/** What one MONITOR sees while `act` runs, up to the command that marks its end. */
async function watchWhile(act: () => Promise<void>, options: { ownAddresses?: string[] } = {}) {
  const sink = new CollectingSink()
  const parser = new MonitorParser(table, sink)
  const session = { ownAddresses: options.ownAddresses ?? [], replica: false, primaryAddress: null }
  const connection = { host: server.host, port: server.port, tls: null, username: null, password: null }
  const stops = { windowMs: 30_000, maxLines: 1e9, maxBytes: 1e12, maxLagMs: 1e9 }
  const burst: Burst = startBurst(connection, engineOf(parser), session, stops, () => 0)
  await until('monitoring', () => parser.state.kind === 'monitoring')
  await act()
  const marker = new Redis({ port: server.port, host: server.host, protocol: 2 })
  await marker.get('the end')
  marker.disconnect()
  await until('the end', () => sink.commands.at(-1)?.[0]?.key === 'the end')
  burst.abort()
  await burst.done
  const commands = sink.commands.slice(0, -1).filter((keys) => keys.length > 0)
  return { parser, sink, keys: commands.map((keys) => keys.map(({ key }) => key)) }
}

const HOSTILE = [
  Buffer.from(''),
  Buffer.from(' '),
  Buffer.from('a b "c" \\d'),
  Buffer.from('\0nul\0'),
  Buffer.from('line\r\nbreak\n'),
  Buffer.from('\t\x07\x08\x1b\x7f'),
  Buffer.from([0xff, 0xfe, 0x80, 0xc3]),
  Buffer.from('ключ 🔑'),
  Buffer.from('\\x41\\"'),
  Buffer.from('"] [0 lua] "GET" "x'),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.alloc(10 * 1024, 0xff),
  Buffer.from('k'.repeat(10 * 1024)),
]

test('hostile keys come out as they were sent, beside hostile values', async () => {
  const { keys, parser } = await watchWhile(async () => {
    for (const key of HOSTILE) {
      await client.set(key, key)
      await client.get(key)
      await client.mget(key, 'other', key)
    }
    await client.mset(...HOSTILE.flatMap((key) => [key, Buffer.concat([key, key])]))
  })
  const latin1 = HOSTILE.map((key) => key.toString('latin1'))
  expect(keys).toEqual([...latin1.flatMap((key) => [[key], [key], [key, 'other']]), latin1])
  expect(parser.counts).toMatchObject({ malformed: 0, droppedKeys: 0 })
})

test('transactions, scripts, functions, blocking commands and databases as a real server shows them', async () => {
  const own = new Redis({ port: server.port, host: server.host, protocol: 2 })
  const ownAddress = /addr=(\S+)/.exec(String(await own.call('CLIENT', 'INFO')))?.[1] ?? ''
  await client.call(
    'FUNCTION',
    'LOAD',
    'REPLACE',
    "#!lua name=lib\nredis.register_function('f', function(keys) return redis.call('GET', keys[1]) end)",
  )
  const { keys, sink } = await watchWhile(
    async () => {
      await own.get('ours')
      await client.multi().set('m1', '1').get('m2').exec()
      await client.eval(
        "redis.call('GET', 'inner') return redis.call('GET', KEYS[1])",
        1,
        'declared',
        'argument',
      )
      await client.call('FCALL', 'f', 1, 'functional')
      await client.rpush('queue', 'v')
      await client.blpop('queue', 'other-queue', 1)
      await client.xadd('stream', '1-1', 'f', 'v')
      await client.xread('COUNT', 1, 'STREAMS', 'stream', '0')
      await client.select(5)
      await client.get('in five')
      await client.select(0)
    },
    { ownAddresses: [ownAddress] },
  )
  own.disconnect()
  expect(keys).toEqual([
    ['m1'],
    ['m2'],
    ['declared'],
    ['functional'],
    ['queue'],
    ['queue', 'other-queue'],
    ['stream'],
    ['stream'],
    ['in five'],
  ])
  expect(sink.commands.flat().find(({ key }) => key === 'in five')?.db).toBe(5)
  expect(sink.others).toBe(3)
})

test('a Unix socket and IPv6', async () => {
  const path = `${server.directory}/redis.sock`
  const other = await startRedis({ settings: { unixsocket: path, bind: '127.0.0.1 ::1' } })
  try {
    const sink = new CollectingSink()
    const parser = new MonitorParser(table, sink)
    const connection = { host: '127.0.0.1', port: other.port, tls: null, username: null, password: null }
    const session = { ownAddresses: [], replica: false, primaryAddress: null }
    const stops = { windowMs: 20_000, maxLines: 1e9, maxBytes: 1e12, maxLagMs: 1e9 }
    const burst = startBurst(connection, engineOf(parser), session, stops, () => 0)
    await until('monitoring', () => parser.state.kind === 'monitoring')
    const unix = new Redis({ path, protocol: 2 })
    const six = new Redis({ host: '::1', port: other.port, protocol: 2 })
    await unix.get('by unix')
    await six.get('by six')
    const seen = () => sink.commands.flat().map(({ key }) => key)
    await until('both', () => seen().length === 2)
    expect(seen()).toEqual(['by unix', 'by six'])
    expect(parser.counts.malformed).toBe(0)
    unix.disconnect()
    six.disconnect()
    burst.abort()
    await burst.done
  } finally {
    await other.stop()
  }
})
