/** For a hot key, the one mitigation that fits, and why. Pure: `now` is passed in. */
import { listRefusals } from './eligibility.ts'
import { countInstances, isStale, type KeyFacts, type MitigationFacts } from './facts.ts'
import { coverage } from './key-plan.ts'
import { EXPIRES_IN_SECONDS, KEY_ACTIONS, type KeyAction, type Refusal } from './model.ts'
import { PARAMETERS } from './parameters.ts'
import { replicateBy, shardsWithSlots } from './placement-refusals.ts'
import { localCacheReads } from './predict.ts'
import { age, bytes, percent, perSecond, plural, seconds, short } from './words.ts'

export type Advice = {
  /** null: none fits. */
  action: KeyAction | null
  /** As PARAMETERS of the action takes them. */
  parameters: Record<string, unknown>
  because: string
}

/** Holding a value costs each process its size: a larger one is better copied a few times than held many times. */
const HELD_BYTES = 64 * 1_024
/** A local cache must take at least this share of the reads off the servers. */
const WORTH_SHARE = 0.6
/** Where nothing else may be done, this much is worth it too. */
const LAST_RESORT_SHARE = 0.2
/** A value may be held for a tenth of the time between two of its writes. */
const SHARE_OF_WRITE_GAP = 0.1
const TTL_SECONDS = { min: 0.5, usual: 2, max: 5 } as const

export function advise(facts: MitigationFacts, now: number): Advice {
  const { key } = facts
  if (key === null) return none('There is no key to advise on.')
  const against = new Map(
    KEY_ACTIONS.map((action) => [action, hardRefusals(facts, action, key, now)] as const),
  )
  const isFree = (action: KeyAction) => against.get(action)?.length === 0
  const local = isFree('local-cache') ? adviseLocal(facts, key, now) : null
  if (local?.fits) return local.advice
  if (isFree('split') && shardsWithSlots(facts) > 1) return adviseSplit(facts, key, local?.why ?? null, now)
  if (isFree('replicate')) return adviseReplicate(facts, key, local?.why ?? null, now)
  if (local !== null && local.saved >= LAST_RESORT_SHARE) return local.advice
  return none(reasonOf(against, local?.why ?? null))
}

function hardRefusals(facts: MitigationFacts, action: KeyAction, key: KeyFacts, now: number): Refusal[] {
  const draft = {
    cacheId: facts.cache.cacheId,
    action,
    target: { kind: 'key' as const, db: key.db, keyBase64: key.keyBase64 },
    parameters: PARAMETERS[action].parse({}),
    expiresInSeconds: EXPIRES_IN_SECONDS.default,
  }
  // What only a person can rule out is no advice of ours either, but for figures that are a little old.
  return listRefusals(facts, draft, now).filter(({ id }) => id !== 'stale-figures')
}

type LocalAdvice = { fits: boolean; saved: number; advice: Advice; why: string }

function adviseLocal(facts: MitigationFacts, key: KeyFacts, now: number): LocalAdvice {
  const ttlSeconds = chooseTtl(key.writesPerSec)
  const instances = countInstances(facts)
  const left = localCacheReads(instances, ttlSeconds, key.writesPerSec ?? 0)
  const reads = key.readsPerSec ?? 0
  const saved = reads <= 0 ? 0 : Math.max(0, coverage(key) - left / reads)
  const advice: Advice = {
    action: 'local-cache',
    parameters: PARAMETERS['local-cache'].parse({ ttlSeconds }),
    because: `${readsOf(key, now)}${sizeOf(key)}, so ${plural(instances, 'process', 'processes')} that hold it for ${seconds(ttlSeconds)} ${isStale(key, now) ? 'would have left' : 'leave'} the servers about ${short(left)} of ${short(reads)} reads a second${gapOf(key)}.`,
  }
  if (key.sizeBytes !== null && key.sizeBytes > HELD_BYTES) {
    return {
      fits: false,
      saved,
      advice,
      why: `each of ${plural(instances, 'process', 'processes')} would hold ${bytes(key.sizeBytes)}`,
    }
  }
  return {
    fits: saved >= WORTH_SHARE,
    saved,
    advice,
    why: `a local cache in ${plural(instances, 'process', 'processes')} would ${isStale(key, now) ? 'have saved' : 'save'} ${percent(saved)} of its reads only`,
  }
}

function chooseTtl(writesPerSec: number | null): number {
  if (writesPerSec === null) return TTL_SECONDS.usual
  if (writesPerSec === 0) return TTL_SECONDS.max
  const gap = SHARE_OF_WRITE_GAP / writesPerSec
  return Math.min(TTL_SECONDS.max, Math.max(TTL_SECONDS.min, Math.round(gap * 2) / 2))
}

function adviseSplit(facts: MitigationFacts, key: KeyFacts, whyNotLocal: string | null, now: number): Advice {
  const shards = shardsWithSlots(facts)
  const instead = whyNotLocal === null ? '' : `, and ${whyNotLocal}`
  return {
    action: 'split',
    parameters: PARAMETERS.split.parse({}),
    because: `${readsOf(key, now)}${sizeOf(key)}${instead}: spread over ${plural(shards, 'shard')} each ${isStale(key, now) ? 'would have carried' : 'carries'} about ${perSecond((key.readsPerSec ?? 0) / shards)} of it.`,
  }
}

function adviseReplicate(
  facts: MitigationFacts,
  key: KeyFacts,
  whyNotLocal: string | null,
  now: number,
): Advice {
  const by = replicateBy(facts, 'auto')
  const where =
    by === 'replicas'
      ? 'its shard has a replica in sync that can answer reads too'
      : 'copies on other shards can answer its reads'
  return {
    action: 'replicate',
    parameters: PARAMETERS.replicate.parse({}),
    because: `${isStale(key, now) ? `${readsOf(key, now)}. ` : ''}${where.charAt(0).toUpperCase()}${where.slice(1)}${whyNotLocal === null ? '' : `, and ${whyNotLocal}`}.`,
  }
}

/** What was seen minutes ago is told as such, and not as what is. */
function readsOf(key: KeyFacts, now: number): string {
  const { at, readsPerSec, writesPerSec } = key
  const isOld = at !== null && isStale(key, now)
  if (readsPerSec === null) return isOld ? `It was hot ${age(now - at)} ago` : 'It is hot'
  const read = `It ${isOld ? 'was' : 'is'} read ${perSecond(readsPerSec)}`
  const ago = isOld ? `, ${age(now - at)} ago` : ''
  if (writesPerSec === null) return `${read}${ago}`
  return writesPerSec === 0
    ? `${read} and hardly written${ago}`
    : `${read} and written ${perSecond(writesPerSec)}${ago}`
}

function sizeOf({ sizeBytes }: KeyFacts): string {
  return sizeBytes === null ? '' : `, with ${bytes(sizeBytes)}`
}

function gapOf({ writesPerSec }: KeyFacts): string {
  return writesPerSec === null || writesPerSec === 0
    ? ''
    : `; a write comes about every ${seconds(1 / writesPerSec)}, and tells the processes to drop it`
}

/** What speaks against all of them is told first. */
function reasonOf(against: ReadonlyMap<KeyAction, Refusal[]>, whyNotLocal: string | null): string {
  const all = [...against.values()]
  const shared = all[0]?.find(({ id }) => all.every((refusals) => refusals.some((each) => each.id === id)))
  const first = shared ?? all.flat()[0]
  const local = whyNotLocal === null ? '' : `${whyNotLocal.charAt(0).toUpperCase()}${whyNotLocal.slice(1)}. `
  return `${local}${first?.message ?? 'None fits.'}`
}

function none(because: string): Advice {
  return { action: null, parameters: {}, because }
}
