/** What changes a running server for a while: each on real servers, and undone. deny-user.test.ts has that of users. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { placeOf } from '../../../collector/discovery.ts'
import { killClient } from '../../../collector/mitigations/actions/kill-client.ts'
import { pauseWrites } from '../../../collector/mitigations/actions/pause-writes.ts'
import { setConfig } from '../../../collector/mitigations/actions/set-config.ts'
import type { NodeReading } from '../../../collector/reading.ts'
import { parseInfo } from '../../../collector/sources/info.ts'
import { type RedisProcess, until } from '../../support/redis.ts'
import { runThrough, type ServerPair, startServerPair } from '../../support/server-pair.ts'

let pair: ServerPair
let primary: RedisProcess
let replica: RedisProcess
const runOf: ServerPair['runOf'] = (...run) => pair.runOf(...run)

beforeAll(async () => {
  pair = await startServerPair()
  ;({ primary, replica } = pair)
})
afterAll(() => pair?.stop())

/** As the collector has it of a node that it watches. */
function readingOf(text: string): NodeReading {
  const own = { commands: 0, bytesRead: 0, bytesWritten: 0, connections: 0, byCommand: new Map() }
  return {
    ...{ at: 0, monotonicMs: 0, pingMs: null, info: parseInfo(text), cluster: null, table: null },
    own: { ...own, hits: 0, misses: 0, watchingCommands: 0, watchingBytes: 0, watchingCpuUs: 0 },
  }
}

const config = async (node: RedisProcess, name: string) =>
  ((await node.command('CONFIG', 'GET', name)) as string[])[1]

describe('set-config', () => {
  it('raises maxmemory on every node and puts back what each had', async () => {
    await primary.command('CONFIG', 'SET', 'maxmemory', '100mb')
    await replica.command('CONFIG', 'SET', 'maxmemory', '120mb')
    const bytes = 200_000_000
    await runThrough(
      runOf('set-config', setConfig(), { kind: 'cache' }, { name: 'maxmemory', bytes }),
      async (isOn) => {
        expect(await config(primary, 'maxmemory')).toBe(isOn ? String(bytes) : '104857600')
        expect(await config(replica, 'maxmemory')).toBe(isOn ? String(bytes) : '125829120')
      },
    )
  })

  it('keeps what was raised where the data has grown beyond what was there before', async () => {
    const used = Number(/used_memory:(\d+)/.exec(String(await primary.command('INFO', 'memory')))?.[1])
    const [before, bytes] = [used + 20_000_000, used + 200_000_000]
    for (const node of [primary, replica]) await node.command('CONFIG', 'SET', 'maxmemory', before)
    const run = runOf('set-config', setConfig(), { kind: 'node', nodeId: 1 }, { name: 'maxmemory', bytes })
    expect(await run.on()).toMatchObject({ kind: 'done' })
    await primary.command('SET', 'grown', 'x'.repeat(30_000_000))
    expect(await run.drain()).toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(
        new RegExp(`${primary.address} uses .* MB: CONFIG SET maxmemory ${before} there once it uses less`),
      ),
    })
    expect(await config(primary, 'maxmemory')).toBe(String(bytes))
    expect(run.steps.filter(({ phase }) => phase === 'draining')).toEqual([])
    await primary.command('DEL', 'grown')
    await until('its memory is free', async () => {
      await run.drain()
      return (await config(primary, 'maxmemory')) === String(before)
    })
    run.close()
    for (const node of [primary, replica]) await node.command('CONFIG', 'SET', 'maxmemory', '100mb')
  })

  it('leaves alone what somebody else has set meanwhile', async () => {
    const parameters = { name: 'maxmemory-policy', policy: 'allkeys-lru' }
    const run = runOf('set-config', setConfig(), { kind: 'node', nodeId: 1 }, parameters)
    expect(await run.on()).toMatchObject({ kind: 'done' })
    expect(await config(primary, 'maxmemory-policy')).toBe('allkeys-lru')
    expect(await config(replica, 'maxmemory-policy')).toBe('noeviction')
    await primary.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lfu')
    expect(await run.drain()).toMatchObject({ message: expect.stringMatching(/Somebody else/) })
    expect(await config(primary, 'maxmemory-policy')).toBe('volatile-lfu')
    await primary.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  })

  it('sets it again after a restart that forgot it', async () => {
    let now = 1_000_000
    const parameters = { name: 'maxmemory-policy', policy: 'allkeys-lru' }
    const run = runOf('set-config', setConfig(), { kind: 'node', nodeId: 1 }, parameters, { now: () => now })
    expect(await run.on()).toMatchObject({ kind: 'done' })
    await primary.restart()
    run.close()
    run.phase = 'active'
    await run.watch()
    expect(await config(primary, 'maxmemory-policy')).toBe('noeviction')
    now += 11_000
    await run.watch()
    expect(await config(primary, 'maxmemory-policy')).toBe('allkeys-lru')
    // The same process has it again: somebody wants it so.
    await primary.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    for (const _ of [1, 2]) {
      now += 11_000
      expect(await run.watch()).toMatchObject({ message: expect.stringMatching(/another value .* it stays/) })
      expect(await config(primary, 'maxmemory-policy')).toBe('noeviction')
    }
    expect(await run.drain()).toMatchObject({ kind: 'done' })
    expect(await config(primary, 'maxmemory-policy')).toBe('noeviction')
  })

  it.each([
    ['below what is used', { name: 'maxmemory', bytes: 1_048_576 }, /uses .* more than/],
    ['beyond the machine', { name: 'maxmemory', bytes: 900_000_000_000_000 }, /would be allowed/],
    ['what it is', { name: 'maxmemory-policy', policy: 'noeviction' }, /noeviction there already/],
  ])('refuses %s', async (_, parameters, message) => {
    await primary.command('DEBUG', 'POPULATE', 20_000)
    const run = runOf('set-config', setConfig(), { kind: 'cache' }, parameters)
    expect(await run.on()).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) })
    expect(run.steps).toEqual([])
  })
})

describe('kill-client', () => {
  async function openClient(): Promise<{ client: NodeConnection; id: number }> {
    const client = new NodeConnection(placeOf(primary.address), { username: null, password: null, tls: null })
    await client.open()
    await client.call('CLIENT', 'SETNAME', 'shop')
    return { client, id: Number(await client.call('CLIENT', 'ID')) }
  }

  it('closes the connection', async () => {
    const { client, id } = await openClient()
    const run = runOf('kill-client', killClient(), { kind: 'node', nodeId: 1 }, { clientId: id })
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    await until('it is closed', () => !client.isOpen)
  })

  it('tells nothing of who is connected to a server that was restarted since', async () => {
    const { id } = await openClient()
    const run = runOf('kill-client', killClient(), { kind: 'node', nodeId: 1 }, { clientId: id })
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    expect((await run.observe('after'))?.client).toMatchObject({ isConnected: false, newer: 0 })
    await primary.restart()
    run.close()
    expect(await run.observe('after')).toBeNull()
    run.close()
    await pair.untilFollows()
  })

  it('refuses links of replication, our own and strangers', async () => {
    const list = String(await primary.command('CLIENT', 'LIST'))
    const link = Number(/id=(\d+) [^\n]*flags=S/.exec(list)?.[1])
    const own = new NodeConnection(placeOf(primary.address), { username: null, password: null, tls: null })
    await own.open()
    const ownId = Number(await own.call('CLIENT', 'ID'))
    for (const [clientId, message] of [
      [link, /link between a primary and its replica/],
      [ownId, /of Cachescope itself/],
      [999_999, /has left by itself/],
    ] as const) {
      const run = runOf('kill-client', killClient(), { kind: 'node', nodeId: 1 }, { clientId })
      expect(await run.on()).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) })
    }
    own.close()
  })
})

describe('pause-writes', () => {
  it('holds writes back until it is drained', async () => {
    const seen = readingOf(String(await primary.command('INFO')))
    const more = { reading: () => ({ ...seen, at: Date.now() - 2_000 }) }
    const target = { kind: 'shard', shardId: 1 } as const
    await runThrough(
      runOf('pause-writes', pauseWrites(), target, { pauseSeconds: 60 }, more),
      async (isOn) => {
        const writing = primary.command('SET', 'k', 'v')
        if (isOn) {
          await until('the write waits', async () =>
            String(await primary.command('INFO', 'clients')).includes('blocked_clients:1'),
          )
          await primary.command('CLIENT', 'UNPAUSE')
        }
        expect(await writing).toBe('OK')
      },
    )
  })

  it('ends by itself after its time, in slices that end by themselves', async () => {
    let now = 999_000
    const more = { now: () => now }
    const target = { kind: 'node', nodeId: 1 } as const
    const run = runOf('pause-writes', pauseWrites(), target, { pauseSeconds: 6 }, more)
    const isOn = run.on()
    await until('it counts what is written', () => run.messages.some((one) => one.includes('counted')))
    now = 1_000_000
    expect(await isOn).toMatchObject({ kind: 'done' })
    for (const [elapsed, kind] of [
      [1_000, 'wait'],
      [3_000, 'wait'],
      [5_600, 'wait'],
      [6_100, 'finished'],
    ] as const) {
      now = 1_000_000 + elapsed
      expect(await run.watch()).toMatchObject({ kind })
    }
    expect(run.steps.map((step) => step.command)).toEqual([
      'CLIENT PAUSE 5000 WRITE',
      'CLIENT PAUSE 3000 WRITE',
      'CLIENT PAUSE 400 WRITE',
      'CLIENT UNPAUSE',
    ])
    run.close()
  })

  it('counts a window that nobody lived to write from where it had begun', async () => {
    let now = 1_000_000
    const seen = readingOf(String(await primary.command('INFO')))
    const more = { now: () => now, reading: () => ({ ...seen, at: now - 2_000 }) }
    const target = { kind: 'node', nodeId: 1 } as const
    const run = runOf('pause-writes', pauseWrites(), target, { pauseSeconds: 1 }, more)
    expect(await run.on()).toMatchObject({ kind: 'done' })
    now += 1_000
    expect(await run.watch()).toMatchObject({ kind: 'finished' })
    for (let count = 0; count < 100; count++) await primary.command('SET', 'k', count)
    for (const after of [10, 11]) {
      now = 1_001_000 + after * 1_000
      const { changesPerSec, isPaused } = (await run.observe('after'))?.writes ?? {}
      expect(changesPerSec).toBeCloseTo(100 / after, 3)
      // The installed one does not tell.
      expect(isPaused).toBeNull()
    }
    run.close()
  })

  it('refuses a replica', async () => {
    const run = runOf('pause-writes', pauseWrites(), { kind: 'node', nodeId: 2 }, {})
    expect(await run.on()).toMatchObject({ kind: 'refused', message: expect.stringMatching(/is a replica/) })
  })
})
