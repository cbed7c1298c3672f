import { describe, expect, test } from 'vitest'
import { cacheHealth, shardHealth } from '../../core/health.ts'
import { nodeMetricNames } from '../../core/metrics.ts'
import type { HotKey, Node } from '../../core/model.ts'
import { type CacheInput, type ShardInput, summarizeCache, summarizeShards } from '../../core/summary.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const iso = (agoMs: number) => new Date(NOW - agoMs).toISOString()
const unknown = Object.fromEntries(nodeMetricNames.map((name) => [name, null])) as Omit<
  NonNullable<Node['latest']>,
  'nodeId' | 'at'
>

function node(over: Partial<Node> & { metrics?: Partial<NonNullable<Node['latest']>> } = {}): Node {
  const { metrics, ...rest } = over
  return {
    cacheId: 'shop',
    shardId: 1,
    shardOrdinal: 1,
    nodeId: 1,
    address: '10.0.0.1:7000',
    role: 'primary',
    state: 'up',
    stateMessage: null,
    stateSince: iso(60_000),
    engine: 'redis',
    version: '7.0.15',
    uptimeSeconds: 10,
    maxMemoryPolicy: null,
    maxClients: null,
    clusterNodeId: null,
    hotKeysRefusal: null,
    watching: null,
    checkedAt: iso(1_000),
    firstSeenAt: iso(60_000),
    latest: { ...unknown, nodeId: 1, at: iso(1_000), opsPerSec: 100, ...metrics },
    ...rest,
  }
}
const replica = (over: Parameters<typeof node>[0] = {}) =>
  node({ role: 'replica', nodeId: 2, address: '10.0.0.1:7001', ...over })
const refused = { state: 'refused', stateMessage: 'Nothing listens on 10.0.0.1:7000.' } as const
const shardOf = (nodes: Node[]) => ({ ordinal: 1, slots: null, nodes, opsPerSec: null, loadShare: null })

describe('shardHealth', () => {
  test.each<[string, Node[], string, RegExp]>([
    ['serving', [node(), replica()], 'ok', /serves its keys/],
    [
      'not asked yet',
      [node({ checkedAt: null, state: 'pending', latest: null })],
      'pending',
      /not been sampled/,
    ],
    ['old news', [node({ checkedAt: iso(11_000) })], 'stale', /for 11 s/],
    [
      'the primary refuses',
      [node(refused), replica()],
      'down',
      /^Shard 1 has no primary that serves: Nothing/,
    ],
    ['the primary loads', [node({ state: 'loading' })], 'down', /is loading/],
    ['no primary known', [replica()], 'down', /none is known/],
    [
      'may not read',
      [node({ state: 'denied', stateMessage: 'No permission.' })],
      'degraded',
      /cannot be read: 10.*No/,
    ],
    ['a replica is away', [node(), replica({ state: 'timeout' })], 'degraded', /7001 is timeout/],
    ['a replica lags', [node(), replica({ metrics: { lagSeconds: 11 } })], 'degraded', /11 s behind/],
    ['lag within bounds', [node(), replica({ metrics: { lagSeconds: 10 } })], 'ok', /serves/],
    ['rejects connections', [node({ metrics: { rejectedPerSec: 2 } })], 'degraded', /rejects connections/],
    [
      'another primary took over',
      [node(refused), node({ nodeId: 3, address: 'b:1' })],
      'degraded',
      /Nothing listens/,
    ],
  ])('%s', (_name, nodes, health, reason) => {
    const verdict = shardHealth(shardOf(nodes), 2_000, NOW)
    expect(verdict.health).toBe(health)
    expect(verdict.reason).toMatch(reason)
  })

  test('stale after three intervals where they are long', () => {
    const nodes = [node({ checkedAt: iso(25_000) })]
    expect(shardHealth(shardOf(nodes), 10_000, NOW).health).toBe('ok')
    expect(shardHealth(shardOf(nodes), 8_000, NOW).health).toBe('stale')
  })
})

const hotKey: HotKey = {
  cacheId: 'shop',
  shardId: 2,
  nodeId: 3,
  key: 'article:42',
  keyBase64: '',
  db: 0,
  share: 0.64,
  shareLow: 0.63,
  shareHigh: 0.65,
  opsPerSec: 500,
  opsPerSecLow: 490,
  opsPerSecHigh: 510,
  readsPerSec: 500,
  writesPerSec: 0,
  topCommand: 'GET',
  commands: ['GET'],
  cpuShare: null,
  lfuCounter: null,
  sizeBytes: null,
  bytesPerSec: null,
  isMissing: null,
  probedAt: null,
  source: 'monitor',
  rank: 1,
  window: { from: iso(10_000), to: iso(0), sampledCommands: 20_000 },
}
const shard = (ordinal: number, nodes: Node[], over: Partial<ShardInput> = {}): ShardInput => ({
  shardId: ordinal,
  ordinal,
  slots: null,
  nodes,
  hottestKey: null,
  hottestKeyOpsPerSec: null,
  ...over,
})
const cache = (shards: ShardInput[], over: Partial<CacheInput> = {}): CacheInput => ({
  cacheId: 'shop',
  kind: 'cluster',
  intervalMs: 2_000,
  clusterDown: null,
  shards,
  ...over,
})
const load = (opsPerSec: number) => [
  node({ metrics: { opsPerSec, hitsPerSec: opsPerSec * 0.9, missesPerSec: opsPerSec * 0.1 } }),
]

describe('summarizeCache', () => {
  test('names the shard and the key that carry the load', () => {
    const summary = summarizeCache(
      cache([
        shard(1, load(100)),
        shard(2, load(710), { hottestKey: hotKey, hottestKeyOpsPerSec: 497 }),
        shard(3, load(190)),
      ]),
      NOW,
    )
    expect(summary.healthReason).toBe('Shard 2 carries 71% of the load; article:42 is 70% of it.')
    expect(summary).toMatchObject({ health: 'ok', opsPerSec: 1_000, hottestShardId: 2, hottestKey: hotKey })
    expect(summary.hottestOverMean).toBeCloseTo(2.13)
    expect(summary.hitRate).toBeCloseTo(0.9)
  })

  test('names no shard where there is too little traffic to tell', () => {
    const summary = summarizeCache(cache([shard(1, load(1)), shard(2, load(7)), shard(3, load(1))]), NOW)
    expect(summary.healthReason).toBe('3 shards share 9.0 commands/s; 90% of reads hit.')
    expect(summary.hottestOverMean).toBeCloseTo(2.33)
  })

  test('what is left of the memory is not counted on a primary that is away', () => {
    const metrics = { usedMemoryBytes: 60, maxMemoryBytes: 100 }
    const summary = summarizeCache(
      cache([shard(1, [node({ metrics })]), shard(2, [node({ state: 'refused', metrics })])]),
      NOW,
    )
    expect(summary).toMatchObject({ usedMemoryBytes: 60, maxMemoryBytes: 100 })
  })

  test('the part of a key is of its shard, not of the node that saw it', () => {
    const nodes = [...load(100), replica({ metrics: { opsPerSec: 900 } })]
    const reasonFor = (over: Partial<ShardInput>) =>
      summarizeCache(cache([shard(1, nodes, over), shard(2, load(100))]), NOW).healthReason
    const onReplica = { ...hotKey, share: 0.6, opsPerSec: 540 }
    expect(reasonFor({ hottestKey: onReplica, hottestKeyOpsPerSec: 600 })).toMatch(/article:42 is 60% of it/)
    expect(reasonFor({ hottestKey: hotKey, hottestKeyOpsPerSec: 1_300 })).toMatch(/article:42 is 100% of it/)
    expect(reasonFor({})).toBe('Shard 1 carries 91% of the load.')
  })

  test.each<[string, [number, number][][], Partial<CacheInput>, string, RegExp]>([
    ['all slots owned', [[[0, 8_191]], [[8_192, 16_383]]], {}, 'ok', /2 shards share/],
    [
      'slots that nobody owns',
      [[[0, 5_000]], [[8_192, 16_383]]],
      {},
      'down',
      /^3191 of 16384 slots are not served: no shard owns them\.$/,
    ],
    [
      'one of them',
      [[[0, 8_190]], [[8_192, 16_383]]],
      {},
      'down',
      /^1 of 16384 slots is not served: no shard owns it\.$/,
    ],
    ['slots mean nothing elsewhere', [[[0, 99]], []], { kind: 'standalone' }, 'ok', /2 shards share/],
    [
      'the cluster says that it does not serve',
      [[[0, 8_191]], [[8_192, 16_383]]],
      { clusterDown: 'The cluster does not serve.' },
      'down',
      /^The cluster does not serve\.$/,
    ],
  ])('%s', (_name, slots, over, health, reason) => {
    const shards = slots.map((ranges, index) => shard(index + 1, load(100), { slots: ranges }))
    const summary = summarizeCache(cache(shards, over), NOW)
    expect(summary.health).toBe(health)
    expect(summary.healthReason).toMatch(reason)
  })

  test('a shard that is down says more than the cluster', () => {
    const shards = [shard(1, load(100)), shard(2, [node(refused)])]
    const summary = summarizeCache(cache(shards, { clusterDown: 'The cluster does not serve.' }), NOW)
    expect(summary.healthReason).toMatch(/^Shard 2 has no primary/)
  })

  test('says what a balanced cache does', () => {
    const summary = summarizeCache(cache([shard(1, load(1_000)), shard(2, load(1_100))]), NOW)
    expect(summary.healthReason).toBe('2 shards share 2.10 k commands/s; 90% of reads hit.')
  })

  test('one shard down is the cache down', () => {
    const summary = summarizeCache(cache([shard(1, load(100)), shard(2, [node(refused)])]), NOW)
    expect(summary).toMatchObject({ health: 'down', nodesUp: 1, nodeCount: 2, opsPerSec: 100 })
    expect(summary.healthReason).toBe('Shard 2 has no primary that serves: Nothing listens on 10.0.0.1:7000.')
  })

  test('before the first sample nothing is known, and nothing is 0', () => {
    for (const shards of [[], [shard(1, [node({ checkedAt: null, state: 'pending', latest: null })])]]) {
      expect(summarizeCache(cache(shards), NOW)).toMatchObject({
        health: 'pending',
        opsPerSec: null,
        hitRate: null,
        usedMemoryBytes: null,
        hottestOverMean: null,
        sampledAt: null,
      })
    }
  })

  test('all shards stale: nobody samples', () => {
    const old = [node({ checkedAt: iso(3 * 60_000) })]
    const summary = summarizeCache(cache([shard(1, old), shard(2, old)]), NOW)
    expect(summary).toMatchObject({
      health: 'stale',
      healthReason: 'No news for 3 min: no collector samples this cache.',
    })
  })

  test('a limit is known only where every primary has one', () => {
    const limited = [node({ metrics: { usedMemoryBytes: 10, maxMemoryBytes: 100 } })]
    const unlimited = [node({ metrics: { usedMemoryBytes: 10, maxMemoryBytes: 0 } })]
    expect(summarizeCache(cache([shard(1, limited), shard(2, limited)]), NOW).maxMemoryBytes).toBe(200)
    expect(summarizeCache(cache([shard(1, limited), shard(2, unlimited)]), NOW).maxMemoryBytes).toBeNull()
  })
})

test('summarizeShards gives each its share and counts slots', () => {
  const [first, second] = summarizeShards(
    cache([shard(1, load(300), { slots: [[0, 99]] }), shard(2, load(100))]),
    NOW,
  )
  expect(first).toMatchObject({ loadShare: 0.75, slotCount: 100, health: 'ok', primaryNodeId: 1 })
  expect(second?.loadShare).toBe(0.25)
})

test('the worst shard speaks for the cache', () => {
  const unknownFacts = { clusterDown: null, hitRate: null, skew: null, topKey: null }
  const facts = { kind: 'cluster' as const, intervalMs: 2_000, now: NOW, ...unknownFacts }
  const verdict = cacheHealth(
    [1, 2, 3].map((ordinal) => ({ ...shardOf([node(refused)]), ordinal })),
    facts,
  )
  expect(verdict.reason).toMatch(/^Shard 1 has no primary.* 2 more shards are down\.$/)
})
