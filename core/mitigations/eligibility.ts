/** Why an action is not offered, or only with a warning; computed from what was observed. Pure: `now` is passed in. */
import { type MitigationFacts, ownerShard } from './facts.ts'
import { refuseKeyUse } from './key-refusals.ts'
import { ELIGIBILITY } from './limits.ts'
import {
  KEY_ACTIONS,
  type KeyAction,
  type MitigationAction,
  type MitigationDraft,
  type Refusal,
} from './model.ts'
import { targetKeyOf } from './parse.ts'
import { refusePlacement } from './placement-refusals.ts'
import { age } from './words.ts'

export function isKeyAction(action: MitigationAction): action is KeyAction {
  return KEY_ACTIONS.some((each) => each === action)
}

/**
 * Every reason against it, those that nobody may override first. Empty: it may be done. Of the actions on the servers
 * only what holds for all: what each needs beside is told by its own preview.
 */
export function listRefusals(facts: MitigationFacts, draft: MitigationDraft, now: number): Refusal[] {
  const refusals = [...refuseCache(facts, draft, now)]
  if (isKeyAction(draft.action)) {
    refusals.push(...refuseKeyUse(facts, draft.action, now), ...refusePlacement(facts, draft))
  }
  return refusals.toSorted((a, b) => Number(a.overridable) - Number(b.overridable))
}

/** Those that the overrides do not take away. */
export function standingRefusals(refusals: readonly Refusal[], overrides: readonly string[]): Refusal[] {
  return refusals.filter(({ id, overridable }) => !overridable || !overrides.includes(id))
}

function* refuseCache(facts: MitigationFacts, draft: MitigationDraft, now: number): Iterable<Refusal> {
  const { cache } = facts
  if (!cache.mitigationsEnabled) {
    yield final(
      'switched-off',
      `Mitigations are switched off for ${cache.cacheId}: set mitigations.enabled: true for it in cachescope.yaml, with a user that may write, and start the collector again.`,
    )
  }
  if (cache.kind === 'memcached' || cache.kind === 'dax') {
    const name = cache.kind === 'dax' ? 'DAX' : 'Memcached'
    yield final(
      'engine',
      `${name} tells nobody when a value changes, so no copy of it could be kept right, and it has no such command; act in the application.`,
    )
  }
  if (cache.health === 'stale' || cache.health === 'pending') {
    yield final(
      'no-collector',
      `Nobody would carry it out: ${cache.healthReason} Start a collector, and look again.`,
    )
  }
  yield* refuseUnhealthy(facts, draft, now)
  const targetKey = targetKeyOf(draft)
  const other = facts.running.find((mitigation) => mitigation.targetKey === targetKey)
  if (other !== undefined) {
    const { mitigationId, action, label, phase } = other
    const message = `Mitigation ${mitigationId} (${action}) runs on ${label} already and is in ${phase}: extend it, or drain it and wait until it is off.`
    yield { id: 'running', message, overridable: false, mitigationId }
  }
}

function* refuseUnhealthy(facts: MitigationFacts, draft: MitigationDraft, now: number): Iterable<Refusal> {
  // What the servers can do against it is what one comes for then.
  if (!isKeyAction(draft.action)) return
  const { cache } = facts
  if (cache.health === 'down') {
    yield final(
      'cache-down',
      `The cache does not serve all its keys: ${cache.healthReason} Bring it back first, with a failover where a replica is there.`,
    )
  }
  if (cache.failoverAt !== null && now - cache.failoverAt < ELIGIBILITY.failoverSettlesMs) {
    yield final(
      'failover',
      `A failover was seen ${age(now - cache.failoverAt)} ago and the shards are settling: try again in ${age(ELIGIBILITY.failoverSettlesMs)}.`,
    )
  }
  if (cache.health !== 'down' && facts.key !== null && !hasServingOwner(facts)) {
    yield final(
      'owner-unknown',
      `No primary that serves the key is known, so nobody could keep copies of it right: look at the shards first.`,
    )
  }
}

function hasServingOwner(facts: MitigationFacts): boolean {
  return ownerShard(facts)?.nodes.some((node) => node.role === 'primary' && node.state === 'up') ?? false
}

function final(id: string, message: string): Refusal {
  return { id, message, overridable: false }
}
