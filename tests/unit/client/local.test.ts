import { describe, expect, test } from 'vitest'
import { copy, measure } from '../../../client/copy.ts'
import { Latency } from '../../../client/latency.ts'
import { LivePolicy } from '../../../client/live-policy.ts'
import { LocalTier } from '../../../client/mitigations/local.ts'
import { settle } from '../../../client/options.ts'
import { nameCall } from '../../../client/read-call.ts'
import { minimalPrefixes } from '../../../client/tracking/prefixes.ts'
import { POLICY_LIMITS } from '../../../core/protocol/policy.ts'
import { keyPolicy, localPolicy } from '../../support/hot-client.ts'

type Deferred = { resolve: (value: unknown) => void; reject: (error: Error) => void }

function tier(more: Parameters<typeof localPolicy>[0] = {}) {
  let at = 0
  const settings = settle({ app: 'shop', now: () => at, random: () => 0.5 })
  const policy = new LivePolicy(keyPolicy('k', { local: localPolicy({ track: false, ...more }) }))
  const local = new LocalTier(settings)
  const loads: Deferred[] = []
  const load = () => new Promise<unknown>((resolve, reject) => loads.push({ resolve, reject }))
  return {
    policy,
    local,
    loads,
    read: (id = 'get') => local.read(policy, id, at, load, () => true),
    pass: (ms: number) => {
      at += ms
    },
  }
}

describe('the local tier', () => {
  test('loads once for all who ask meanwhile, and then answers from memory until the value is too old', async () => {
    const { read, loads, pass, policy } = tier({ ttlMs: 1_000, jitter: 0.2 })
    const asked = [read(), read(), read()]
    loads[0]?.resolve('v1')
    expect(await Promise.all(asked)).toEqual(['v1', 'v1', 'v1'])
    // 1,000 ms, less 0.2 × 0.5 of it.
    pass(899)
    expect(await read()).toBe('v1')
    pass(1)
    const again = read()
    expect(loads).toHaveLength(2)
    loads[1]?.resolve('v2')
    expect(await again).toBe('v2')
    expect(policy).toMatchObject({ hits: 1, misses: 4, joined: 2 })
  })

  test('discards a load that began before an invalidation, and who asks after it is not answered by it', async () => {
    const { read, loads, policy } = tier()
    const before = read()
    policy.forget()
    const after = read()
    expect(loads).toHaveLength(2)
    loads[1]?.resolve('new')
    expect(await after).toBe('new')
    loads[0]?.resolve('old')
    expect(await before).toBe('old')
    expect(await read()).toBe('new')
    policy.forget()
    read().catch(() => {})
    expect(loads).toHaveLength(3)
  })

  test('a load that is older than a value may be is not joined, and what it brings is not kept over a newer one', async () => {
    const { read, loads, pass } = tier({ ttlMs: 500, jitter: 0 })
    const before = read()
    // As of a process that was stopped for a while.
    pass(20_000)
    const after = read()
    expect(loads).toHaveLength(2)
    loads[1]?.resolve('new')
    expect(await after).toBe('new')
    loads[0]?.resolve('old')
    expect(await before).toBe('old')
    expect(await read()).toBe('new')
  })

  test('gives a failure to those who wait for it, and keeps nothing of it', async () => {
    const { read, loads } = tier()
    const asked = [read(), read()]
    loads[0]?.reject(new Error('no'))
    for (const one of asked) await expect(one).rejects.toThrow('no')
    const again = read()
    loads[1]?.resolve(null)
    expect(await again).toBe(null)
    expect(await read()).toBe(null)
  })

  test('serves an old value while one read renews it, if it may', async () => {
    const { read, loads, pass } = tier({ ttlMs: 1_000, jitter: 0, staleMs: 500 })
    const first = read()
    loads[0]?.resolve('v1')
    await first
    pass(1_200)
    expect(await Promise.all([read(), read()])).toEqual(['v1', 'v1'])
    expect(loads).toHaveLength(2)
    loads[1]?.resolve('v2')
    await Promise.resolve()
    expect(await read()).toBe('v2')
    pass(1_500)
    read().catch(() => {})
    expect(loads).toHaveLength(3)
  })

  test('gives copies: what a caller changes is his alone', async () => {
    const { read, loads } = tier()
    const asked = [read(), read()]
    const value = { a: [Buffer.from('x')] }
    loads[0]?.resolve(value)
    const [one, other] = (await Promise.all(asked)) as (typeof value)[]
    one?.a[0]?.write('y')
    one?.a.push(Buffer.from('z'))
    expect(other).toEqual({ a: [Buffer.from('x')] })
    expect(await read()).toEqual({ a: [Buffer.from('x')] })
  })

  test('stays within its entries and its bytes, and keeps no larger value than the policy allows', async () => {
    const { local, policy } = tier({ maxBytes: POLICY_LIMITS.valueBytes })
    const fill = (id: string, value: string) =>
      local.read(
        policy,
        id,
        0,
        () => Promise.resolve(value),
        () => true,
      )
    for (let index = 0; index < 2_000; index++) await fill(`small ${index}`, 'x')
    expect(local.size.entries).toBe(POLICY_LIMITS.localEntries)
    for (let index = 0; index < 300; index++) await fill(`large ${index}`, 'x'.repeat(250_000))
    expect(local.size.bytes).toBeLessThanOrEqual(POLICY_LIMITS.localBytes)
    const before = local.size.entries
    await fill('too large', 'x'.repeat(POLICY_LIMITS.valueBytes + 1))
    expect(local.size.entries).toBe(before)
  })
})

test.each([
  ['text', 'ü', 'ü'],
  ['bytes', Buffer.from([0xff]), Buffer.from([0xff])],
  ['nothing', null, null],
  ['a field called __proto__', JSON.parse('{"__proto__":"x"}'), JSON.parse('{"__proto__":"x"}')],
  ['a Map in a list', [new Map([['a', 1.5]])], [new Map([['a', 1.5]])]],
  ['a Set', new Set(['a']), new Set(['a'])],
])('%s is copied whole', (_, value, expected) => {
  expect(measure(value)).toBeGreaterThan(0)
  expect(copy(value)).toStrictEqual(expected)
})

test('what is not plain data is not kept', () => {
  expect(measure(new Date())).toBeNull()
  expect(measure([() => {}])).toBeNull()
})

test('no two calls have one name', () => {
  const calls = [
    ['k', 'a', 'b'],
    ['k', 'ab'],
    ['k', 'a b'],
    ['k', Buffer.from('ab')],
    ['k', ''],
    ['k'],
    ['k', 'a', '', 'b'],
  ]
  const names = calls.map((args) => nameCall({ method: 'hget', args, keyAt: 0, callback: undefined }))
  expect(new Set(names).size).toBe(calls.length)
  expect(nameCall({ method: 'hget', args: ['k', { a: 1 }], keyAt: 0, callback: undefined })).toBeNull()
})

test('prefixes are the fewest that cover every key, none the beginning of another', () => {
  const keys = ['product:12', 'b', 'product:1', 'product:123', 'product:2']
  expect(minimalPrefixes(keys.map((key) => Buffer.from(key))).map(String)).toEqual([
    'b',
    'product:1',
    'product:2',
  ])
})

test('percentiles are within a tenth of the truth', () => {
  const latency = new Latency()
  expect(latency.percentile(0.5)).toBeNull()
  for (let ms = 1; ms <= 1_000; ms++) latency.add(ms)
  expect((latency.percentile(0.5) ?? 0) / 500_000).toBeCloseTo(1, 0.9)
  expect((latency.percentile(0.99) ?? 0) / 990_000).toBeCloseTo(1, 0.9)
})
