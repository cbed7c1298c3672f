/**
 * One consumer of MONITOR's stream in a process of its own. Arguments: its name, the port, how often. After each
 * pass it tells how many lines it saw, the key that it counted most, and the CPU that it took.
 */
import { connect } from 'node:net'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { startBurst } from '../../collector/monitor/burst.ts'
import { createStreamEngine } from '../../collector/monitor/engine.ts'
import type { StreamEngine } from '../../collector/monitor/parser-types.ts'
import { TypeScriptEngine } from '../../collector/monitor/typescript-engine.ts'
import { parseCommandTable } from '../../core/hot-keys/command-keys.ts'

export type ConsumerName = 'engine' | 'typescript' | 'ioredis' | 'node-redis' | 'drop'

/** `lines` and `hottest` are null for what does not look at them. */
export type ConsumerPass = {
  lines: number | null
  hottest: string | null
  cpuMs: number
  engine: string | null
}

type Seen = Omit<ConsumerPass, 'cpuMs'>

const HOST = '127.0.0.1'
const INPUT_BYTES = 256 * 1024
const SEED = 0x5eed
const NO_STOPS = { windowMs: 2 ** 30, maxLines: Infinity, maxBytes: Infinity, maxLagMs: Infinity }

/** COMMAND's entries for the two commands of the stream. */
const range = (flags: string[]) => [
  {
    flags,
    begin_search: { type: 'index', spec: { index: 1 } },
    find_keys: { type: 'range', spec: { lastkey: 0, keystep: 1, limit: 0 } },
  },
]
const TABLE = parseCommandTable([
  ['get', 2, ['readonly'], 1, 1, 1, [], [], range(['RO']), []],
  ['set', -3, ['write'], 1, 1, 1, [], [], range(['OW']), []],
])

/** As the collector does it: a burst without a stop, into the engine, from the socket to the counted keys. */
async function readWithEngine(engine: StreamEngine, port: number): Promise<Seen> {
  const connection = { host: HOST, port, tls: null, username: null, password: null }
  const session = { ownAddresses: ['127.0.0.1:1'], replica: false, primaryAddress: null }
  engine.reset()
  await startBurst(connection, engine, session, NO_STOPS, Date.now).done
  const top = engine.merge(Date.now(), 1)?.keys[0]
  return {
    lines: engine.counts.lines,
    hottest: top ? Buffer.from(top.key).toString('latin1') : null,
    engine: engine.kind,
  }
}

function readWithIoredis(port: number): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const counts = new Map<string, number>()
    let lines = 0
    const redis = new Redis({
      host: HOST,
      port,
      protocol: 2,
      monitor: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
    })
    redis.on('error', reject)
    redis.on('monitor', (_time: string, words: string[]) => {
      lines++
      count(counts, words[1] ?? '')
    })
    redis.on('end', () => resolve({ lines, hottest: hottestOf(counts), engine: null }))
  })
}

async function readWithNodeRedis(port: number): Promise<Seen> {
  const counts = new Map<string, number>()
  let lines = 0
  const client = createClient({
    RESP: 2,
    socket: { host: HOST, port, reconnectStrategy: false },
    disableClientInfo: true,
  })
  const ended = new Promise<void>((resolve) => client.on('error', () => resolve()))
  await client.connect()
  await client.monitor((line) => {
    lines++
    count(counts, secondWord(String(line)))
  })
  await ended
  return { lines, hottest: hottestOf(counts), engine: null }
}

/** The first argument, as quickly as it can be had: without looking at escapes. */
function secondWord(line: string): string {
  const from = line.indexOf('" "') + 3
  return line.slice(from, line.indexOf('"', from))
}

function readAndDrop(port: number): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const buffer = new Uint8Array(INPUT_BYTES)
    const socket = connect({ host: HOST, port, onread: { buffer, callback: () => true } }, () =>
      socket.write('MONITOR\r\n'),
    )
    socket.on('error', reject)
    socket.on('close', () => resolve({ lines: null, hottest: null, engine: null }))
  })
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function hottestOf(counts: Map<string, number>): string | null {
  let hottest: string | null = null
  let most = 0
  for (const [key, uses] of counts) {
    if (uses > most) {
      most = uses
      hottest = key
    }
  }
  return hottest
}

function readerOf(name: ConsumerName): (port: number) => Promise<Seen> {
  switch (name) {
    case 'engine':
    case 'typescript': {
      const engine = name === 'engine' ? createStreamEngine(TABLE, SEED) : new TypeScriptEngine(TABLE, SEED)
      return (port) => readWithEngine(engine, port)
    }
    case 'ioredis':
      return readWithIoredis
    case 'node-redis':
      return readWithNodeRedis
    case 'drop':
      return readAndDrop
  }
}

const [name, port, passes] = process.argv.slice(2)
const read = readerOf(name as ConsumerName)
for (let pass = 0; pass < Number(passes); pass++) {
  const before = process.cpuUsage()
  const seen = await read(Number(port))
  const { user, system } = process.cpuUsage(before)
  process.send?.({ ...seen, cpuMs: (user + system) / 1_000 } satisfies ConsumerPass)
}
process.disconnect?.()
