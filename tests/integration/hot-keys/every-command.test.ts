/** Every command that a real server lists, truly sent to it, and its keys read from what MONITOR then prints. */
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import type { StreamEngine } from '../../../collector/monitor/parser-types.ts'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { callsOf, listedCommands } from '../../support/command-calls.ts'
import { bothEngines, keysOfLines } from '../../support/engine-keys.ts'
import { recordMonitor } from '../../support/monitor-record.ts'
import { MOVABLE_CALLS } from '../../support/movable-calls.ts'
import { startRedis } from '../../support/redis.ts'
import { sendOnce } from '../../support/send-once.ts'

/** They end the server or its part in the test; all are hidden from MONITOR. MIGRATE is among the movable calls. */
const NOT_SENT = /^(shutdown|debug|failover|replicaof|slaveof|sync|psync|monitor|migrate)$/

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function serverKeys(client: Redis, words: readonly string[]): Promise<string[] | null> {
  if (words.length === 1) return []
  try {
    return [...new Set((await client.call('COMMAND', 'GETKEYS', ...words)) as string[])].sort()
  } catch (error) {
    if (String(error).includes('no key arguments')) return []
    if (/Invalid (arguments|number of arguments)|wrong number of arguments/.test(String(error))) return null
    throw error
  }
}

type Call = { words: string[]; keys: string[]; command: string }

/** The server hides a password's argument, and says so in its place. */
function sentAs(words: string[], calls: Map<string, Call>): [string, Call | undefined] {
  const id = JSON.stringify(words)
  if (!words.includes('(redacted)')) return [id, calls.get(id)]
  const isThis = ([, call]: [string, Call]) =>
    call.words.length === words.length &&
    words.every((word, at) => word === '(redacted)' || word === call.words[at])
  return [...calls].find(isThis) ?? [id, undefined]
}

/** What a whole stream comes to, however it is cut. */
function countOf(engine: StreamEngine, stream: Buffer, chunkBytes: number) {
  engine.reset()
  engine.begin({ replies: 0, ownAddresses: [], replica: false, primaryAddress: null })
  for (let at = 0; at < stream.length; at += chunkBytes)
    engine.feed(stream.subarray(at, at + chunkBytes), 1_700_000_000_000)
  engine.end()
  const keys = engine.merge(1_700_000_000_000, 100)?.keys
  return { counts: { ...engine.counts }, keys }
}

test.each(['installed', 'redis', 'valkey'] as const)(
  '%s: the keys of every command and every movable form, from the real stream',
  async (engine) => {
    const server = await startRedis({ engine })
    const client = new Redis({ port: server.port, host: server.host, protocol: 2 })
    ends.push(server.stop, () => client.disconnect())
    const table = parseCommandTable(await client.call('COMMAND'))
    const calls = new Map<string, Call>()
    const add = async (words: string[], command: string) => {
      const keys = await serverKeys(client, words)
      if (keys !== null) calls.set(JSON.stringify(words), { words, keys, command })
    }
    const hidden: string[] = []
    for (const command of listedCommands(await client.call('COMMAND'))) {
      if (command.isContainer || NOT_SENT.test(command.name)) continue
      if (command.flags.includes('admin')) hidden.push(command.name)
      if (command.name === 'command') await add(['command'], 'COMMAND')
      else
        for (const words of callsOf(command, (at) => (at % 2 === 0 ? `word${at}` : '1')))
          await add(words, command.name.replace('|', ' ').toUpperCase())
    }
    for (const line of MOVABLE_CALLS) if (!line.startsWith('DEBUG')) await add(line.split(' '), '')

    const recording = await recordMonitor(server)
    const waiting = [...calls.values()]
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
          await sendOnce(server, next.words)
      }),
    )
    const lines = await recording.stop()

    const engines = bothEngines(table)
    const seen = new Set<string>()
    for (const { line, words } of lines) {
      const [id, call] = sentAs(words, calls)
      if (call === undefined) continue
      seen.add(id)
      for (const engine of engines) {
        const keys = keysOfLines(engine, table, line)
        expect({ words, keys: keys.map(({ key }) => key), unknown: engine.counts.unknown }).toEqual({
          words,
          keys: call.keys,
          unknown: 0,
        })
        if (call.command !== '') for (const { command } of keys) expect(command).toBe(call.command)
      }
    }
    const stream = Buffer.from(lines.map(({ line }) => line).join(''))
    const counted = engines.flatMap((engine) =>
      [7, 1_000, stream.length].map((chunkBytes) => countOf(engine, stream, chunkBytes)),
    )
    expect(counted[0]?.counts).toMatchObject({ lines: lines.length, malformed: 0, unknown: 0, truncated: 0 })
    for (const other of counted) expect(other).toEqual(counted[0])
    for (const engine of engines) engine.close()

    const notSeen = new Set(
      [...calls].filter(([id]) => !seen.has(id)).map(([, { command, words }]) => command || words[0]),
    )
    expect([...notSeen].sort()).toEqual(hidden.map((name) => name.replace('|', ' ').toUpperCase()).sort())
    expect(seen.size).toBeGreaterThan(900)
  },
)
