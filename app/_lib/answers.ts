/** The sentence a page opens with: the worst thing first, and where to go from there. */
import { EVENNESS_MIN_OPS_PER_SEC, evenness } from '../../core/health.ts'
import type { Cache, HotKey, Node, Shard } from '../../core/model.ts'
import { formatRate, formatShare, formatTimes, plural } from './format.ts'
import { cacheHref, keyHref, nodeHref } from './urls.ts'

export type Answer = {
  tone: 'calm' | 'warn' | 'harm'
  /** Text, and keys to be set as keys. */
  parts: (string | { key: string })[]
  action: { label: string; href: string } | null
}

const TONES = { down: 'harm', degraded: 'warn', stale: 'warn', pending: 'calm', ok: 'calm' } as const
const WORST_FIRST = ['down', 'degraded', 'stale', 'pending', 'ok'] as const
const HOT_SHARE = 0.1

export function bySeverity(a: Cache, b: Cache): number {
  return WORST_FIRST.indexOf(a.health) - WORST_FIRST.indexOf(b.health) || a.cacheId.localeCompare(b.cacheId)
}

export function fleetAnswer(caches: Cache[]): Answer {
  const worst = caches.toSorted(bySeverity)[0]
  if (worst === undefined) return { tone: 'calm', parts: ['No cache is configured yet.'], action: null }
  const open = { label: `Open ${worst.cacheId}`, href: cacheHref(worst.cacheId) }
  const tone = TONES[worst.health]
  if (worst.health === 'pending') {
    return { tone, parts: [`Waiting for the first sample of ${worst.cacheId}.`], action: open }
  }
  if (worst.health !== 'ok') {
    const alike = caches.filter((cache) => cache.health === worst.health).length
    const who = alike === caches.length ? `All ${alike}` : `${alike} of ${caches.length}`
    const count = alike > 1 ? `${who} caches are ${worst.health}. ` : ''
    return { tone, parts: [`${count}${worst.cacheId}: ${lowerFirst(worst.healthReason)}`], action: open }
  }
  const skewed = caches
    .filter(isSkewed)
    .toSorted((a, b) => (b.hottestOverMean ?? 0) - (a.hottestOverMean ?? 0))[0]
  const healthy =
    caches.length === 1 ? `${worst.cacheId} is healthy` : `All ${caches.length} caches are healthy`
  if (skewed === undefined) return { tone: 'calm', parts: [`${healthy}${evenLoad(caches)}.`], action: null }
  const where = caches.length === 1 ? 'one shard' : `one shard of ${skewed.cacheId}`
  const busiest = `${where} carries ${formatTimes(skewed.hottestOverMean)} the mean load`
  const hot = skewed.hottestKey
  // The hottest key of all may lie on a shard that is not the busiest.
  if (hot === null || hot.shardId !== skewed.hottestShardId) {
    const look = { label: `Open ${skewed.cacheId}`, href: cacheHref(skewed.cacheId) }
    return { tone: 'warn', parts: [`${healthy}, but ${busiest}.`], action: look }
  }
  return {
    tone: 'warn',
    parts: [`${healthy}, but ${busiest}: `, { key: hot.key }, ` ${weight(hot)}.`],
    action: keyAction(hot),
  }
}

export function cacheAnswer(cache: Cache, shards: Shard[]): Answer {
  const tone = TONES[cache.health]
  if (cache.health === 'pending') return { tone, parts: ['Waiting for the first sample.'], action: null }
  if (cache.health !== 'ok') {
    return { tone, parts: [cache.healthReason], action: nodeAction(shards.flatMap((shard) => shard.nodes)) }
  }
  const shard = shards.find((candidate) => candidate.shardId === cache.hottestShardId)
  if (shard !== undefined && isSkewed(cache)) {
    const busy = shard.hottestKey
    const load = `Shard ${shard.ordinal} carries ${formatShare(shard.loadShare)} of the load`
    if (busy === null) {
      return {
        tone: 'warn',
        parts: [`${load}, ${formatTimes(cache.hottestOverMean)} the mean.`],
        action: null,
      }
    }
    return {
      tone: 'warn',
      parts: [`${load}; `, { key: busy.key }, ` ${weight(busy)}.`],
      action: keyAction(busy),
    }
  }
  const hot = cache.hottestKey
  const state = calmState(cache, shards.length)
  if (hot === null || (hot.share ?? 0) < HOT_SHARE) return { tone, parts: [`${state}.`], action: null }
  return {
    tone,
    parts: [
      `${state}; the hottest key, `,
      { key: hot.key },
      `, is ${formatShare(hot.share)} of its node’s commands.`,
    ],
    action: keyAction(hot),
  }
}

function weight(hot: HotKey): string {
  return hot.share === null
    ? 'is its node’s hottest key'
    : `is ${formatShare(hot.share)} of its node’s commands`
}

/** Whether the busiest shard carries so much that it is the first thing to say. */
export function isSkewed(cache: Cache): boolean {
  return cache.shardCount > 1 && evenness(cache) === 'skewed'
}

/** What stands under “busiest ÷ mean”: whether the figure can be read at all. */
export function evennessNote(cache: Cache): string {
  if (cache.shardCount > 1 && evenness(cache) === 'little') {
    return `says nothing below ${formatRate(EVENNESS_MIN_OPS_PER_SEC)}`
  }
  return '1× is even'
}

/** Said only where it is so of every cache that has more than one shard. */
function evenLoad(caches: Cache[]): string {
  const sharded = caches.filter(({ shardCount }) => shardCount > 1)
  if (sharded.length === 0 || sharded.some((cache) => evenness(cache) !== 'even')) return ''
  return `, ${caches.length === 1 ? 'its' : 'their'} load is even`
}

function calmState(cache: Cache, shardCount: number): string {
  const all = `${plural(cache.nodesUp, 'node')} up, no harm in sight`
  if (shardCount < 2) return all
  switch (evenness(cache)) {
    case 'little':
      return `${all}: ${formatRate(cache.opsPerSec)} is too little to say how even the load is`
    case 'unknown':
      return all
    default:
      return `The load is even over ${plural(shardCount, 'shard')}`
  }
}

function keyAction(hot: HotKey): Answer['action'] {
  return { label: 'Look at this key', href: keyHref(hot.cacheId, hot.db, hot.keyBase64) }
}

function nodeAction(nodes: Node[]): Answer['action'] {
  const away = nodes.filter((node) => node.state !== 'up' && node.state !== 'pending')
  const first = away.find((node) => node.role === 'primary') ?? away[0]
  return first === undefined
    ? null
    : { label: `Open ${first.address}`, href: nodeHref(first.cacheId, first.nodeId) }
}

/** `Node x is down` reads on after a colon; a name or a number at the start stays as it is. */
function lowerFirst(sentence: string): string {
  return /^[A-Z][a-z]* /.test(sentence) ? `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}` : sentence
}
