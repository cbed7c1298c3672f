/**
 * No value that a cache is given is kept anywhere: a secret is sent through every argument of every command that is
 * no key, past MONITOR and the slow log, and then looked for in all that Cachescope has kept and all that it says.
 */
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSlowlog } from '../../../collector/sources/slowlog.ts'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { listNodes } from '../../../store/nodes.ts'
import { listSlowlog } from '../../../store/slowlog.ts'
import { callApi } from '../../support/api-client.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { listedCommands } from '../../support/command-calls.ts'
import { dumpDatabase } from '../../support/database-dump.ts'
import { bothEngines, keysOfLines } from '../../support/engine-keys.ts'
import { recordMonitor } from '../../support/monitor-record.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { delay, type RedisProcess, startRedis, until } from '../../support/redis.ts'
import { type ScriptedServer, startScriptedServer } from '../../support/scripted-server.ts'
import { formsOf, plainSecretCalls, secretCallsOf } from '../../support/secret-calls.ts'
import { sendOnce } from '../../support/send-once.ts'

/** They would end the server, what of it the test needs, or (CONFIG RESETSTAT) the counts of errors. */
const NOT_SENT =
  /^(shutdown|debug|failover|replicaof|slaveof|sync|psync|monitor|config\|resetstat|slowlog\|reset)$/

/** In capitals, as an error's code is: no case of letters makes a word harmless. */
const SECRET = `S3CRET${randomBytes(9).toString('hex').toUpperCase()}`
const PASSWORD = `${SECRET}PASSWORD`

let server: RedisProcess
let database: TestDatabase
/** It quotes what came with a command that it does not know, AUTH; and one that repeats all that it is sent. */
let withoutAuth: RedisProcess
let echo: ScriptedServer
let watched: TestCollector
let calls: string[][]

beforeAll(async () => {
  const settings = { 'slowlog-log-slower-than': '0', 'slowlog-max-len': '10000' }
  ;[server, database] = await Promise.all([
    startRedis({ password: PASSWORD, settings }),
    createTestDatabase(),
  ])
  process.env.DATABASE_URL = database.url
  const client = new Redis({ port: server.port, host: server.host, password: PASSWORD, protocol: 2 })
  withoutAuth = await startRedis({ settings: { 'rename-command': 'AUTH sign-in' } })
  echo = await startScriptedServer((socket) =>
    socket.on('data', (chunk) => socket.write(`-ERR ${chunk.toString().replaceAll('\r\n', ' ')}\r\n`)),
  )
  const oracle = async (words: string[]) => {
    if (words.length === 1) return []
    try {
      return (await client.call('COMMAND', 'GETKEYS', ...words)) as string[]
    } catch (error) {
      return String(error).includes('no key arguments') ? [] : null
    }
  }
  const commands = listedCommands(await client.call('COMMAND'))
  calls = plainSecretCalls(SECRET)
  for (const command of commands) {
    if (command.isContainer || NOT_SENT.test(command.name)) continue
    const ofThis = await secretCallsOf(command, SECRET, oracle)
    if (Math.abs(command.arity) > 1 && command.name !== 'config|rewrite')
      expect(ofThis, command.name).not.toEqual([])
    calls.push(...ofThis)
  }
  client.disconnect()
  // The first reading of the node has it all before it: the whole of INFO is kept once a while only.
  await sendAll()
  const password = `password: $${'{SECRET_PASSWORD}'}`
  const caches = [
    cacheYaml('secretive', 'standalone', [server.url], [password, 'hotKeys: { budget: 10% }']),
    cacheYaml('without-auth', 'standalone', [withoutAuth.url], [password]),
    cacheYaml('echo', 'standalone', [`redis://127.0.0.1:${echo.port}`], [password]),
  ]
  watched = await startCollector(database.url, `caches:\n${caches.join('')}`, {
    env: { SECRET_PASSWORD: PASSWORD },
  })
  Object.assign(globalThis, { cachescopeStore: watched.store })
})

afterAll(async () => {
  await watched?.stop()
  await Promise.all([server?.stop(), withoutAuth?.stop(), echo?.close(), database?.drop()])
})

/** Commands of all kinds beside each other, for the node's slow log keeps only the newest. */
async function sendAll(): Promise<void> {
  const rows = Array.from({ length: 64 }, (_, row) => calls.filter((_, at) => at % 64 === row))
  const waiting = rows.flat()
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await sendOnce(server, next, PASSWORD)
      }
    }),
  )
}

const allTime = () => ({
  name: 'custom' as const,
  from: Date.now() - 3_600_000,
  to: Date.now() + 60_000,
})

/** The commands that the stored slow log tells of. */
async function slowCommands(): Promise<Set<string>> {
  const rows = await listSlowlog(watched.store, { range: allTime(), limit: 10_000 })
  return new Set(rows.map(({ command }) => command))
}

/** All that the API says of the cache. */
async function apiText(): Promise<string> {
  const nodes = await listNodes(watched.store, {})
  const paths = [
    'caches',
    'caches/secretive',
    'caches/secretive/shards',
    'nodes',
    ...nodes.map(({ nodeId }) => `nodes/${nodeId}`),
    'samples?limit=500',
    'hot-keys?limit=100',
    'events?limit=100',
    'openapi.json',
    'hot-keys?limit=100&merge=cache',
    'hot-keys?limit=100&missing=true',
    'hot-keys?limit=100&by=bytes',
    'hot-patterns?limit=100',
  ]
  const answers = await Promise.all(
    paths.map(async (path) => {
      const response = await callApi(`/api/v1/${path}`)
      expect(`${path} ${response.status}`).toBe(`${path} 200`)
      return response.text()
    }),
  )
  answers.push(JSON.stringify(await listSlowlog(watched.store, { range: allTime(), limit: 10_000 })))
  return answers.join('\n')
}

test('a secret in any argument but a key is in no row, no answer and no log line', async () => {
  await until('the node is up', async () => (await watched.node(server.address))?.state === 'up')
  // Over and over, so that bursts and the slow log's readings meet as many of them as they can.
  const end = Date.now() + 20_000
  const isMet = async () => (await slowCommands()).size > 120 && (await apiText()).includes('"key":"harmless')
  for (let round = 0; round < 3 || Date.now() < end || !(await isMet().catch(() => false)); round++) {
    await sendAll()
  }
  await delay(2_000)

  await until('the others are told', async () => {
    expect((await watched.node(withoutAuth.address))?.state).toBe('denied')
    expect((await watched.node(`127.0.0.1:${echo.port}`))?.stateMessage).toContain('AUTH')
    return true
  })
  expect(echo.received()).toContain(PASSWORD)

  const { text, tables } = await dumpDatabase(watched.store)
  const logs = watched.log.join('\n')
  const api = await apiText()
  expect(tables).toBeGreaterThan(10)
  expect(logs).toContain('MONITOR burst')
  // What must be there: keys, and the commands that carried the secret.
  expect(text).toContain(Buffer.from('harmless').toString('hex'))
  expect((await slowCommands()).size).toBeGreaterThan(120)
  for (const form of formsOf(SECRET)) {
    for (const [where, kept] of Object.entries({ text, logs, api })) {
      const at = kept.toLowerCase().indexOf(form.toLowerCase())
      expect(at < 0 ? '' : `${where}: ${kept.slice(Math.max(0, at - 300), at + 100)}`).toBe('')
    }
  }
}, 300_000)

test('nor is it in a key that the parser counts, or that the slow log tells, whichever command it is', async () => {
  const recording = await recordMonitor(server, { password: PASSWORD })
  await sendAll()
  const lines = await recording.stop()
  const table = parseCommandTable(await server.command('COMMAND'))
  const engines = bothEngines(table)
  const carriers = lines.filter(({ line }) => line.includes(SECRET))
  expect(carriers.length).toBeGreaterThan(1_500)
  for (const { line } of carriers) {
    for (const engine of engines) {
      const keys = keysOfLines(engine, table, line).map(({ key }) => key)
      expect(keys.filter((key) => key.includes(SECRET)).length === 0 ? '' : line).toBe('')
    }
  }
  for (const engine of engines) engine.close()

  const client = new Redis({ port: server.port, host: server.host, password: PASSWORD, protocol: 2 })
  const reply = await client.callBuffer('SLOWLOG', 'GET', '-1')
  client.disconnect()
  const entries = parseSlowlog(reply, table)
  expect(entries.length).toBeGreaterThan(4_000)
  for (const { command, keys, clientAddress } of entries) {
    const told = [command, clientAddress, ...keys.map((key) => Buffer.from(key).toString('latin1'))].join(' ')
    expect(told).not.toContain(SECRET)
  }
})
