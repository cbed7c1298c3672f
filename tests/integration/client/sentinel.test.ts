/** The library behind a Sentinel, over a failover: plain commands, local cache, reads of a replica in another database. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cachescope, inspect } from '../../../client/index.ts'
import { apply, IOREDIS, keyPolicy, localPolicy, policyDocument } from '../../support/hot-client.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'
import { type SentinelProcess, startSentinel } from '../../support/sentinel.ts'

const NAME = 'shop'
let primary: RedisProcess
let replicas: RedisProcess[]
let sentinel: SentinelProcess
beforeAll(async () => {
  primary = await startRedis()
  const replicaOf = { port: primary.port }
  replicas = await Promise.all([startRedis({ replicaOf }), startRedis({ replicaOf })])
  // A primary that a busy machine holds up is not dead.
  const lines = [`sentinel down-after-milliseconds ${NAME} 3000`]
  sentinel = await startSentinel(NAME, primary, { replicas: 2, lines })
})
afterAll(() => Promise.all([sentinel, primary, ...replicas].map((one) => one.stop())))

/** Whoever is the primary now. */
async function serverNow(): Promise<RedisProcess> {
  const address = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
  const port = Array.isArray(address) ? Number(address[1]) : 0
  const found = [primary, ...replicas].find((one) => one.port === port)
  if (found === undefined) throw new Error(`no server of ours is at ${port}`)
  return found
}

const isPrimary = async (server: RedisProcess) =>
  String(await server.command('INFO', 'replication')).includes('role:master')
const policyOf = (client: object) => inspect(client)?.policies[0]
const open = ({ Redis }: (typeof IOREDIS)[number], db: number) => {
  const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
  const client = new Redis({ sentinels, name: NAME, db, sentinelRetryStrategy: () => 100 })
  client.on('error', () => {})
  return client
}
const CLIENTS = IOREDIS.map((ioredis, at) => ({ ...ioredis, ioredis, db: 1 + at, app: `db-${1 + at}` }))

test.each(CLIENTS)(
  'plain commands and reads of a replica: ioredis $version',
  async ({ ioredis, db, app }) => {
    const client = cachescope(open(ioredis, db), { app })
    try {
      expect(await client.set('k', 'v1')).toBe('OK')
      expect(await client.multi().append('k', '+').get('k').exec()).toEqual([
        [null, 3],
        [null, 'v1+'],
      ])
      expect(await client.pipeline().get('k').get('missing').exec()).toEqual([
        [null, 'v1+'],
        [null, null],
      ])
      await expect(client.lpush('k', 'x')).rejects.toThrow('WRONGTYPE')
      // In another database the key has another value, which no read may give.
      const server = await serverNow()
      await client.select(db + 5)
      await client.set('k', 'of another database')
      await client.select(db)
      await until('replicas have it', () => server.command('WAIT', 2, 100).then((count) => count === 2))

      await apply(server, client, policyDocument([keyPolicy('k', { db, replicaRead: true })], { app }))
      const seen = new Set<string | null>()
      await until('a replica is read', async () => {
        seen.add(await client.get('k'))
        return (policyOf(client)?.replicaReads ?? 0) > 20
      })
      await client.select(db + 5)
      const elsewhere = new Set(await Promise.all(Array.from({ length: 20 }, () => client.get('k'))))
      expect([...seen]).toEqual(['v1+'])
      expect([...elsewhere]).toEqual(['of another database'])
      expect(policyOf(client)?.errors).toBe(0)
    } finally {
      client.disconnect()
    }
  },
)

test('a local cache over the death of the primary: armed again at the new one, and right', async () => {
  const clients = CLIENTS.map(({ ioredis, db, app }) => ({
    ...{ db, app: `local-${app}`, open: () => open(ioredis, db) },
    client: cachescope(open(ioredis, db), { app: `local-${app}` }),
  }))
  const hits = (client: object) => policyOf(client)?.localHits ?? 0
  const publish = async (one: (typeof clients)[number], server: RedisProcess) => {
    const policy = keyPolicy('hot', { db: one.db, local: localPolicy({ ttlMs: 10_000 }) })
    await apply(server, one.client, policyDocument([policy], { app: one.app }))
  }
  const isServedLocally = async (client: (typeof clients)[number]['client']) => {
    const before = hits(client)
    await client.get('hot')
    await client.get('hot')
    return hits(client) > before
  }
  try {
    const before = await serverNow()
    for (const one of clients) {
      await one.client.set('hot', 'v1')
      await publish(one, before)
      await until('hits', () => isServedLocally(one.client))
    }
    await until('replicas have it', () => before.command('WAIT', 2, 100).then((count) => count === 2))
    await before.kill('SIGKILL')
    const after = await until('another primary', async () => {
      const server = await serverNow()
      return server !== before && (await isPrimary(server)) ? server : null
    })
    await Promise.all(
      clients.map(async ({ client }) => {
        await until('it is armed at the new one', () => policyOf(client)?.tracker === 'armed')
        await until('hits', () => isServedLocally(client))
      }),
    )
    for (const { client, open: openAnother } of clients) {
      expect(await client.get('hot')).toBe('v1')
      const other = openAnother()
      await other.set('hot', 'v2')
      await until('the invalidation has come', async () => (await client.get('hot')) === 'v2', 8_000)
      other.disconnect()
    }
    // The trackers are on the new primary, and on no other server.
    await until('one tracker for each is left', async () =>
      String(await after.command('INFO', 'clients')).includes(`tracking_clients:${clients.length}\r`),
    )
  } finally {
    for (const { client } of clients) client.disconnect()
  }
})
