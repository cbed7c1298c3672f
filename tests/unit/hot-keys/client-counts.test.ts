import { describe, expect, it, test } from 'vitest'
import { ClientCountsOfCache, countsOfPrimary } from '../../../collector/hot-keys/client-counts.ts'
import { type ClientCounts, mergeClientCounts } from '../../../core/hot-keys/client-counts.ts'
import type { Topology } from '../../../core/sample.ts'
import { clientCounts, heartbeatOf } from '../../support/heartbeat.ts'
import { binomial, mulberry } from '../../support/random-draws.ts'

const text = (key: Uint8Array | undefined) => Buffer.from(key ?? []).toString()

describe('the counts of several instances', () => {
  it('adds rates, reads apart from writes, whatever the windows', () => {
    const { keys, sampled } = mergeClientCounts([
      [clientCounts({ a: [2_000, 0, 500], b: [100, 0, 0] }, { windowMs: 5_000, commands: 5_000 })],
      [clientCounts({ a: [500, 0, 0] }, { windowMs: 1_000, commands: 1_000 })],
    ])
    expect(keys.map(({ key }) => text(key))).toEqual(['a', 'b'])
    expect(keys[0]).toMatchObject({ db: 0, opsPerSec: 1_000, readsPerSec: 900, writesPerSec: 100 })
    expect(keys[1]).toMatchObject({ opsPerSec: 20, readsPerSec: 20, writesPerSec: 0 })
    expect(sampled).toBe(6_000)
  })

  it('leaves out what no server got: reads answered in process or by a copy', () => {
    const { keys } = mergeClientCounts([
      [clientCounts({ cached: [1_000, 990, 0], local: [500, 500, 0] }, { windowMs: 1_000 })],
    ])
    expect(keys).toHaveLength(1)
    expect(keys[0]).toMatchObject({ opsPerSec: 10, readsPerSec: 10 })
  })

  it('passes over what counted nothing, and knows a key by its database and bytes', () => {
    const odd = Buffer.from([0, 255, 10]).toString('base64')
    const counts: ClientCounts = {
      windowMs: 1_000,
      commands: 10,
      sampled: 10,
      keys: [
        { db: 0, keyBase64: odd, reads: 5, elsewhere: 0, writes: 0 },
        { db: 1, keyBase64: odd, reads: 3, elsewhere: 0, writes: 0 },
      ],
    }
    const nothing = [
      { ...counts, sampled: 0 },
      { ...counts, windowMs: 0 },
    ]
    const { keys } = mergeClientCounts([[counts], nothing, []])
    expect(keys.map(({ db, key, opsPerSec }) => [db, [...key], opsPerSec])).toEqual([
      [0, [0, 255, 10], 5],
      [1, [0, 255, 10], 3],
    ])
    expect(mergeClientCounts([nothing, []])).toEqual({ keys: [], sampled: 0 })
  })

  it('does not hide behind a full list: a key that is not in it may be as hot as its last', () => {
    const full = Object.fromEntries(
      Array.from({ length: 32 }, (_, at) => [`other ${at}`, [40, 0, 0]] as const),
    )
    const short = { other: [40, 0, 0] as const }
    const one = clientCounts({ hot: [500, 0, 0] }, { windowMs: 1_000, commands: 2_000 })
    const [withFull, withShort] = [full, short].map((keys) =>
      mergeClientCounts([[one], [clientCounts(keys, { windowMs: 1_000, commands: 2_000 })]]).keys.find(
        ({ key }) => text(key) === 'hot',
      ),
    )
    expect(withFull?.opsPerSec).toBe(500)
    expect((withFull?.opsPerSecHigh ?? 0) - (withShort?.opsPerSecHigh ?? 0)).toBeCloseTo(40)
  })
})

test.each([
  ['a hot key, three alike', [0.2, 0.2, 0.2], [5_000, 5_000, 5_000], [0.02, 0.02, 0.02], 0.5],
  ['one instance alone has it', [0.3, 0, 0], [5_000, 5_000, 5_000], [0.02, 0.02, 0.02], 0.8],
  ['a small one and a large one', [0.02, 0.1], [1_000, 50_000], [0.1, 0.01], 0.6],
  ['a light key', [0.01, 0.01], [20_000, 20_000], [0.02, 0.02], 1.5],
])('%s: the truth is inside in about 95 of 100 windows', (_, shares, commands, sampling, maxWidth) => {
  const random = mulberry(11)
  const RUNS = 3_000
  let covered = 0
  let width = 0
  const truth = shares.reduce((sum, share, at) => sum + share * (commands[at] ?? 0), 0)
  for (let run = 0; run < RUNS; run++) {
    const instances = shares.map((share, at) => {
      const all = commands[at] ?? 0
      const sampled = Math.round(all * (sampling[at] ?? 0))
      const uses = (binomial(sampled, share, random) * all) / sampled
      return [
        clientCounts(uses > 0 ? { hot: [uses, 0, 0] } : {}, { windowMs: 1_000, commands: all, sampled }),
      ]
    })
    const [key] = mergeClientCounts(instances).keys
    if (key === undefined) continue
    if (key.opsPerSecLow <= truth && truth <= key.opsPerSecHigh) covered++
    width += (key.opsPerSecHigh - key.opsPerSecLow) / truth / RUNS
  }
  expect(covered / RUNS).toBeGreaterThanOrEqual(0.94)
  expect(width).toBeLessThan(maxWidth)
})

describe('the counts of a cache', () => {
  it('takes each heartbeat once, pools the last seconds, and forgets who is silent', () => {
    let now = 1_000_000
    const counts = new ClientCountsOfCache(() => now)
    expect(counts.read()).toBeNull()
    const first = heartbeatOf('one', now, clientCounts({ hot: [1_000, 0, 0] }, { windowMs: 5_000 }))
    now += 1_000
    counts.note(first, now)
    counts.note(first, now)
    expect(counts.read()).toMatchObject({ sampled: 1_000, from: now - 5_000, to: now })
    expect(counts.read()?.keys[0]?.opsPerSec).toBe(200)
    now += 5_000
    counts.note(heartbeatOf('one', now, clientCounts({ hot: [3_000, 0, 0] }, { windowMs: 5_000 })), now)
    expect(counts.read()?.keys[0]?.opsPerSec).toBe(400)
    now += 14_000
    expect(counts.read()?.keys[0]?.opsPerSec).toBe(600)
    now += 2_000
    expect(counts.read()).toBeNull()
  })

  it('tells applications apart, and their clocks do not matter', () => {
    const now = 1_000_000
    const counts = new ClientCountsOfCache(() => now)
    const window = clientCounts({ hot: [100, 0, 0] }, { windowMs: 1_000 })
    counts.note({ ...heartbeatOf('1', now - 3_600_000, window), app: 'shop' }, now)
    counts.note({ ...heartbeatOf('1', now + 3_600_000, window), app: 'mail' }, now)
    expect(counts.read()?.keys[0]?.opsPerSec).toBe(200)
    expect(counts.read()).toMatchObject({ from: now - 1_000, to: now })
  })

  const topology = (slots: [number, number][][] | null): Topology => ({
    cacheId: 'shop',
    at: 0,
    shards: (slots ?? [null]).map((ranges, index) => ({
      ordinal: index + 1,
      slots: ranges,
      nodes: [
        { address: `p${index + 1}:1`, role: 'primary', clusterNodeId: null },
        { address: `r${index + 1}:1`, role: 'replica', clusterNodeId: null },
      ],
    })),
  })

  it('gives each key to the primary of its slot', () => {
    const now = 1_000
    const counts = new ClientCountsOfCache(() => now)
    counts.note(
      heartbeatOf('1', now, clientCounts({ 'article:42': [90, 0, 0], '{hk1.1}:article:42': [10, 0, 0] })),
      now,
    )
    const read = counts.read()
    if (read === null) throw new Error('no counts')
    const keysOf = (cluster: Topology, address: string) =>
      countsOfPrimary(read, cluster, address)?.keys.map(({ key }) => text(key)) ?? null
    const slot = read.keys[0]?.slot ?? -1
    expect(slot).toBeGreaterThan(0)
    const cluster = topology([
      [
        [0, slot - 1],
        [slot + 1, 16_383],
      ],
      [[slot, slot]],
    ])
    expect(keysOf(cluster, 'p2:1')).toEqual(['article:42'])
    expect(keysOf(cluster, 'p1:1')).toEqual(['{hk1.1}:article:42'])
    expect(keysOf(cluster, 'r2:1')).toBeNull()
    expect(keysOf(topology(null), 'p1:1')).toHaveLength(2)
    const apart = topology(null)
    apart.shards.push({ ordinal: 2, slots: null, nodes: [] })
    expect(keysOf(apart, 'p1:1')).toBeNull()
  })
})
