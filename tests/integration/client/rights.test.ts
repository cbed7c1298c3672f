/** An application's user with the narrowest rights of docs/protocol.md, on a server that refuses the rest. */
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { cachescope, inspect } from '../../../client/index.ts'
import { APPS_KEY, instancesKey, LISTS_TTL_MS } from '../../../core/protocol/policy.ts'
import { apply, keyPolicy, localPolicy, policyDocument, variantsPolicy } from '../../support/hot-client.ts'
import { startRedis, until } from '../../support/redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const RIGHTS = [
  ...['resetkeys', 'resetchannels', '-@all', '~app:*', '+info', '+client|setname'],
  ...['%R~{hk:shop}:pol', '~{hk:shop}:i*', '~hk:apps', '~{hk[0-9]*'],
  ...['+get', '+set', '+zadd', '+pexpire', '+unlink'],
  ...['+client|id', '+client|tracking', '+subscribe', '+ping', '&__redis__:invalidate'],
]

test('is told of, carries out policies of each kind, and cannot write one', async () => {
  const server = await startRedis()
  ends.push(server.stop)
  await server.command('ACL', 'SETUSER', 'shop', 'on', '>secret', ...RIGHTS)
  const bare = new Redis({ port: server.port, username: 'shop', password: 'secret' })
  bare.on('error', () => {})
  const client = cachescope(bare, { app: 'shop' })
  ends.push(() => bare.disconnect())
  const copies = ['{hk0.1}:app:split', '{hk1.2}:app:split']
  for (const name of ['app:local', 'app:split', ...copies]) await server.command('SET', name, 'v')
  const policies = [
    keyPolicy('app:local', { local: localPolicy() }),
    keyPolicy('app:split', { variants: variantsPolicy(copies) }),
  ]
  await apply(server, client, policyDocument(policies))
  expect(await Promise.all(['app:local', 'app:split'].map((key) => client.get(key)))).toEqual(['v', 'v'])
  expect(await client.get('app:local')).toBe('v')
  expect(await client.set('app:split', 'w')).toBe('OK')
  expect(await server.command('EXISTS', ...copies)).toBe(0)
  expect(inspect(client)).toMatchObject({
    errors: 0,
    policies: [
      { localHits: 1, errors: 0 },
      { fallbacks: 0, errors: 0 },
    ],
  })
  await until('both lists have a time to live', async () => {
    const left = await Promise.all([APPS_KEY, instancesKey('shop')].map((key) => server.command('PTTL', key)))
    return left.every((ms) => Number(ms) > 0 && Number(ms) <= LISTS_TTL_MS)
  })
  await expect(client.set('{hk:shop}:pol', '{}')).rejects.toThrow('NOPERM')
})
