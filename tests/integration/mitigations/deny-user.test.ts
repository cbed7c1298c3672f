/** A user that is switched off for a while, on real servers: everywhere, never one that is needed, and on again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { placeOf } from '../../../collector/discovery.ts'
import { denyUser } from '../../../collector/mitigations/actions/deny-user.ts'
import type { CacheConfig } from '../../../core/config.ts'
import { cacheConfig } from '../../support/action-context.ts'
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
