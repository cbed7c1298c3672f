/** Whether a cache and its shards do their work, and the sentence that says why not. Pure: `now` is passed in. */
import type { CacheKind, Health, Node, NodeState } from './model.ts'

/** No news for longer than this many intervals, and at least 10 s, is stale. */
const STALE_INTERVALS = 3
const STALE_MIN_MS = 10_000
const LAG_LIMIT_SECONDS = 10
/** The busiest shard's load over the mean of all: beyond this it is skewed, and named first. */
const SKEW_LIMIT = 1.5
/** A cache with less traffic than this can have any shard the busiest by chance, and none is near its limit. */
export const EVENNESS_MIN_OPS_PER_SEC = 100
/** A report of hot keys older than this says what was, not what is: three reports, which come every 5 s. */
export const HOT_KEY_CURRENT_MS = 15_000
const CLUSTER_SLOTS = 16_384

/** The node may well serve others; Cachescope cannot see whether. */
const UNREADABLE: ReadonlySet<NodeState> = new Set(['auth-required', 'auth-failed', 'denied', 'tls-mismatch'])

export type ShardFacts = {
  ordinal: number
  slots: [number, number][] | null
  nodes: Node[]
  opsPerSec: number | null
  loadShare: number | null
}
export type Skew = { ordinal: number; loadShare: number; hottestOverMean: number; opsPerSec: number }
/** How the load lies on the shards: `little` is too little traffic to tell. */
export type Evenness = 'unknown' | 'little' | 'even' | 'skewed'
/** The hottest key of the busiest shard, with its share of that shard's commands. */
export type TopKey = { key: string; share: number }
export type Verdict = { health: Health; reason: string }

export function shardHealth(shard: ShardFacts, intervalMs: number, now: number): Verdict {
  const name = `Shard ${shard.ordinal}`
  const checked = shard.nodes.filter((node) => node.checkedAt !== null)
  if (checked.length === 0) return { health: 'pending', reason: `${name} has not been sampled yet.` }
  const newest = Math.max(...checked.map((node) => Date.parse(node.checkedAt as string)))
  if (now - newest > staleAfterMs(intervalMs)) {
    return { health: 'stale', reason: `${name} has not been sampled for ${age(now - newest)}.` }
  }
  const primaries = checked.filter((node) => isServing(node.role))
  const primary = primaries.find((node) => node.state === 'up')
  if (primary === undefined) {
    const unreadable = primaries.find((node) => UNREADABLE.has(node.state))
    if (unreadable !== undefined) {
      return { health: 'degraded', reason: `${name} cannot be read: ${problem(unreadable)}` }
    }
    if (shard.nodes.some((node) => isServing(node.role) && node.checkedAt === null)) {
      return { health: 'pending', reason: `${name}'s primary has not been sampled yet.` }
    }
    const lost = primaries[0]
    const why = lost === undefined ? 'none is known.' : problem(lost)
    return { health: 'down', reason: `${name} has no primary that serves: ${why}` }
  }
  return shardDegradation(shard, name) ?? { health: 'ok', reason: `${name} serves its keys.` }
}

function shardDegradation(shard: ShardFacts, name: string): Verdict | null {
  const away = shard.nodes.find((node) => node.state !== 'up' && node.state !== 'pending')
  if (away !== undefined) return { health: 'degraded', reason: `${name}: ${problem(away)}` }
  const lagging = shard.nodes.find((node) => (node.latest?.lagSeconds ?? 0) > LAG_LIMIT_SECONDS)
  if (lagging !== undefined) {
    const seconds = Math.round(lagging.latest?.lagSeconds ?? 0)
    return { health: 'degraded', reason: `Replica ${lagging.address} is ${seconds} s behind its primary.` }
  }
  const refusing = shard.nodes.find((node) => (node.latest?.rejectedPerSec ?? 0) > 0)
  if (refusing !== undefined) {
    return { health: 'degraded', reason: `${refusing.address} rejects connections: it has all it may have.` }
  }
  return null
}

const WORST_FIRST: Health[] = ['down', 'stale', 'degraded', 'pending']

/** The worst of the shards, with its sentence; a healthy cache says where its load is. */
export function cacheHealth(
  shards: ShardFacts[],
  facts: {
    kind: CacheKind
    /** What the nodes of a cluster said when they stopped serving it; null while they serve. */
    clusterDown: string | null
    intervalMs: number
    now: number
    hitRate: number | null
    skew: Skew | null
    topKey: TopKey | null
  },
): Verdict {
  if (shards.length === 0) return { health: 'pending', reason: 'Waiting for the first sample.' }
  const verdicts = shards.map((shard) => shardHealth(shard, facts.intervalMs, facts.now))
  if (verdicts.every((verdict) => verdict.health === 'stale')) return staleCache(shards, facts.now)
  if (verdicts.every((verdict) => verdict.health === 'pending')) {
    return { health: 'pending', reason: 'Waiting for the first sample.' }
  }
  if (verdicts.every((verdict) => verdict.health !== 'down')) {
    const reason = (facts.kind === 'cluster' ? slotsSentence(shards) : null) ?? facts.clusterDown
    if (reason !== null) return { health: 'down', reason }
  }
  for (const health of WORST_FIRST) {
    const found = verdicts.filter((verdict) => verdict.health === health)
    const first = found[0]
    if (first === undefined) continue
    const others = found.length - 1
    const more = others === 0 ? '' : ` ${others} more ${others === 1 ? 'shard is' : 'shards are'} down.`
    return { health, reason: `${first.reason}${health === 'down' ? more : ''}` }
  }
  return { health: 'ok', reason: skewSentence(facts.skew, facts.topKey) ?? okSentence(shards, facts.hitRate) }
}

export function countSlots(slots: [number, number][]): number {
  return slots.reduce((count, [first, last]) => count + last - first + 1, 0)
}

/** @param load of the whole cache: commands per second, and the busiest shard over the mean */
export function evenness(load: { opsPerSec: number | null; hottestOverMean: number | null }): Evenness {
  if (load.opsPerSec === null || load.hottestOverMean === null) return 'unknown'
  if (load.opsPerSec < EVENNESS_MIN_OPS_PER_SEC) return 'little'
  return load.hottestOverMean > SKEW_LIMIT ? 'skewed' : 'even'
}

/** null where all are owned, or where it is not known who owns them. */
function slotsSentence(shards: ShardFacts[]): string | null {
  if (shards.some((shard) => shard.slots === null)) return null
  const missing = CLUSTER_SLOTS - shards.reduce((count, { slots }) => count + countSlots(slots ?? []), 0)
  if (missing <= 0) return null
  return `${missing} of ${CLUSTER_SLOTS} slots ${missing === 1 ? 'is' : 'are'} not served: no shard owns ${missing === 1 ? 'it' : 'them'}.`
}

function staleCache(shards: ShardFacts[], now: number): Verdict {
  const times = shards.flatMap((shard) => shard.nodes).map((node) => Date.parse(node.checkedAt ?? ''))
  const newest = Math.max(...times.filter(Number.isFinite))
  return { health: 'stale', reason: `No news for ${age(now - newest)}: no collector samples this cache.` }
}

function skewSentence(skew: Skew | null, topKey: TopKey | null): string | null {
  if (skew === null || evenness(skew) !== 'skewed') return null
  const carries = `Shard ${skew.ordinal} carries ${percent(skew.loadShare)} of the load`
  return topKey === null ? `${carries}.` : `${carries}; ${topKey.key} is ${percent(topKey.share)} of it.`
}

function okSentence(shards: ShardFacts[], hitRate: number | null): string {
  const known = shards.map((shard) => shard.opsPerSec).filter((ops) => ops !== null)
  const who = shards.length === 1 ? 'One shard serves' : `${shards.length} shards share`
  const load = known.length === 0 ? '' : ` ${rate(known.reduce((sum, ops) => sum + ops, 0))} commands/s`
  const hits = hitRate === null ? '' : `; ${percent(hitRate)} of reads hit`
  return `${who}${load === '' ? ' the load' : load}${hits}.`
}

function staleAfterMs(intervalMs: number): number {
  return Math.max(STALE_INTERVALS * intervalMs, STALE_MIN_MS)
}

export function isServing(role: Node['role']): boolean {
  return role === 'primary' || role === 'server'
}

function problem(node: Node): string {
  const message = node.stateMessage ?? `${node.address} is ${node.state}.`
  return message.includes(node.address) ? message : `${node.address}: ${message}`
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`
}

function rate(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toPrecision(3)} M`
  if (value >= 1_000) return `${(value / 1_000).toPrecision(3)} k`
  return value >= 10 ? String(Math.round(value)) : value.toPrecision(2)
}

function age(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
