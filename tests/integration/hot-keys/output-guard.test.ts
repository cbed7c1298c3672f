/** What a node holds in its memory for a MONITOR that nobody reads: found, bounded, and freed. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import type { NodeFacts } from '../../../collector/hot-keys/source-types.ts'
import type { Burst } from '../../../collector/monitor/burst.ts'
import { OutputGuard } from '../../../collector/monitor/output-guard.ts'
import { countMonitors, UNKNOWN_FACTS } from '../../support/monitor-detector.ts'
import { delay, type RedisProcess, startRedis, until } from '../../support/redis.ts'

const MIB = 2 ** 20
let server: RedisProcess
let client: Redis
const cleanups: (() => Promise<unknown> | unknown)[] = []
beforeEach(async () => {
  server = await startRedis()
  client = new Redis({ port: server.port, host: server.host, protocol: 2 })
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  client.disconnect()
  await server.stop()
})

async function usedMemory(): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1])
}

/**
 * Prints some 100 MB to whoever monitors, or until the server holds `enough`.
 * @param turn awaited after each two megabytes
 * @returns the most memory that the server held meanwhile
 */
async function flood(enough = Number.POSITIVE_INFINITY, turn = async () => {}): Promise<number> {
  const value = 'v'.repeat(10_000)
  let most = 0
  for (let round = 0; round < 50 && most < enough; round++) {
    const batch = client.pipeline()
    for (let at = 0; at < 200; at++) batch.set('k', value)
    await batch.exec()
    most = Math.max(most, await usedMemory())
    await turn()
  }
  return most
}

async function pausedMonitor(opening: 'limited' | 'named'): Promise<void> {
  const path = new URL('../../support/monitor-process.ts', import.meta.url).pathname
  const child = fork(path, [String(server.port), opening])
  cleanups.push(() => child.kill('SIGKILL'))
  await once(child, 'message')
  child.kill('SIGSTOP')
}

test('a process that is stopped in the middle of a window: the server closes its MONITOR by itself', async () => {
  await pausedMonitor('limited')
  expect(await countMonitors(server)).toBe(1)
  const before = await usedMemory()
  expect(((await flood()) - before) / MIB).toBeLessThan(48)
  await until('no monitor is left', async () => (await countMonitors(server)) === 0)
  expect(((await usedMemory()) - before) / MIB).toBeLessThan(8)
})

test('without the limit the server would hold all that is printed', async () => {
  await pausedMonitor('named')
  const before = await usedMemory()
  expect(((await flood(before + 65 * MIB)) - before) / MIB).toBeGreaterThan(64)
  expect(await countMonitors(server)).toBe(1)
})

/** A MONITOR that reads nothing, as a burst that is under way. */
async function stalledBurst(): Promise<{ burst: Burst; ends: string[] }> {
  const socket = connect({ port: server.port, host: server.host })
  cleanups.push(() => socket.destroy())
  const told = once(socket, 'data')
  socket.write('CLIENT ID\r\n')
  const clientId = Number(String((await told)[0]).slice(1))
  socket.pause()
  socket.write('MONITOR\r\n')
  await until('monitoring', async () => (await countMonitors(server)) === 1)
  const ends: string[] = []
  const burst: Burst = {
    done: Promise.reject(new Error('not awaited')),
    clientId,
    isOpen: true,
    abort: (kind = 'aborted') => {
      if (ends.length === 0) ends.push(kind)
      socket.destroy()
    },
  }
  burst.done.catch(() => {})
  return { burst, ends }
}

async function guard(facts: Partial<NodeFacts> = {}, username: string | null = null) {
  const place = { host: server.host, port: server.port, address: server.address }
  const password = username === null ? null : 'staple'
  const commands = new NodeConnection(place, { username, password, tls: null })
  await commands.open()
  cleanups.push(() => commands.close())
  const known: NodeFacts = { ...UNKNOWN_FACTS, version: '7.0.15', ...facts }
  return { guard: new OutputGuard(commands, () => known, username), commands, known }
}

test('a reader that stalls is found by what the server holds for it, and its socket closed', async () => {
  const { burst, ends } = await stalledBurst()
  const { guard: watching, commands } = await guard()
  cleanups.push(watching.watch(burst, 1e9))
  await delay(100)
  expect(ends).toEqual([])
  const asked = () => commands.sent.get('client|list') ?? 0
  /** As on a machine that comes to it: it is to ask a hundred times a second. */
  const turn = async () => {
    const before = asked()
    await until('it has asked', () => ends.length > 0 || asked() > before + 1)
  }
  const before = await usedMemory()
  expect(((await flood(Number.POSITIVE_INFINITY, turn)) - before) / MIB).toBeLessThan(24)
  expect(ends).toEqual(['memory'])
  await until('no monitor is left', async () => (await countMonitors(server)) === 0)
})

test('where little memory is left the bound is lower', async () => {
  const { burst, ends } = await stalledBurst()
  const { guard: watching } = await guard({ usedMemoryBytes: 80 * MIB, maxMemoryBytes: 100 * MIB })
  cleanups.push(watching.watch(burst, 1e9))
  for (let at = 0; at < 1_000; at++) await client.set('k', 'v'.repeat(10_000))
  await until('the end', () => ends.length > 0)
  expect(ends).toEqual(['memory'])
})

test('a failover that begins while a window is open ends it', async () => {
  const { burst, ends } = await stalledBurst()
  const { guard: watching, known } = await guard()
  cleanups.push(watching.watch(burst, 1e9))
  await delay(50)
  expect(ends).toEqual([])
  known.failoverInProgress = true
  await until('the end', () => ends.length > 0)
  expect(ends).toEqual(['guard'])
})

test('a user who may not ask is told once, and nothing is asked again', async () => {
  await client.call('ACL', 'SETUSER', 'eyes', 'on', '>staple', '+@all', '-client|list')
  const { burst } = await stalledBurst()
  const { guard: watching, commands } = await guard({}, 'eyes')
  cleanups.push(watching.watch(burst, 1e9))
  await until('the refusal', () => watching.refusal)
  expect(watching.refusal).toMatch(/ACL SETUSER eyes \+client\|list lifts this/)
  const asked = commands.sent.get('client|list')
  await delay(100)
  expect(commands.sent.get('client|list')).toBe(asked)
  expect(asked).toBe(1)
})

test('a server that is too old is not asked at all', async () => {
  const { burst } = await stalledBurst()
  const { guard: watching, commands } = await guard({ version: '6.0.16' })
  cleanups.push(watching.watch(burst, 1e9))
  await delay(60)
  expect(watching.refusal).toMatch(/older than Redis 6.2/)
  expect(commands.sent.has('client|list')).toBe(false)
})
