/** What changes a running server for a while: each on real servers, and undone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { placeOf } from '../../../collector/discovery.ts'
import type { Action } from '../../../collector/mitigations/action.ts'
import { denyUser } from '../../../collector/mitigations/actions/deny-user.ts'
import { killClient } from '../../../collector/mitigations/actions/kill-client.ts'
import { pauseWrites } from '../../../collector/mitigations/actions/pause-writes.ts'
import { setConfig } from '../../../collector/mitigations/actions/set-config.ts'
import type { NodeReading } from '../../../collector/reading.ts'
import { parseInfo } from '../../../collector/sources/info.ts'
import type { CacheConfig } from '../../../core/config.ts'
import type { ServerAction } from '../../../core/mitigations/model.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig, type RunOptions } from '../../support/action-context.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'

let primary: RedisProcess
let replica: RedisProcess
let topology: Topology

beforeAll(async () => {
  primary = await startRedis()
  replica = await startRedis({ replicaOf: primary })
  await untilFollows()
  const nodes = [
    { address: primary.address, role: 'primary' as const, clusterNodeId: null },
    { address: replica.address, role: 'replica' as const, clusterNodeId: null },
  ]
  topology = { cacheId: 'shop', at: 1, shards: [{ ordinal: 1, slots: null, nodes }] }
})
afterAll(async () => {
  await replica?.stop()
  await primary?.stop()
})

async function untilFollows(): Promise<void> {
  await until('the replica follows', async () =>
    String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
  )
}

function runOf(
  name: ServerAction,
  action: Action,
  target: RunOptions['target'],
  parameters: Record<string, unknown>,
  more: Partial<RunOptions> = {},
): ActionRun {
  return new ActionRun({
    ...{ name, action, target, parameters, topology, cache: cacheConfig('standalone') },
    nodeAddresses: new Map([
      [1, primary.address],
      [2, replica.address],
    ]),
    ...more,
  })
}

/** @param check what must hold while it is on, and after */
async function runThrough(run: ActionRun, check: (isOn: boolean) => Promise<void>): Promise<void> {
  expect(await run.on()).toMatchObject({ kind: 'done' })
  await check(true)
  expect(await run.drain()).toMatchObject({ kind: 'done' })
  await check(false)
  run.close()
}

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

describe('deny-user', () => {
  const flags = async (node: RedisProcess, user: string) =>
    ((await node.command('ACL', 'GETUSER', user)) as unknown[][])[1]
  const makeUser = async () => {
    for (const node of [primary, replica]) {
      await node.command('ACL', 'SETUSER', 'greedy', 'on', '>secret-of-greedy', '~*', '+@all')
    }
  }

  it('switches the user off everywhere, ends its connections, and switches it on again', async () => {
    await makeUser()
    const client = new NodeConnection(placeOf(primary.address), {
      username: 'greedy',
      password: 'secret-of-greedy',
      tls: null,
    })
    await client.open()
    const run = runOf('deny-user', denyUser(), { kind: 'cache' }, { username: 'greedy' })
    await runThrough(run, async (isOn) => {
      for (const node of [primary, replica]) {
        expect(await flags(node, 'greedy')).toContain(isOn ? 'off' : 'on')
      }
    })
    await until('its connection is closed', () => !client.isOpen)
    await client.open()
    expect(await client.call('PING')).toBe('PONG')
    client.close()
    const kept = JSON.stringify([run.state, run.steps, run.messages])
    expect(kept).not.toMatch(/secret-of-greedy|[0-9a-f]{64}/)
  })

  it('is off again on a node that came back with it on, and on where somebody has switched it on', async () => {
    await makeUser()
    let now = 1_000_000
    const more = { now: () => now }
    const run = runOf('deny-user', denyUser(), { kind: 'cache' }, { username: 'greedy' }, more)
    expect(await run.on()).toMatchObject({ kind: 'done' })
    await replica.restart()
    run.close()
    await replica.command('ACL', 'SETUSER', 'greedy', 'on')
    now += 11_000
    await run.watch()
    expect(await flags(replica, 'greedy')).toContain('off')
    await primary.command('ACL', 'SETUSER', 'greedy', 'on')
    for (const _ of [1, 2]) {
      now += 11_000
      expect(await run.watch()).toMatchObject({
        message: expect.stringMatching(/switched it on at .* it stays/),
      })
      expect(await flags(primary, 'greedy')).toContain('on')
      expect(await flags(replica, 'greedy')).toContain('off')
    }
    expect(await run.drain()).toMatchObject({ kind: 'done' })
    expect(await flags(replica, 'greedy')).toContain('on')
  })

  it.each([
    ['our own user', 'default', {}, /Cachescope signs in as/],
    ['the user that watches', 'watcher', { username: 'watcher' }, /Cachescope signs in as/],
    [
      'the user that mitigates',
      'mender',
      { mitigations: { enabled: true, username: 'mender', password: 'x', proofWindowMs: 1 } },
      /Cachescope signs in as/,
    ],
    ['the user of replication', 'default', { username: 'watcher' }, /replication would end/],
    ['nobody', 'nobody', {}, /has a user nobody/],
  ])('refuses %s', async (_, username, cache, message) => {
    const run = runOf(
      'deny-user',
      denyUser(),
      { kind: 'cache' },
      { username },
      { cache: cacheConfig('standalone', cache) },
    )
    expect(await run.on()).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) })
    expect(run.steps).toEqual([])
  })
})

describe('deny-user of whom the deployment needs', () => {
  const MENDER = { username: 'mender', password: 'x', tls: null }
  const ours = { mitigations: { enabled: true, username: 'mender', password: 'x', proofWindowMs: 1 } }
  const outcomeOf = (kind: CacheConfig['kind'], username: string) => {
    const cache = cacheConfig(kind, { username: 'watcher', ...ours })
    const more = { cache, credentials: MENDER }
    return runOf('deny-user', denyUser(), { kind: 'cache' }, { username }, more).on()
  }
  const grant = async (...rights: string[]) => {
    for (const node of [primary, replica]) {
      await node.command('ACL', 'SETUSER', 'mender', 'reset', 'on', '>x', '+@all', ...rights)
      await node.command('ACL', 'SETUSER', 'guard', 'on', 'nopass', '~*', '+@all')
      // Replication goes on as another one: nothing else speaks against these.
      await node.command('CONFIG', 'SET', 'masteruser', 'mender', 'masterauth', 'x')
    }
  }
  afterAll(async () => {
    for (const node of [primary, replica]) {
      await node.command('CONFIG', 'SET', 'masteruser', '', 'masterauth', '')
      await node.command('ACL', 'DELUSER', 'mender', 'guard')
    }
  })

  it.each(['standalone', 'sentinel'] as const)('refuses whom Sentinels sign in as: %s', async (kind) => {
    await grant()
    const sentinel = new NodeConnection(placeOf(replica.address), {
      username: 'guard',
      password: 'any',
      tls: null,
    })
    await sentinel.open()
    await sentinel.call('CLIENT', 'SETNAME', 'sentinel-0123abcd-cmd')
    expect(await outcomeOf(kind, 'guard')).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/Sentinels sign in at .* as guard/),
    })
    sentinel.close()
  })

  it.each([
    ['who is connected', '-client|list', /does not tell who is connected/],
    ['as whom a replica signs in', '-config|get', /does not tell as whom it signs in/],
  ])('refuses where a node does not tell %s', async (_, right, message) => {
    await grant(right)
    for (const username of ['default', 'guard']) {
      expect(await outcomeOf('sentinel', username)).toMatchObject({
        kind: 'refused',
        message: expect.stringMatching(message),
      })
    }
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
    await untilFollows()
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
