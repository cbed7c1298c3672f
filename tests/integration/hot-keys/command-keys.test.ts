/** Key positions against the server's own word, COMMAND GETKEYSANDFLAGS, for all that the server knows. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StreamEngine } from '../../../collector/monitor/parser-types.ts'
import { type CommandTable, parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { callsOf, listedCommands } from '../../support/command-calls.ts'
import { bothEngines, keysOfLines } from '../../support/engine-keys.ts'
import { monitorLine } from '../../support/monitor-lines.ts'
import { MOVABLE_CALLS } from '../../support/movable-calls.ts'
import { type RedisProcess, startRedis } from '../../support/redis.ts'

type Key = { key: string; write: boolean }
const byKey = (one: Key, other: Key) => (one.key < other.key ? -1 : 1)

describe.each(['installed', 'redis', 'valkey'] as const)('%s', (engine) => {
  let server: RedisProcess
  let client: Redis
  let table: CommandTable
  let engines: StreamEngine[]

  beforeAll(async () => {
    server = await startRedis({ engine })
    client = new Redis({ port: server.port, host: server.host, protocol: 2 })
    table = parseCommandTable(await client.call('COMMAND'))
    engines = bothEngines(table)
  })
  afterAll(async () => {
    for (const engine of engines) engine.close()
    client.disconnect()
    await server.stop()
  })

  /** By every engine alike. */
  function ourKeys(words: string[]): Key[] {
    const [first = [], ...others] = engines.map((engine) => {
      const keys = keysOfLines(engine, table, monitorLine(words))
      expect({ words, ...engine.counts }).toMatchObject({
        words,
        lines: 1,
        commands: 1,
        malformed: 0,
        unknown: 0,
      })
      return keys.map(({ key, write }) => ({ key, write }))
    })
    for (const other of others) expect({ words, keys: other }).toEqual({ words, keys: first })
    return first
  }

  /** The server's own answer; null where it calls the arguments invalid. */
  async function serverKeys(words: string[]): Promise<Key[] | null> {
    // It cannot be asked about a name alone, which has no room for a key.
    if (words.length === 1) return []
    try {
      const reply = (await client.call('COMMAND', 'GETKEYSANDFLAGS', ...words)) as [string, string[]][]
      const keys = reply.map(([key, flags]) => ({
        key,
        write: flags.some((flag) => /^(RW|OW|RM)$/.test(flag)),
      }))
      return keys
        .filter((key, index) => keys.findIndex((other) => other.key === key.key) === index)
        .sort(byKey)
    } catch (error) {
      if (String(error).includes('no key arguments')) return []
      if (/Invalid (arguments|number of arguments)|wrong number of arguments/.test(String(error))) return null
      throw error
    }
  }

  it('every command that the server lists, with calls made from its arity and its specifications', async () => {
    const commands = listedCommands(await client.call('COMMAND'))
    const names = (await client.call('COMMAND', 'LIST')) as string[]
    expect(commands.map(({ name }) => name).sort()).toEqual([...names].sort())
    expect(table.commands.map(({ statName }) => statName).sort()).toEqual(
      names.map((name) => name.toLowerCase()).sort(),
    )

    const compared = new Set<string>()
    const withKeys = new Set<string>()
    let comparisons = 0
    for (const command of commands) {
      // `COMMAND` alone is a command, but what follows it is a subcommand.
      const calls = command.name === 'command' ? [['command']] : command.isContainer ? [] : callsOf(command)
      for (const words of calls) {
        const expected = await serverKeys(words)
        if (expected === null) continue
        expect({ words, keys: ourKeys(words) }).toEqual({ words, keys: expected })
        comparisons++
        compared.add(command.name)
        if (expected.length > 0) withKeys.add(command.name)
      }
    }
    const commandsAlone = commands.filter(({ isContainer }) => !isContainer).map(({ name }) => name)
    expect(commandsAlone.filter((name) => !compared.has(name))).toEqual([])
    expect(commandsAlone.length).toBeGreaterThan(350)
    const keyed = commands.filter(({ specs }) => specs.some(({ flags }) => !flags.includes('not_key')))
    expect(keyed.map(({ name }) => name).filter((name) => !withKeys.has(name))).toEqual([])
    expect(comparisons).toBeGreaterThan(5_000)
  })

  it.each(MOVABLE_CALLS)('%s', async (line) => {
    const words = line.split(' ')
    expect(ourKeys(words)).toEqual(await serverKeys(words))
  })

  it('the reply is understood as RESP3 too', async () => {
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
})
