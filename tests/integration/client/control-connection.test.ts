/** The ways to a server that the control's own connection goes by itself: as the application's client does. */
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { afterEach, describe, expect, test } from 'vitest'
import { CacheControl } from '../../../client/control/cache-control.ts'
import { cachescope, inspect } from '../../../client/index.ts'
import { isClient } from '../../../client/ioredis/types.ts'
import { instancesKey } from '../../../core/protocol/policy.ts'
import { clientCounts, heartbeatOf } from '../../support/heartbeat.ts'
import { apply, keyPolicy, localPolicy, policyDocument } from '../../support/hot-client.ts'
import { startRedis, until } from '../../support/redis.ts'
import { enableTls } from '../../support/tls-redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

test('a server that is full refuses heartbeats, and keeps the connection', async () => {
  const server = await startRedis()
  ends.push(server.stop)
  const client = new Redis(server.port)
  ends.push(() => client.disconnect())
  await until('it is connected', () => client.status === 'ready')
  if (!isClient(client)) throw new Error('no client')
  const control = new CacheControl(client, 'shop')
  ends.push(() => control.close())
  await control.readPolicy()
  const [stream] = control.connections
  await server.command('CONFIG', 'SET', 'maxmemory', '1')
  await expect(control.sendHeartbeat(heartbeatOf('one', Date.now(), clientCounts({})))).rejects.toThrow(/OOM/)
  expect(await control.readPolicy()).toEqual({ kind: 'none' })
  expect(control.connections).toEqual([stream])
})

const clients: [string, (options: object) => Redis | Redis5][] = [
  ['ioredis 6', (options) => new Redis(options)],
  ['ioredis 5', (options) => new Redis5(options)],
]
describe.each(clients)('%s', (_, create) => {
  async function expectPolicies(server: Awaited<ReturnType<typeof startRedis>>, options: object) {
    const bare = create(options)
    bare.on('error', () => {})
    ends.push(() => bare.disconnect())
    const client = cachescope(bare, { app: 'shop' })
    await apply(server, client, policyDocument([keyPolicy('k', { local: localPolicy() })]))
    await until(
      'it has told of itself',
      async () => (await server.command('ZCARD', instancesKey('shop'))) === 1,
    )
    expect(inspect(client)).toMatchObject({ errors: 0 })
  }

  test('a user of the ACL that needs no password', async () => {
    const server = await startRedis()
    ends.push(server.stop)
    await server.command('ACL', 'SETUSER', 'shop', 'on', 'nopass', '~*', '&*', '+@all')
    // What is not signed in may read nothing.
    await server.command('ACL', 'SETUSER', 'default', '-get')
    await expectPolicies(server, { port: server.port, username: 'shop' })
  })

  test('TLS', async () => {
    const server = await startRedis()
    ends.push(server.stop)
    const { port, ca } = await enableTls(server)
    await expectPolicies(server, { host: '127.0.0.1', port, tls: { ca } })
  })

  test('a socket of the file system', async () => {
    const server = await startRedis()
    ends.push(server.stop)
    const path = `${server.directory}/redis.sock`
    await server.restart({ unixsocket: path })
    await expectPolicies(server, { path })
  })
})
