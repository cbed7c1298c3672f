/** The load of every shard after a key action, from measured rates and where the names really lie. */
import { isPrimary, isStale, type KeyFacts, type MitigationFacts } from './facts.ts'
import { coverage, type KeyPlan } from './key-plan.ts'
import { LOCAL_JITTER } from './limits.ts'
import type { ShardLoad } from './measures.ts'

export type Prediction = {
  after: ShardLoad[] | null
  /** Commands for the key on its own shard; with reads by replicas, on its primary. */
  keyOpsPerSec: number | null
  /** With a local cache: of those, the reads of the processes that take part. */
  renewalsPerSec: number | null
  /** Of the key's own shard, where its nodes share the reads. */
  nodes: { nodeId: number; address: string; before: number | null; after: number | null }[] | null
}

export const loadsOf = (facts: MitigationFacts): ShardLoad[] =>
  facts.shards.map(({ shardId, ordinal, opsPerSec }) => ({ shardId, ordinal, opsPerSec }))

/** @returns null where no load is known, or there is none */
export function hottestOverMean(loads: readonly ShardLoad[]): number | null {
  const known = loads.map((load) => load.opsPerSec).filter((ops) => ops !== null)
  const sum = known.reduce((all, ops) => all + ops, 0)
  return known.length === 0 || sum <= 0 ? null : (Math.max(...known) * known.length) / sum
}

const NOTHING: Prediction = { after: null, keyOpsPerSec: null, renewalsPerSec: null, nodes: null }

/** Nothing is said where the key's rates are not known, or old: today's loads may not have it in them. */
export function predict(facts: MitigationFacts, plan: KeyPlan, now: number): Prediction {
  const { key } = facts
  if (key?.readsPerSec == null || isStale(key, now)) return NOTHING
  const reads = key.readsPerSec
  const writes = key.writesPerSec ?? 0
  const covered = reads * coverage(key)
  if (plan.how === 'local') {
    const left = Math.min(covered, localCacheReads(plan.instances, plan.parameters.ttlSeconds, writes))
    const moved = covered - left
    return {
      after: shift(facts, new Map([[key.ownerShardId ?? 0, -moved]])),
      keyOpsPerSec: reads - moved + writes,
      renewalsPerSec: left,
      nodes: null,
    }
  }
  if (plan.how === 'replicas') return predictReplicas(facts, plan.nodes, { reads, covered, writes })
  const part = covered / plan.variants.length
  const changes = new Map<number, number>()
  plan.variants.forEach(({ shardId }, index) => {
    // The base key keeps its part; with a fan-out each write unlinks each copy.
    const change = index === 0 ? part - covered : part + (plan.writeFanout ? writes : 0)
    changes.set(shardId, (changes.get(shardId) ?? 0) + change)
  })
  const own = plan.variants.filter((variant) => variant.shardId === key.ownerShardId).length
  const fanout = plan.writeFanout ? writes * (own - 1) : 0
  return {
    after: shift(facts, changes),
    keyOpsPerSec: reads - covered + part * own + writes + fanout,
    renewalsPerSec: null,
    nodes: null,
  }
}

/** What the servers are still asked for: each process once a time to live, and once more after each write. */
export function localCacheReads(instances: number, ttlSeconds: number, writesPerSec: number): number {
  return renewalsPerSec(instances, ttlSeconds) + instances * Math.min(writesPerSec, 1 / COALESCED_SECONDS)
}

/** Of a key that nobody writes: a value is held a little shorter than its time to live, on average by half the jitter. */
export function renewalsPerSec(instances: number, ttlSeconds: number): number {
  return instances / (ttlSeconds * (1 - LOCAL_JITTER / 2))
}
/** One load at a time is in flight in a process: writes that come faster are fetched together. */
const COALESCED_SECONDS = 0.05

function predictReplicas(
  facts: MitigationFacts,
  nodes: { nodeId: number; address: string; role: string; opsPerSec: number | null }[],
  rates: { reads: number; covered: number; writes: number },
): Prediction {
  const part = rates.covered / nodes.length
  return {
    // The shard answers as much as before: its nodes share it.
    after: loadsOf(facts),
    keyOpsPerSec: rates.reads - rates.covered + part + rates.writes,
    renewalsPerSec: null,
    nodes: nodes.map((node) => {
      const change = node.role === 'primary' ? part - readsNow(facts.key, node.nodeId, rates) : part
      const after = node.opsPerSec === null ? null : Math.max(0, node.opsPerSec + change)
      return { nodeId: node.nodeId, address: node.address, before: node.opsPerSec, after }
    }),
  }
}

function readsNow(
  key: KeyFacts | null,
  nodeId: number,
  { covered, writes }: { covered: number; writes: number },
): number {
  const seen = key?.byNode.find((node) => node.nodeId === nodeId)?.opsPerSec ?? null
  return seen === null ? covered : Math.max(0, Math.min(covered, seen - writes))
}

function shift(facts: MitigationFacts, changes: ReadonlyMap<number, number>): ShardLoad[] {
  return loadsOf(facts).map((load) => ({
    ...load,
    opsPerSec:
      load.opsPerSec === null ? null : Math.max(0, load.opsPerSec + (changes.get(load.shardId) ?? 0)),
  }))
}

/** Of all its primaries. */
export function primaryOf(facts: MitigationFacts, shardId: number | null): string | null {
  const shard = facts.shards.find((each) => each.shardId === shardId)
  const primaries = shard?.nodes.filter(isPrimary) ?? []
  return (primaries.find((node) => node.state === 'up') ?? primaries[0])?.address ?? null
}
