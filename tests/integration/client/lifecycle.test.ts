/** What becomes of a wrapped client when something around it breaks or ends: each time, the plain command. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { cachescope, inspect, release } from '../../../client/index.ts'
import {
  apply,
  IOREDIS,
  keyPolicy,
  localPolicy,
  policyDocument,
  variantsPolicy,
} from '../../support/hot-client.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function startServer(): Promise<RedisProcess> {
  const server = await startRedis()
  ends.push(() => server.stop())
  return server
}

const tracker = (client: object) => inspect(client)?.policies[0]?.tracker
const hits = (client: object) => inspect(client)?.policies[0]?.localHits ?? 0

describe.each(IOREDIS)('ioredis $version', ({ Redis }) => {
  function wrap(server: RedisProcess, options: Partial<Parameters<typeof cachescope>[1]> = {}) {
    const client = cachescope(new Redis({ port: server.port, retryStrategy: () => 50 }), {
      app: 'shop',
      ...options,
    })
    client.on('error', () => {})
    ends.push(() => client.disconnect())
    return client
  }

  test('a tracker that is killed: what was held is forgotten, and another one is armed', async () => {
    const server = await startServer()
    const client = wrap(server)
    await client.set('k', 'v1')
    await apply(server, client, policyDocument([keyPolicy('k', { local: localPolicy({ ttlMs: 10_000 }) })]))
    expect([await client.get('k'), await client.get('k')]).toEqual(['v1', 'v1'])
    expect(hits(client)).toBe(1)
    await server.command('client', 'kill', 'type', 'pubsub')
    await server.command('set', 'k', 'v2')
    await until('the new value is read', async () => (await client.get('k')) === 'v2', 8_000)
    await until('it is armed again', () => tracker(client) === 'armed')
    await client.get('k')
    const before = hits(client)
    await client.get('k')
    expect(hits(client)).toBe(before + 1)
  })

  test('a server that is killed and comes back empty: nothing of before is served', async () => {
    const server = await startServer()
    const client = wrap(server)
    await client.set('k', 'v1')
    await apply(server, client, policyDocument([keyPolicy('k', { local: localPolicy({ ttlMs: 10_000 }) })]))
    await client.get('k')
    await server.restart()
    expect(await client.get('k')).toBeNull()
    await until('it is armed again', () => tracker(client) === 'armed')
    expect(await client.get('k')).toBeNull()
  })

  test('a server that stands still: the tracker is given up, and commands wait as they would', async () => {
    const server = await startServer()
    const client = wrap(server)
    await client.set('k', 'v1')
    await apply(server, client, policyDocument([keyPolicy('k', { local: localPolicy({ ttlMs: 10_000 }) })]))
    await client.get('k')
    await server.kill('SIGSTOP')
    await until('the tracker is given up', () => tracker(client) === 'down')
    const reading = client.get('k')
    await server.kill('SIGCONT')
    expect(await reading).toBe('v1')
    await until('it is armed again', () => tracker(client) === 'armed')
  })

  test('a lease that lapses, and a control plane that is silent: everything passes through', async () => {
    const server = await startServer()
    let skippedMs = 0
    const client = wrap(server, { now: () => performance.now() + skippedMs })
    await client.set('k', 'v1')
    await apply(server, client, policyDocument([keyPolicy('k', { local: localPolicy({ track: false }) })]))
    await client.get('k')
    await server.command('del', '{hk:shop}:pol')
    skippedMs = 30_001
    await server.command('set', 'k', 'v2')
    expect(await client.get('k')).toBe('v2')
    await until('it is told', () => inspect(client)?.state === 'passing')
    expect(inspect(client)).toMatchObject({ rev: 0, policies: [], local: { entries: 0 } })
  })

  test('kill, another version, and the kill switch of the environment', async () => {
    const server = await startServer()
    const client = wrap(server)
    await client.set('k', 'v1')
    const policy = keyPolicy('k', { local: localPolicy() })
    await apply(server, client, policyDocument([policy]))
    await apply(server, client, policyDocument([policy], { kill: true }))
    expect(inspect(client)).toMatchObject({ state: 'disabled', policies: [] })
    await apply(server, client, policyDocument([policy]))
    await server.command('set', '{hk:shop}:pol', '{"v":2}')
    await until('an unknown version ends it', () => inspect(client)?.state === 'passing')
    process.env.HOTKEY_DISABLE = '1'
    ends.push(() => Reflect.deleteProperty(process.env, 'HOTKEY_DISABLE'))
    const disabled = wrap(server, { app: 'other' })
    expect(Object.getPrototypeOf(disabled)).toBe(Redis.prototype)
    expect(await disabled.get('k')).toBe('v1')
    expect(inspect(disabled)?.state).toBe('disabled')
  })

  test('writes reach every variant before they return: alone, in a pipeline, in MULTI, in a script', async () => {
    const server = await startServer()
    const client = wrap(server)
    const copies = ['{hk0.1}:k', '{hk1.2}:k']
    await apply(
      server,
      client,
      policyDocument([keyPolicy('k', { variants: variantsPolicy(['k', ...copies]) })]),
    )
    const write = "return redis.call('set', KEYS[1], ARGV[1])"
    const writes = [
      () => client.set('k', 'v'),
      () => client.pipeline().set('k', 'v').get('k').exec(),
      () => client.multi().set('k', 'v').exec(),
      () => client.eval(write, 1, 'k', 'v'),
      () => client.call('SET', 'k', 'v'),
      () => client.rename('k', 'k2'),
      () => client.del('k'),
      () => client.flushdb(),
    ]
    for (const each of writes) {
      for (const copy of copies) await server.command('set', copy, 'old')
      await server.command('set', 'k', 'old')
      await each()
      expect(await server.command('exists', ...copies)).toBe(0)
    }
    expect(inspect(client)?.policies[0]?.errors).toBe(0)
  })

  test('a client that is ended and connected again; one that is released', async () => {
    const server = await startServer()
    const client = wrap(server)
    await apply(server, client, policyDocument([keyPolicy('k', { local: localPolicy() })]))
    const duplicate = client.duplicate()
    expect(inspect(duplicate)).toBeNull()
    expect(await duplicate.get('k')).toBeNull()
    duplicate.disconnect()
    await client.quit()
    await until('nothing is in force', () => inspect(client)?.rev === 0)
    await until('no connection is left', async () => {
      const list = String(await server.command('client', 'list'))
      return list.trim().split('\n').length === 1
    })
    await client.connect()
    await apply(server, client, policyDocument([keyPolicy('k', { local: localPolicy() })]))
    release(client)
    expect(Object.getPrototypeOf(client)).toBe(Redis.prototype)
    expect(await client.set('k', 'v')).toBe('OK')
    expect(inspect(client)).toBeNull()
  })

  test('heartbeats tell of reads, hot keys and connections, and of no value', async () => {
    const server = await startServer()
    const client = wrap(server)
    await client.set('k', 'a-secret-value')
    await apply(server, client, policyDocument([keyPolicy('k', { local: localPolicy() })]))
    const text = await until('a heartbeat with hits', async () => {
      // Each time anew: hits are of all time, hot keys of the seconds before.
      for (let read = 0; read < 500; read++) await client.get('k')
      const id = inspect(client)?.instanceId
      const told = String(await server.command('get', `{hk:shop}:i:${id}`))
      const { policies, hotKeys } = JSON.parse(told)
      return policies[0]?.localHits > 400 && hotKeys.keys[0]?.reads > 400 ? told : null
    })
    expect(text).not.toContain('a-secret-value')
    const heartbeat = JSON.parse(text)
    expect(heartbeat).toMatchObject({ app: 'shop', state: 'applying', pid: process.pid, errors: 0 })
    expect(heartbeat.policies[0].p50Us).toBeLessThan(100)
    const [hot] = heartbeat.hotKeys.keys
    expect(Buffer.from(hot.keyBase64, 'base64').toString()).toBe('k')
    const list = String(await server.command('client', 'list'))
    for (const connection of heartbeat.connections) expect(list).toContain(`addr=${connection} `)
    expect(heartbeat.connections).toHaveLength(3)
    expect(await server.command('zscore', 'hk:apps', 'shop')).toBeTruthy()
  })
})

test('a process whose client is disconnected ends, though a policy is in force', async () => {
  const server = await startServer()
  const document = policyDocument([keyPolicy('k', { local: localPolicy() })])
  await server.command('set', '{hk:shop}:pol', JSON.stringify(document))
  const script = `
    import { Redis } from 'ioredis'
    import { cachescope, inspect } from './client/index.ts'
    const client = cachescope(new Redis(${server.port}), { app: 'shop' })
    while (inspect(client)?.policies[0]?.tracker !== 'armed') await client.get('k')
    client.disconnect()
  `
  const cwd = join(import.meta.dirname, '../../..')
  const args = ['--input-type=module-typescript', '--eval', script]
  await promisify(execFile)(process.execPath, args, { cwd, timeout: 60_000 })
})
