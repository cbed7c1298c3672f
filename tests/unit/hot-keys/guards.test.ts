import { describe, expect, test } from 'vitest'
import { describeFailure } from '../../../collector/monitor/refusals.ts'
import { type GuardFacts, guardRefusal, maxOutputBytes } from '../../../core/hot-keys/guards.ts'

describe('guards', () => {
  const fine: GuardFacts = {
    loading: false,
    failoverInProgress: false,
    primaryLinkUp: null,
    usedMemoryBytes: 84,
    maxMemoryBytes: 100,
    maxMemoryPolicy: null,
    rssBytes: 84,
    systemMemoryBytes: 100,
    role: 'primary',
    replicationLagSeconds: 10,
  }
  test.each<[string, Partial<GuardFacts>, RegExp | null]>([
    ['all is well', {}, null],
    ['no limit', { usedMemoryBytes: 1e12, maxMemoryBytes: 0 }, null],
    ['memory unknown', { usedMemoryBytes: null }, null],
    ['little headroom', { usedMemoryBytes: 86 }, /Only 14% of maxmemory is free/],
    [
      'a cache that lives at its limit',
      { usedMemoryBytes: 99, maxMemoryPolicy: 'allkeys-lru' },
      /under allkeys-lru MONITOR's output would evict keys.*Other sources go on/,
    ],
    ['above the limit', { usedMemoryBytes: 120 }, /Only 0% of maxmemory is free/],
    [
      "little of the machine's memory left, without a limit",
      { maxMemoryBytes: 0, rssBytes: 88 },
      /leaves only 12% of its machine's memory.*set a lower maxmemory/,
    ],
    ["the machine's memory unknown", { maxMemoryBytes: 0, rssBytes: 88, systemMemoryBytes: null }, null],
    [
      'a replica behind',
      { replicationLagSeconds: 11.6 },
      /A replica of the node is 12 s behind.*once all replicas are/,
    ],
    ['behind itself', { role: 'replica', replicationLagSeconds: 30 }, /The node is 30 s behind its primary/],
    ['lag unknown', { replicationLagSeconds: null }, null],
    ['loading', { loading: true }, /loading/],
    ['failover', { failoverInProgress: true }, /failover/],
    ['link down', { primaryLinkUp: false }, /link to its primary is down/],
  ])('%s', (_, facts, expected) => {
    const refusal = guardRefusal({ ...fine, ...facts })
    if (expected === null) expect(refusal).toBeNull()
    else expect(refusal).toMatch(expected)
  })

  test.each<[string, Partial<GuardFacts>, number]>([
    ['nothing is known', { usedMemoryBytes: null, rssBytes: null }, 8 * 2 ** 20],
    [
      'much is free',
      { usedMemoryBytes: 0, maxMemoryBytes: 2 ** 40, systemMemoryBytes: 2 ** 40 },
      8 * 2 ** 20,
    ],
    [
      'little is free below maxmemory',
      { usedMemoryBytes: 80e6, maxMemoryBytes: 100e6, systemMemoryBytes: 2 ** 40 },
      1e6,
    ],
    ['little is free on the machine', { maxMemoryBytes: 0, rssBytes: 90e6, systemMemoryBytes: 100e6 }, 0.5e6],
  ])('what the node may hold for us where %s', (_, facts, bytes) => {
    expect(maxOutputBytes({ ...fine, ...facts })).toBeCloseTo(bytes, -1)
  })
})

test.each([
  [{ kind: 'refused', code: 'NOPERM', toAuth: false }, 'ACL SETUSER eyes +monitor', true],
  [{ kind: 'refused', code: 'NOAUTH', toAuth: false }, 'wants a password', true],
  [{ kind: 'refused', code: 'WRONGPASS', toAuth: true }, 'does not accept the password', true],
  [{ kind: 'refused', code: 'LOADING', toAuth: false }, 'loading its data', false],
  [{ kind: 'refused', code: 'BUSY', toAuth: false }, 'script', false],
  [{ kind: 'refused', code: 'MASTERDOWN', toAuth: false }, 'link to its primary', false],
  [{ kind: 'refused', code: 'DENIED', toAuth: false }, 'protected mode', true],
  [{ kind: 'refused', code: '?', toAuth: false }, 'does not speak the Redis protocol', true],
  [{ kind: 'refused', code: 'ERR', toAuth: false }, 'no MONITOR', true],
  [{ kind: 'refused', code: 'ERR', toAuth: true }, 'AUTH', true],
  [{ kind: 'refused', code: 'NEWCODE', toAuth: false }, 'refuses MONITOR', true],
  [{ kind: 'failed', code: 'timeout' }, 'did not answer', false],
  [{ kind: 'failed', code: 'ECONNREFUSED' }, 'refuses connections', false],
  [{ kind: 'failed', code: 'ENOTFOUND' }, 'no address', false],
  [{ kind: 'failed', code: 'ECONNRESET' }, 'closes the connection', false],
  [{ kind: 'failed', code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'TLS', false],
  [{ kind: 'failed', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'TLS', false],
  [{ kind: 'failed', code: 'EHOSTUNREACH' }, 'cannot be reached', false],
] as const)('%o is one sentence', (end, words, lasting) => {
  const refusal = describeFailure(end, 'eyes')
  expect(refusal.sentence).toContain(words)
  expect(refusal.sentence).toMatch(/^[A-Z].*[a-z)]\.$/)
  expect(refusal.lasting).toBe(lasting)
})
