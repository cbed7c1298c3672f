import { describe, expect, test } from 'vitest'
import {
  type Answer,
  bySeverity,
  cacheAnswer,
  evennessNote,
  fleetAnswer,
  isSkewed,
} from '../../app/_lib/answers.ts'
import { shardLoads, shardLoadText } from '../../app/_lib/shard-load.ts'
import type { Cache, HotKey, Node, Shard } from '../../core/model.ts'

const hotKey: HotKey = {
  cacheId: 'shop',
  shardId: 12,
  nodeId: 102,
  key: 'article:42',
  keyBase64: 'YXJ0aWNsZTo0Mg==',
  db: 0,
  share: 0.64,
  shareLow: 0.63,
  shareHigh: 0.65,
  opsPerSec: 8000,
  opsPerSecLow: 7900,
  opsPerSecHigh: 8100,
  readsPerSec: 8000,
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
  window: { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:10Z', sampledCommands: 20_000 },
}

const cache = (over: Partial<Cache> = {}): Cache => ({
  cacheId: 'shop',
  kind: 'cluster',
  intervalMs: 2000,
  health: 'ok',
  healthReason: 'All nodes answer.',
  sampledAt: '2026-01-01T00:00:10Z',
  shardCount: 3,
  nodeCount: 6,
  nodesUp: 6,
  opsPerSec: 17_600,
  hitRate: 0.9,
  usedMemoryBytes: 1e9,
  maxMemoryBytes: null,
  evictedPerSec: 0,
  worstLagSeconds: 0,
  worstLagBytes: 0,
  hottestOverMean: 1.1,
  hottestShardId: 12,
  hottestKey: null,
  ...over,
})

const shard = (ordinal: number, opsPerSec: number | null, over: Partial<Shard> = {}): Shard => ({
  cacheId: 'shop',
  shardId: 10 + ordinal,
  ordinal,
  slots: null,
  slotCount: null,
  health: 'ok',
  primaryNodeId: null,
  opsPerSec,
  loadShare: null,
  hitRate: null,
  worstLagSeconds: null,
  worstLagBytes: null,
  hottestKey: null,
  nodes: [],
  ...over,
})

const text = (answer: Answer) =>
  answer.parts.map((part) => (typeof part === 'string' ? part : `\`${part.key}\``)).join('')

describe('the fleet opens with the worst thing', () => {
  test.each([
    ['nothing configured', [], 'No cache is configured yet.'],
    ['one that is fine', [cache()], 'shop is healthy, its load is even.'],
    [
      'one down among three',
      [
        cache({ cacheId: 'a' }),
        cache({ cacheId: 'b', health: 'down', healthReason: 'Shard 2 has no primary.' }),
        cache({ cacheId: 'c', health: 'degraded', healthReason: 'A replica is away.' }),
      ],
      'b: shard 2 has no primary.',
    ],
    [
      'two down',
      ['a', 'b', 'c'].map((cacheId) =>
        cache({ cacheId, health: cacheId === 'b' ? 'ok' : 'down', healthReason: '10.0.0.1:6379 refuses.' }),
      ),
      '2 of 3 caches are down. a: 10.0.0.1:6379 refuses.',
    ],
    [
      'a hot key',
      [cache({ hottestOverMean: 2.13, hottestKey: hotKey }), cache({ cacheId: 'b' })],
      'All 2 caches are healthy, but one shard of shop carries 2.13× the mean load: `article:42` is 64% of its node’s commands.',
    ],
    [
      'a hot key of a shard that is not the busiest',
      [cache({ hottestOverMean: 2.13, hottestShardId: 11, hottestKey: hotKey })],
      'shop is healthy, but one shard carries 2.13× the mean load.',
    ],
    ['one without a sample', [cache({ health: 'pending' })], 'Waiting for the first sample of shop.'],
  ])('%s', (_, caches, sentence) => {
    expect(text(fleetAnswer(caches))).toBe(sentence)
  })

  test('and lists it first', () => {
    const caches = [cache({ cacheId: 'a' }), cache({ cacheId: 'z', health: 'down' })]
    expect(caches.toSorted(bySeverity).map(({ cacheId }) => cacheId)).toEqual(['z', 'a'])
  })
})

describe('a cache opens with its state and the one action', () => {
  test('a skewed load names the shard, the key and the way to it', () => {
    const shards = [shard(1, 2500), shard(2, 12_500, { loadShare: 0.71, hottestKey: hotKey }), shard(3, 2600)]
    const answer = cacheAnswer(cache({ hottestOverMean: 2.13, hottestKey: hotKey }), shards)
    expect(text(answer)).toBe('Shard 2 carries 71% of the load; `article:42` is 64% of its node’s commands.')
    expect(answer.action?.href).toBe('/caches/shop/keys/0/YXJ0aWNsZTo0Mg')
    expect(answer.tone).toBe('warn')
  })

  test('the hottest key of all is not named where it lies on another shard', () => {
    const shards = [shard(1, 3000), shard(2, 12_500, { loadShare: 0.81, hottestKey: null })]
    const answer = cacheAnswer(cache({ hottestOverMean: 2.13, hottestKey: hotKey }), shards)
    expect(text(answer)).toBe('Shard 2 carries 81% of the load, 2.13× the mean.')
  })

  test('a hottest key whose share its source cannot tell has no figure made up for it', () => {
    const ranked = { ...hotKey, share: null, opsPerSec: null, lfuCounter: 200 }
    const shards = [shard(1, 3000), shard(2, 12_500, { loadShare: 0.81, hottestKey: ranked })]
    const answer = cacheAnswer(cache({ hottestOverMean: 2.13, hottestKey: ranked }), shards)
    expect(text(answer)).toBe('Shard 2 carries 81% of the load; `article:42` is its node’s hottest key.')
  })

  test('harm comes before skew and leads to the primary that is away', () => {
    const node = (nodeId: number, role: Node['role'], state: Node['state']) =>
      ({ cacheId: 'shop', nodeId, address: `10.0.0.${nodeId}:6379`, role, state }) as Node
    const nodes = [node(1, 'replica', 'refused'), node(2, 'primary', 'timeout'), node(3, 'primary', 'up')]
    const down = cache({ health: 'down', healthReason: 'Shard 1 has no primary.', hottestOverMean: 3 })
    const answer = cacheAnswer(down, [shard(1, null, { nodes })])
    expect(text(answer)).toBe('Shard 1 has no primary.')
    expect(answer.action).toEqual({ label: 'Open 10.0.0.2:6379', href: '/caches/shop/nodes/2' })
    expect(answer.tone).toBe('harm')
  })

  test.each([
    [[shard(1, 1), shard(2, 1)], 'The load is even over 2 shards.'],
    [[shard(1, 1)], '6 nodes up, no harm in sight.'],
  ])('calm stays calm', (shards, sentence) => {
    expect(text(cacheAnswer(cache({ shardCount: shards.length }), shards))).toBe(sentence)
  })

  test.each([
    {
      opsPerSec: 3,
      hottestOverMean: 2.4,
      says: '6 nodes up, no harm in sight: 3/s is too little to say how even the load is.',
    },
    {
      opsPerSec: 3,
      hottestOverMean: 1,
      says: '6 nodes up, no harm in sight: 3/s is too little to say how even the load is.',
    },
    { opsPerSec: 0, hottestOverMean: null, says: '6 nodes up, no harm in sight.' },
    { opsPerSec: null, hottestOverMean: null, says: '6 nodes up, no harm in sight.' },
  ])('without traffic no shard is too busy, and none is even: $opsPerSec/s', ({ says, ...load }) => {
    const quiet = cache(load)
    const answer = cacheAnswer(quiet, [shard(1, 1), shard(2, 2), shard(3, 0)])
    expect(text(answer)).toBe(says)
    expect(answer.tone).toBe('calm')
    expect(isSkewed(quiet)).toBe(false)
    expect(text(fleetAnswer([quiet]))).toBe('shop is healthy.')
  })

  test('what stands under the figure says from which traffic on it means something', () => {
    const skewed = { hottestOverMean: 2.4 }
    expect(evennessNote(cache({ ...skewed, opsPerSec: 99 }))).toBe('says nothing below 100/s')
    expect(isSkewed(cache({ ...skewed, opsPerSec: 99 }))).toBe(false)
    expect(evennessNote(cache({ ...skewed, opsPerSec: 100 }))).toBe('1× is even')
    expect(isSkewed(cache({ ...skewed, opsPerSec: 100 }))).toBe(true)
    expect(evennessNote(cache({ shardCount: 1, opsPerSec: 3 }))).toBe('1× is even')
  })
})

describe('the load per shard', () => {
  test('marks the hottest beside the mean, in the order of the ordinals', () => {
    const loads = shardLoads([shard(3, 200), shard(1, 100), shard(2, 900)])
    expect(loads).toMatchObject({ meanOpsPerSec: 400, maxOpsPerSec: 900 })
    expect(loads.rows.map((row) => [row.ordinal, row.hottest, row.overMean])).toEqual([
      [1, false, 0.25],
      [2, true, 2.25],
      [3, false, 0.5],
    ])
  })

  test('an unknown shard is unknown, not zero', () => {
    const loads = shardLoads([shard(1, null), shard(2, 100)])
    expect(loads.meanOpsPerSec).toBe(100)
    expect(loads.rows[0]).toMatchObject({ opsPerSec: null, overMean: null, hottest: false })
  })

  test('is told in words, and unknown once', () => {
    const [dead, busy] = shardLoads([shard(1, null), shard(2, 12_000, { loadShare: 1 })]).rows.map(
      shardLoadText,
    )
    expect(dead).toBe('Shard 1: its load is unknown')
    expect(busy).toBe('Shard 2: 12 k/s, 100% of the load, 1× the mean')
  })

  test('nothing known is no mean and no hottest', () => {
    expect(shardLoads([shard(1, null)])).toMatchObject({ meanOpsPerSec: null, maxOpsPerSec: 0 })
  })
})
