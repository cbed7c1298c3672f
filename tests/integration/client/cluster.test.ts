/** The library on a Redis Cluster: keys have owners, owners change, and copies lie on other shards. */
import { Cluster as Six } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cachescope, inspect } from '../../../client/index.ts'
import type { KeyPolicy } from '../../../core/protocol/policy.ts'
import {
  apply,
  IOREDIS,
  keyPolicy,
  localPolicy,
  policyDocument,
  variantsPolicy,
} from '../../support/hot-client.ts'
import { type RedisCluster, startRedisCluster, until } from '../../support/redis.ts'

let cluster: RedisCluster
let other: Six
beforeAll(async () => {
  cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary: 1 })
  other = new Six(seeds())
  other.on('error', () => {})
})
afterAll(async () => {
  other.disconnect()
  await cluster.stop()
})

const seeds = () => cluster.nodes.map(({ host, port }) => ({ host, port }))
const server = {
  command: (...args: (string | number | Buffer)[]) => other.call(String(args[0]), ...args.slice(1)),
}

const CLIENTS = IOREDIS.flatMap(({ version, Cluster }) => [
  { name: `ioredis ${version}`, app: `plain-${version}`, open: () => new Cluster(seeds()) },
  {
    name: `ioredis ${version}, automatic pipelines`,
    app: `auto-${version}`,
    open: () => new Cluster(seeds(), { enableAutoPipelining: true, scaleReads: 'slave' }),
  },
])

const policyOf = (client: object) => inspect(client)?.policies[0]

test.concurrent.each(CLIENTS)('variants, replica reads and local cache: $name', async ({ app, open }) => {
  const client = cachescope(open(), { app })
  const put = (policy: Partial<KeyPolicy>) =>
    apply(server, client, policyDocument([keyPolicy(key, policy)], { app }))
  const key = `article:${app}`
  const names = [key, `{hk0.1}:${key}`, `{hk0.4}:${key}`]
  try {
    for (const name of names) await other.set(name, 'v1')
    await put({ variants: variantsPolicy(names) })
    const read = () => Promise.all(Array.from({ length: 300 }, () => client.get(key)))
    expect(new Set(await read())).toEqual(new Set(['v1']))
    for (const reads of policyOf(client)?.variantReads ?? []) expect(reads).toBeGreaterThan(50)
    await client.set(key, 'v2')
    expect(await client.get(key)).toBe('v2')
    for (const name of names.slice(1)) expect(await other.exists(name)).toBe(0)

    await until('replicas have it', () => other.wait(1, 100))
    await put({ replicaRead: true })
    await until('replicas are read, and are in step', async () => {
      const values = new Set(await read())
      return (policyOf(client)?.replicaReads ?? 0) > 100 && values.size === 1 && values.has('v2')
    })
    expect(new Set(await read())).toEqual(new Set(['v2']))

    await put({ local: localPolicy({ ttlMs: 10_000 }) })
    await read()
    const before = policyOf(client)?.localHits ?? 0
    await read()
    expect(policyOf(client)).toMatchObject({ localHits: before + 300 })
    await other.set(key, 'v3')
    await until('the invalidation has come', async () => (await client.get(key)) === 'v3', 8_000)
    expect(policyOf(client)?.errors).toBe(0)
  } finally {
    client.disconnect()
  }
})

test('follows a key to its new owner: after a slot has moved, and after its primary was killed', async () => {
  const key = '{moved}:k'
  const slot = Number(await server.command('cluster', 'keyslot', key))
  await other.set(key, 'v1')
  const clients = await Promise.all(
    CLIENTS.map(async ({ app, open }) => {
      const client = cachescope(open(), { app })
      client.on('error', () => {})
      const policy = keyPolicy(key, { local: localPolicy({ ttlMs: 1_000 }) })
      await apply(server, client, policyDocument([policy], { app, leaseMs: 60_000 }))
      expect(await client.get(key)).toBe('v1')
      return client
    }),
  )
  const see = async (value: string) => {
    await Promise.all(
      clients.map((client) => until(`${value} is read`, async () => (await client.get(key)) === value)),
    )
    await Promise.all(
      clients.map((client) =>
        until('hits again', async () => {
          await client.get(key)
          const hits = policyOf(client)?.localHits ?? 0
          await client.get(key)
          return policyOf(client)?.tracker === 'armed' && (policyOf(client)?.localHits ?? 0) > hits
        }),
      ),
    )
  }
  try {
    const [from, to] = await ownersAround(slot)
    await moveSlot(slot, from, to, key)
    await other.set(key, 'v2')
    await see('v2')
    await other.set(key, 'v3')
    await see('v3')

    await other.wait(1, 1_000)
    await to.kill('SIGKILL')
    await until('there is a new primary', () => other.set(key, 'v4'))
    await see('v4')
    await other.set(key, 'v5')
    await see('v5')
  } finally {
    for (const client of clients) client.disconnect()
  }
})

async function ownersAround(slot: number) {
  const [from, to] = slot < 5_461 ? [0, 1] : slot < 10_923 ? [1, 2] : [2, 0]
  const nodes = [cluster.primaries[from], cluster.primaries[to]]
  const [source, target] = nodes
  if (!source || !target) throw new Error('the cluster has three primaries')
  return [source, target] as const
}

type Node = Awaited<ReturnType<typeof ownersAround>>[0]

async function moveSlot(slot: number, from: Node, to: Node, key: string): Promise<void> {
  const [fromId, toId] = await Promise.all([from, to].map((node) => node.command('cluster', 'myid')))
  await to.command('cluster', 'setslot', slot, 'importing', String(fromId))
  await from.command('cluster', 'setslot', slot, 'migrating', String(toId))
  await from.command('migrate', to.host, to.port, key, 0, 1_000)
  for (const node of [to, from, ...cluster.primaries]) {
    await node.command('cluster', 'setslot', slot, 'node', String(toId))
  }
}
