/** A replica that was just started has nothing until its first synchronisation, and says so as if the keys were missing. */
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { cachescope, inspect, release } from '../../../client/index.ts'
import { apply, keyPolicy, policyDocument } from '../../support/hot-client.ts'
import { startRedis, until } from '../../support/redis.ts'
import { startSentinel } from '../../support/sentinel.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

it('reads the primary where a replica has nothing', async () => {
  const primary = await startRedis()
  ends.push(primary.stop)
  const replica = await startRedis({ replicaOf: { port: primary.port } })
  ends.push(replica.stop)
  // The empty replica must not become the primary because that was held up for a second.
  const lines = ['sentinel down-after-milliseconds shop 30000']
  const sentinel = await startSentinel('shop', primary, { replicas: 1, lines })
  ends.push(sentinel.stop)
  const bare = new Redis({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'shop' })
  bare.on('error', () => {})
  const client = cachescope(bare, { app: 'shop' })
  ends.push(() => {
    release(client)
    bare.disconnect()
  })
  await client.set('hot', 'value')
  await apply(primary, client, policyDocument([keyPolicy('hot', { replicaRead: true })]))
  const replicaReads = () => inspect(client)?.policies[0]?.replicaReads ?? 0
  await until('the replica is read', async () => (await client.get('hot')) === 'value' && replicaReads() > 0)

  // It comes back without its data, and is not let in to fetch them.
  await replica.restart({ masteruser: 'nobody', masterauth: 'wrong' })
  const before = replicaReads()
  const seen = new Set<string | null>()
  await until('the empty replica is read', async () => {
    seen.add(await client.get('hot'))
    return replicaReads() > before + 10
  })
  expect(await replica.command('DBSIZE')).toBe(0)
  expect([...seen]).toEqual(['value'])
})
