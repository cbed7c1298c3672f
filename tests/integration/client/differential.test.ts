/**
 * The same random commands through a wrapped and a bare client, on two servers with equal data: results, errors and
 * types must be equal, with no policy and with policies of each kind in force.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cachescope, inspect } from '../../../client/index.ts'
import type { KeyPolicy } from '../../../core/protocol/policy.ts'
import { BINARY, type Step, seedData, sequence, take } from '../../support/client-steps.ts'
import {
  apply,
  IOREDIS,
  keyPolicy,
  localPolicy,
  policyDocument,
  variantsPolicy,
} from '../../support/hot-client.ts'
import { type RedisProcess, startRedis } from '../../support/redis.ts'

const HOT = ['string', 'hash', 'list', 'set', 'zset', 'missing', BINARY]
const RUNS = 60

let bareServer: RedisProcess
let wrappedServer: RedisProcess
beforeAll(async () => {
  ;[bareServer, wrappedServer] = await Promise.all([startRedis(), startRedis()])
})
afterAll(() => Promise.all([bareServer.stop(), wrappedServer.stop()]))

const variantOf = (index: number, name: Buffer) => Buffer.concat([Buffer.from(`{hk${index}.0}:`), name])

const KINDS: { kind: string; policy: (name: Buffer) => Partial<KeyPolicy> }[] = [
  { kind: 'local', policy: () => ({ local: localPolicy() }) },
  {
    kind: 'variants',
    policy: (name) => ({ variants: variantsPolicy([name, variantOf(1, name), variantOf(2, name)]) }),
  },
  { kind: 'replica reads', policy: () => ({ replicaRead: true }) },
  { kind: 'prepared', policy: () => ({ phase: 'prepare', local: localPolicy() }) },
]

type Mode = {
  name: string
  Redis: (typeof IOREDIS)[number]['Redis']
  db: number
  options: { [option: string]: unknown; keyPrefix?: string; enableAutoPipelining?: boolean }
}
const MODES: Mode[] = IOREDIS.flatMap(({ version, Redis }, index) => [
  { name: `ioredis ${version}`, Redis, db: index, options: { showFriendlyErrorStack: true } },
  {
    name: `ioredis ${version}, automatic pipelines`,
    Redis,
    db: 2 + index,
    options: { enableAutoPipelining: true },
  },
  { name: `ioredis ${version}, a key prefix`, Redis, db: 4 + index, options: { keyPrefix: 'app:' } },
])
const [six] = IOREDIS
if (six) {
  const options = { replyMapping: 'resp3' }
  MODES.push({ name: 'ioredis 6, replies of RESP3', Redis: six.Redis, db: 6, options })
}

test.concurrent.each(MODES)(
  'answers as the bare client does, whatever is in force: $name',
  async ({ Redis, db, options }) => {
    const prefix = options.keyPrefix ?? ''
    const app = `app-${db}`
    const bare = new Redis({ port: bareServer.port, db, ...options })
    const wrapped = cachescope(new Redis({ port: wrappedServer.port, db, ...options }), { app })
    const seeders = [bareServer, wrappedServer].map(({ port }) => new Redis({ port, db, keyPrefix: prefix }))
    const names = HOT.map((key) => Buffer.concat([Buffer.from(prefix), Buffer.from(key)]))
    const copier = new Redis({ port: wrappedServer.port, db })
    const compareAll = (kind: string) =>
      fc.assert(
        fc.asyncProperty(sequence('enableAutoPipelining' in options, kind === 'variants'), async (steps) => {
          await Promise.all(seeders.map(seedData))
          await Promise.all(
            names.flatMap((name) =>
              [1, 2].map((index) => copier.copy(name, variantOf(index, name), 'REPLACE')),
            ),
          )
          await compare(steps, bare, wrapped)
        }),
        { numRuns: RUNS, endOnFailure: true },
      )
    try {
      await compareAll('no policy')
      for (const { kind, policy } of KINDS) {
        const document = policyDocument(
          names.map((name) => keyPolicy(name, { db, ...policy(name) })),
          // The longest there is: a busy machine is slow to confirm it.
          { app, leaseMs: 60_000 },
        )
        await apply(wrappedServer, wrapped, document)
        await compareAll(kind)
        const status = inspect(wrapped)
        expect(
          status?.policies.every(({ reads }) => reads > 0),
          kind,
        ).toBe(true)
        expect(status?.rev).toBe(document.rev)
      }
    } finally {
      for (const client of [bare, wrapped, copier, ...seeders]) client.disconnect()
    }
  },
  600_000,
)

async function compare(steps: Step[], bare: object, wrapped: object): Promise<void> {
  for (const step of steps) {
    const [expected, got] = await Promise.all([take(bare, step), take(wrapped, step)])
    expect(got, JSON.stringify(step)).toStrictEqual(expected)
  }
}
