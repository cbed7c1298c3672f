/** What the tests of @cachescope/client share: both ioredis, policy documents, and waiting until one is applied. */
import { createRequire } from 'node:module'
import * as six from 'ioredis'
import { inspect } from '../../client/index.ts'
import type { KeyPolicy, LocalPolicy, PolicyDocument, VariantsPolicy } from '../../core/protocol/policy.ts'
import { type RedisProcess, until } from './redis.ts'

/** The same to our tests, though TypeScript takes two versions for strangers. */
const five: typeof six = createRequire(import.meta.url)('ioredis-5')

export const IOREDIS = [
  { version: '6', Redis: six.Redis, Cluster: six.Cluster },
  { version: '5', Redis: five.Redis, Cluster: five.Cluster },
]

const base64 = (key: string | Buffer): string => Buffer.from(key).toString('base64')

export const localPolicy = (more: Partial<LocalPolicy> = {}): LocalPolicy => ({
  ...{ ttlMs: 5_000, jitter: 0.1, maxBytes: 65_536, track: true, staleMs: 0 },
  ...more,
})

export const variantsPolicy = (names: (string | Buffer)[], writeFanout = true): VariantsPolicy => ({
  keysBase64: names.map(base64),
  writeFanout,
})

let lastId = 0

export function keyPolicy(key: string | Buffer, more: Partial<KeyPolicy> = {}): KeyPolicy {
  return {
    ...{
      id: `p${++lastId}`,
      phase: 'active',
      db: 0,
      keyBase64: base64(key),
      expiresAt: Date.now() + 3_600_000,
    },
    ...{ local: null, variants: null, replicaRead: false },
    ...more,
  }
}

let lastRev = 0

export function policyDocument(policies: KeyPolicy[], more: Partial<PolicyDocument> = {}): PolicyDocument {
  return {
    ...{ v: 1, app: 'shop', rev: ++lastRev, issuedAt: Date.now(), leaseMs: 30_000, kill: false, policies },
    ...more,
  }
}

type Sends = Pick<RedisProcess, 'command'>

/** The collector writes it again and again; here it stands, however long a busy machine takes. */
const RENEWED_MS = 600_000

/** Publishes the document as the collector does; resolves when the client has applied it, and armed its trackers. */
export async function apply(server: Sends, client: object, document: PolicyDocument): Promise<void> {
  await server.command('set', `{hk:${document.app}}:pol`, JSON.stringify(document), 'PX', RENEWED_MS)
  await until(`revision ${document.rev} is applied`, () => {
    const status = inspect(client)
    return status?.rev === document.rev && status.policies.every(({ tracker }) => tracker !== 'down')
  })
}
