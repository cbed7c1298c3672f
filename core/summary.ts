/** What the figures of nodes amount to for a shard and for a cache. Pure; unknown stays null. */
import {
  cacheHealth,
  countSlots,
  isServing,
  type ShardFacts,
  type Skew,
  shardHealth,
  type TopKey,
} from './health.ts'
import type { Cache, CacheKind, HotKey, Node, NodeSampleView, Shard } from './model.ts'

export type ShardInput = {
  shardId: number
  ordinal: number
  slots: [number, number][] | null
  nodes: Node[]
  hottestKey: HotKey | null
  /** Commands per second of that key on all nodes of the shard; null without one. */
  hottestKeyOpsPerSec: number | null
}
export type CacheInput = {
  cacheId: string
  kind: CacheKind
  intervalMs: number
  /** The event's message, where the newest news of the cluster is that it does not serve. */
  clusterDown: string | null
  shards: ShardInput[]
}

type Figure = Exclude<keyof NodeSampleView, 'nodeId' | 'at'>

export function summarizeShards(cache: CacheInput, now: number): Shard[] {
  const facts = withLoad(cache.shards)
  return cache.shards.map((shard, index) => {
    const { opsPerSec, loadShare } = facts[index] as ShardFacts
    const primary = shard.nodes.find((node) => isServing(node.role) && node.state === 'up')
    return {
      cacheId: cache.cacheId,
      shardId: shard.shardId,
      ordinal: shard.ordinal,
      slots: shard.slots,
      slotCount: shard.slots === null ? null : countSlots(shard.slots),
      health: shardHealth(facts[index] as ShardFacts, cache.intervalMs, now).health,
      primaryNodeId: (primary ?? shard.nodes.find((node) => isServing(node.role)))?.nodeId ?? null,
      opsPerSec,
      loadShare,
      hitRate: hitRate(shard.nodes),
      worstLagSeconds: worst(shard.nodes, 'lagSeconds'),
      worstLagBytes: worst(shard.nodes, 'lagBytes'),
      hottestKey: shard.hottestKey,
      nodes: shard.nodes,
    }
  })
}

export function summarizeCache(cache: CacheInput, now: number): Cache {
  const nodes = cache.shards.flatMap((shard) => shard.nodes)
  const shards = withLoad(cache.shards)
  const skew = findSkew(shards)
  const hottest = cache.shards.find((shard) => shard.ordinal === skew?.ordinal)
  const keys = cache.shards.map((shard) => shard.hottestKey).filter((key) => key !== null)
  const { health, reason } = cacheHealth(shards, {
    kind: cache.kind,
    clusterDown: cache.clusterDown,
    intervalMs: cache.intervalMs,
    now,
    hitRate: hitRate(nodes),
    skew,
    topKey: topKeyOf(hottest),
  })
  const primaries = nodes.filter((node) => isServing(node.role) && node.state === 'up')
  const limits = primaries.map((node) => node.latest?.maxMemoryBytes ?? null)
  const sampledAt = nodes
    .map((node) => node.latest?.at)
    .filter((at) => at !== undefined)
    .sort()
  return {
    cacheId: cache.cacheId,
    kind: cache.kind,
    intervalMs: cache.intervalMs,
    health,
    healthReason: reason,
    sampledAt: sampledAt.at(-1) ?? null,
    shardCount: cache.shards.length,
    nodeCount: nodes.length,
    nodesUp: nodes.filter((node) => node.state === 'up').length,
    opsPerSec: total(nodes, 'opsPerSec'),
    hitRate: hitRate(nodes),
    usedMemoryBytes: total(primaries, 'usedMemoryBytes'),
    maxMemoryBytes:
      limits.length === 0 || limits.some((limit) => limit === null || limit === 0)
        ? null
        : limits.reduce<number>((sum, limit) => sum + (limit ?? 0), 0),
    evictedPerSec: total(nodes, 'evictedPerSec'),
    worstLagSeconds: worst(nodes, 'lagSeconds'),
    worstLagBytes: worst(nodes, 'lagBytes'),
    hottestOverMean: skew?.hottestOverMean ?? null,
    hottestShardId: hottest?.shardId ?? null,
    hottestKey: keys.toSorted((a, b) => (b.opsPerSec ?? -1) - (a.opsPerSec ?? -1))[0] ?? null,
  }
}

function withLoad(shards: ShardInput[]): ShardFacts[] {
  const loads = shards.map((shard) => total(shard.nodes, 'opsPerSec'))
  const sum = loads.reduce<number>((all, load) => all + (load ?? 0), 0)
  return shards.map(({ ordinal, slots, nodes }, index) => {
    const opsPerSec = loads[index] ?? null
    const loadShare = opsPerSec === null || sum === 0 ? null : opsPerSec / sum
    return { ordinal, slots, nodes, opsPerSec, loadShare }
  })
}

function findSkew(shards: ShardFacts[]): Skew | null {
  const known = shards.filter((shard) => shard.loadShare !== null)
  const hottest = known.toSorted((a, b) => (b.opsPerSec ?? 0) - (a.opsPerSec ?? 0))[0]
  if (hottest?.loadShare === undefined || hottest.loadShare === null) return null
  return {
    ordinal: hottest.ordinal,
    loadShare: hottest.loadShare,
    hottestOverMean: hottest.loadShare * known.length,
    opsPerSec: known.reduce((sum, shard) => sum + (shard.opsPerSec ?? 0), 0),
  }
}

/** The shares of a hot key are of a node; the sentence is about the shard. */
function topKeyOf(shard: ShardInput | undefined): TopKey | null {
  const load = shard === undefined ? null : total(shard.nodes, 'opsPerSec')
  if (!shard?.hottestKey || shard.hottestKeyOpsPerSec === null || load === null || load === 0) return null
  return { key: shard.hottestKey.key, share: Math.min(1, shard.hottestKeyOpsPerSec / load) }
}

/** The readings that still hold: a node that is not up has none. */
function readings(nodes: Node[], figure: Figure): number[] {
  return nodes
    .filter((node) => node.state === 'up')
    .map((node) => node.latest?.[figure] ?? null)
    .filter((value) => value !== null)
}

function total(nodes: Node[], figure: Figure): number | null {
  const values = readings(nodes, figure)
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0)
}

function worst(nodes: Node[], figure: Figure): number | null {
  const values = readings(nodes, figure)
  return values.length === 0 ? null : Math.max(...values)
}

function hitRate(nodes: Node[]): number | null {
  const hits = total(nodes, 'hitsPerSec')
  const misses = total(nodes, 'missesPerSec')
  return hits === null || misses === null || hits + misses === 0 ? null : hits / (hits + misses)
}
