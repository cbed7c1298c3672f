/** What a person should know who asks for a key action that is not refused. */
import { IN_SYNC_SECONDS, isStale, type MitigationFacts } from './facts.ts'
import { coverage, type KeyPlan } from './key-plan.ts'
import { isRead } from './key-use.ts'
import { ELIGIBILITY } from './limits.ts'
import { bytes, list, percent, perSecond, plural } from './words.ts'

/** A value of this size that every process holds, or every shard, is felt. */
const BIG_BYTES = 64 * 1_024
/** A node with less room than so many copies may evict to make it. */
const HEADROOM = 0.05

export function listKeyWarnings(facts: MitigationFacts, plan: KeyPlan, now: number): string[] {
  const { key } = facts
  if (key === null) return []
  const warnings: string[] = []
  const without = facts.connectionsWithoutLibrary
  // What is old says nothing of who reads it today.
  const isPredicted = key.readsPerSec !== null && !isStale(key, now)
  const covered = isPredicted ? coverage(key) : 1
  if (covered < 1) {
    warnings.push(
      `Applications with the library read it ${perSecond(key.client?.readsPerSec ?? 0)}, ${percent(covered)} of what the servers see: the rest stays where it is.`,
    )
  } else if (without === null) {
    warnings.push('Connections without the library are not counted: what they read stays at the key itself.')
  }
  if (key.client === null && isPredicted && facts.apps.length > 0) {
    warnings.push(
      'How much of it is read through the library is known once applications take part: the prediction assumes all of it.',
    )
  }
  if (without !== null && without > 0) {
    warnings.push(
      `${plural(without, 'connection')} without the library will go on reading the key itself, and see no copy.`,
    )
  }
  const disabled = facts.apps.filter((app) => app.disabled > 0)
  if (disabled.length > 0) {
    const who = list(disabled.map((app) => `${app.disabled} of ${app.instances} of ${app.app}`))
    warnings.push(`The library is switched off in ${who}: they go on as before.`)
  }
  if (key.sizeBytes === null) {
    warnings.push(
      `Its size is not known: a value of more than ${bytes(ELIGIBILITY.maxValueBytes)} is not held, and the action would have no effect.`,
    )
  } else if (key.sizeBytes > BIG_BYTES) {
    warnings.push(`Its value takes ${bytes(key.sizeBytes)}, and each copy as much again.`)
  }
  const { writesPerSec } = key
  if (writesPerSec !== null && writesPerSec > 0 && key.commands.every(isRead)) {
    warnings.push(
      `How it is written (${perSecond(writesPerSec)}) was not seen, only how it is read: make sure that it is no counter and no lock.`,
    )
  }
  warnings.push(...placeWarnings(facts, plan))
  return warnings
}

function placeWarnings(facts: MitigationFacts, plan: KeyPlan): string[] {
  if (plan.how === 'local') {
    return plan.parameters.track
      ? []
      : ['Nothing tells the processes of a change: each serves what it holds until its time is over.']
  }
  if (plan.how === 'replicas') {
    return [
      `The shard answers as many commands as before, on ${plan.nodes.length} nodes instead of one. A replica more than ${IN_SYNC_SECONDS} s behind shows values as old.`,
    ]
  }
  const warnings: string[] = []
  const shards = new Set(plan.variants.map((variant) => variant.shardId))
  const owner = facts.key?.ownerShardId
  for (const shard of facts.shards) {
    if (!shards.has(shard.shardId) || shard.shardId === owner) continue
    for (const node of shard.nodes.filter((each) => each.role === 'primary')) {
      const { usedMemoryBytes: used, maxMemoryBytes: most, address } = node
      if (node.state !== 'up') warnings.push(`${address} is not up: a copy there is read at the key itself.`)
      else if (used !== null && most !== null && most > 0 && used > most * (1 - HEADROOM)) {
        warnings.push(
          `${address} uses ${percent(used / most)} of its memory: it may evict the copy, and its reads fall back to the key itself.`,
        )
      }
    }
  }
  if (plan.variants.length > shards.size) {
    warnings.push(
      `There are ${plan.variants.length} names on ${plural(shards.size, 'shard')}: more names than shards spread no better.`,
    )
  }
  return warnings
}
