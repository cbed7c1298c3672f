/**
 * The same random commands through a wrapped and a bare client of two Redis Clusters with equal data: results, errors
 * and types must be equal. The keys are in one slot by their prefix; copies are on other shards.
 */
import fc from 'fast-check'
import type { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cachescope, inspect } from '../../../client/index.ts'
import type { KeyPolicy } from '../../../core/protocol/policy.ts'
import { BINARY, type Step, sequence, take } from '../../support/client-steps.ts'
import {
  apply,
  IOREDIS,
  keyPolicy,
  localPolicy,
  policyDocument,
  variantsPolicy,
} from '../../support/hot-client.ts'
import { type RedisCluster, startRedisCluster } from '../../support/redis.ts'

const HOT = ['string', 'hash', 'list', 'set', 'zset', 'missing', BINARY]
const namesOf = (prefix: string) => HOT.map((key) => Buffer.concat([Buffer.from(prefix), Buffer.from(key)]))
const RUNS = 8

let bareCluster: RedisCluster
let wrappedCluster: RedisCluster
beforeAll(async () => {
  ;[bareCluster, wrappedCluster] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary: 0 }),
    startRedisCluster({ primaries: 2, replicasPerPrimary: 1 }),
  ])
})
afterAll(() => Promise.all([bareCluster.stop(), wrappedCluster.stop()]))

const variantOf = (index: number, name: Buffer) =>
  Buffer.concat([Buffer.from(`{hk${index}.${index}}:`), name])
const KINDS: { kind: string; policy: (name: Buffer) => Partial<KeyPolicy> }[] = [
  { kind: 'local', policy: () => ({ local: localPolicy() }) },
  {
    kind: 'variants',
    policy: (name) => ({ variants: variantsPolicy([name, variantOf(1, name), variantOf(4, name)]) }),
  },
  { kind: 'replica reads', policy: () => ({ replicaRead: true }) },
]

const CLIENTS = IOREDIS.flatMap(({ version, Cluster }) =>
  [false, true].map((isAutomatic) => ({
    name: `ioredis ${version}${isAutomatic ? ', automatic pipelines' : ''}`,
    ...{ Cluster, isAutomatic, app: `app-${version}-${isAutomatic}` },
  })),
)

test.concurrent.each(CLIENTS)(
  'answers as the bare Cluster does: $name',
  async ({ Cluster, isAutomatic, app }) => {
    const prefix = `{${app}}:`
    const names = namesOf(prefix)
    const open = (to: RedisCluster, keyPrefix: string, enableAutoPipelining = false) =>
      new Cluster(
        to.nodes.map(({ host, port }) => ({ host, port })),
        { keyPrefix, enableAutoPipelining },
      )
    const bare = open(bareCluster, prefix, isAutomatic)
    const wrapped = cachescope(open(wrappedCluster, prefix, isAutomatic), { app })
    const seeders = [open(bareCluster, ''), open(wrappedCluster, '')]
    const [, other] = seeders
    if (other === undefined) throw new Error('no client')
    const server = {
      command: (...args: (string | number | Buffer)[]) => other.call(String(args[0]), ...args.slice(1)),
    }
    const compareAll = (kind: string) =>
      fc.assert(
        fc.asyncProperty(sequence(true, kind !== 'no policy' && kind !== 'local'), async (steps) => {
          await Promise.all(seeders.map((seeder) => seed(seeder, prefix)))
          await copyAll(other, names)
          await Promise.all(other.nodes('master').map((node) => node.wait(1, 1_000)))
          for (const step of steps) await compare(step, bare, wrapped)
        }),
        { numRuns: RUNS, endOnFailure: true },
      )
    try {
      await compareAll('no policy')
      for (const { kind, policy } of KINDS) {
        const policies = names.map((name) => keyPolicy(name, policy(name)))
        await apply(server, wrapped, policyDocument(policies, { app, leaseMs: 60_000 }))
        await compareAll(kind)
        const status = inspect(wrapped)
        expect(status?.errors, kind).toBe(0)
        expect(
          status?.policies.some(({ reads }) => reads > 0),
          kind,
        ).toBe(true)
      }
    } finally {
      for (const client of [bare, wrapped, ...seeders]) client.disconnect()
    }
  },
  600_000,
)

async function compare(step: Step, bare: object, wrapped: object): Promise<void> {
  const [expected, got] = await Promise.all([take(bare, step), take(wrapped, step)])
  expect(got, JSON.stringify(step)).toStrictEqual(expected)
}

/** One key of each type, the same every time. */
async function seed(client: Cluster, prefix: string): Promise<void> {
  const named = (key: string) => `${prefix}${key}`
  await client
    .pipeline()
    .del(...namesOf(prefix), named('cold'))
    .set(named('string'), '12')
    .hset(named('hash'), 'a', '1', 'b', 'ü', '__proto__', 'x')
    .rpush(named('list'), 'a', 'b', '7')
    .sadd(named('set'), '1', '2', '7')
    .zadd(named('zset'), 1, 'a', 2.5, 'b')
    .set(Buffer.concat([Buffer.from(prefix), BINARY]), BINARY)
    .set(named('cold'), 'c')
    .exec()
}

async function copyAll(client: Cluster, names: Buffer[]): Promise<void> {
  await Promise.all(
    names.flatMap((name) =>
      [1, 4].map(async (index) => {
        const dump = await client.dumpBuffer(name)
        if (dump === null) await client.unlink(variantOf(index, name))
        else await client.restore(variantOf(index, name), 0, dump, 'REPLACE')
      }),
    ),
  )
}
