/** Mitigations in words: what each action is called and does, phases, verdicts, and the sentence that opens a page. */

import type { Verdict } from '../../core/mitigations/measures.ts'
import {
  ENDING_ACTIONS,
  type Mitigation,
  type MitigationAction,
  type MitigationPhase,
} from '../../core/mitigations/model.ts'
import type { Shard } from '../../core/model.ts'
import { formatBytes } from './format.ts'

export type ActionText = {
  /** `Split` */
  name: string
  /** What the button that starts it says, before the name of its target. */
  verb: string
  /** One sentence: what it does and for what. */
  does: string
  /** Needs the name typed: it can hurt those who use the cache, or cannot be undone. */
  dangerous: boolean
}

export const ACTION_TEXT: Record<MitigationAction, ActionText> = {
  'local-cache': {
    name: 'Local cache',
    verb: 'Cache locally',
    does: 'Each application process holds the value for a few seconds and asks the server only then.',
    dangerous: false,
  },
  replicate: {
    name: 'Replicate',
    verb: 'Replicate',
    does: 'Reads go to any replica of its shard, or to copies on other shards.',
    dangerous: false,
  },
  split: {
    name: 'Split',
    verb: 'Split',
    does: 'Reads go to copies on several shards; writers drop every copy after a write.',
    dangerous: false,
  },
  failover: {
    name: 'Failover',
    verb: 'Fail over',
    does: 'A replica in sync becomes the primary of the shard.',
    dangerous: true,
  },
  'move-slot': {
    name: 'Move slot',
    verb: 'Move slot',
    does: 'The slot and its keys move to another shard. It isolates a key and cannot divide it.',
    dangerous: true,
  },
  'spread-ttls': {
    name: 'Spread TTLs',
    verb: 'Spread TTLs of',
    does: 'Keys that would expire together get slightly different times to live, never longer ones.',
    // The times to live before are nowhere kept: it cannot be undone.
    dangerous: true,
  },
  'set-config': {
    name: 'Change memory limit or eviction',
    verb: 'Change',
    does: 'Sets maxmemory or the eviction policy; the value before is kept for the way back.',
    dangerous: true,
  },
  'kill-client': {
    name: 'Kill a client',
    verb: 'Kill the client on',
    does: 'Closes one connection, as CLIENT LIST names it.',
    dangerous: false,
  },
  'deny-user': {
    name: 'Deny a user',
    verb: 'Deny',
    does: 'An ACL user may do nothing on any node until this drains.',
    dangerous: true,
  },
  'pause-writes': {
    name: 'Pause writes',
    verb: 'Pause writes on',
    does: 'Writes wait for some seconds; reads go on.',
    dangerous: true,
  },
}

export const PHASE_TEXT: Record<MitigationPhase, string> = {
  prepare: 'Preparing',
  active: 'Active',
  draining: 'Draining',
  off: 'Off',
}

export const VERDICT_TEXT: Record<Verdict, string> = {
  worked: 'Worked',
  'no-effect': 'No effect',
  harmful: 'Harmful',
  unknown: 'Not known',
}

export type Tone = 'calm' | 'warn' | 'harm'

/** Of one whose cache is gone from the configuration, with what is to be done. */
export const ABANDONED =
  'Nobody carries it out: its cache is not in cachescope.yaml any more. Put it back there, drain this, then take it out.'

/** Red is for harm done, amber for what is being undone or has not helped. */
export function mitigationTone({
  phase,
  outcome,
  proof,
  isAbandoned,
}: Pick<Mitigation, 'phase' | 'outcome' | 'proof' | 'isAbandoned'>): Tone {
  const verdict = proof?.verdict ?? null
  if (verdict === 'harmful' || outcome === 'harmful' || outcome === 'failed') return 'harm'
  if (isAbandoned || phase === 'draining' || outcome === 'refused') return 'warn'
  return phase === 'active' && verdict === 'no-effect' ? 'warn' : 'calm'
}

/** What a page about one opens with; the target's name stands before it, as a name. */
export function mitigationState(mitigation: Mitigation): string {
  const { phase, outcome, actor, message, isMeasured, proof } = mitigation
  if (mitigation.isAbandoned) return `was left ${PHASE_TEXT[phase].toLowerCase()}. ${ABANDONED}`
  const because = proof?.because ?? null
  const verdict = proof?.verdict ?? null
  const proven =
    verdict === null || because === null ? '' : ` ${VERDICT_TEXT[verdict]}: ${lowerFirst(sentence(because))}`
  switch (phase) {
    case 'prepare':
      return `is being prepared.${told(message)}`
    case 'active':
      return verdict === null || because === null
        ? `is ${isMeasured ? 'done' : 'active'}; the verdict is not known yet.${told(message)}`
        : `is ${isMeasured ? 'done' : 'active'}.${proven}`
    case 'draining':
      return `is draining, ${endedBy(outcome, actor)}.${proven === '' ? told(message) : proven}`
    case 'off':
      // Its message has what is left to do by hand.
      if (outcome === 'failed') return `${ended(outcome, actor)}.${told(message)}${proven}`
      return `${ended(outcome, actor)}.${proven === '' ? told(message) : proven}`
  }
}

function endedBy(outcome: Mitigation['outcome'], actor: string): string {
  if (outcome === 'expired') return 'because its time is over'
  if (outcome === 'harmful') return 'because it did harm'
  if (outcome === 'failed') return 'because it could not go on'
  return `as ${actor} asked`
}

/** What follows the name of one that is off. */
export function ended(outcome: Mitigation['outcome'], actor: string): string {
  switch (outcome) {
    case 'refused':
      return 'was refused, nothing was changed'
    case 'failed':
      return 'failed and was undone where that could be'
    case 'expired':
      return 'is off since its time was over'
    case 'harmful':
      return 'did harm and was drained by itself'
    case 'done':
      return 'is done'
    default:
      return `was drained by ${actor}`
  }
}

function told(message: string | null): string {
  return message === null || message === '' ? '' : ` ${sentence(message)}`
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text
}

/** `Split of article:42` */
export function mitigationName({ action, label }: Pick<Mitigation, 'action' | 'label'>): string {
  return `${actionOf(action)} ${label}`
}

/** What its expiry is: one that ends by itself leaves nothing to drain then. */
export function expiryLabel(action: MitigationAction): string {
  return ENDING_ACTIONS.has(action) ? 'Gives up after' : 'Drains by itself after'
}

/** What stands before the name of its target: `Split of`. */
export function actionOf(action: MitigationAction): string {
  return action === 'move-slot' ? 'Move of' : `${ACTION_TEXT[action].name} of`
}

/**
 * What a parameter is set to, for reading: `ttl 2 s`.
 * @param shards of its cache: people know them by their ordinals, and nodes by their addresses
 */
export function parameterFacts(
  mitigation: Pick<Mitigation, 'parameters'>,
  shards: Shard[],
): { name: string; value: string }[] {
  return Object.entries(mitigation.parameters).map(([name, value]) => ({
    name: PARAMETER_NAMES[name] ?? name,
    value: parameterText(name, value, shards),
  }))
}

const PARAMETER_NAMES: Record<string, string> = {
  ttlSeconds: 'Held for',
  track: 'Invalidated by tracking',
  staleSeconds: 'Served stale for',
  by: 'Read from',
  copies: 'Copies',
  variants: 'Variants',
  writeFanout: 'Writers drop every copy',
  toNodeId: 'New primary',
  slot: 'Slot',
  toShardId: 'To shard',
  pattern: 'Pattern',
  spread: 'Cut by up to',
  name: 'Setting',
  bytes: 'Set to',
  policy: 'Set to',
  clientId: 'Client id',
  username: 'User',
  pauseSeconds: 'For',
}

/** What is meant where a parameter is left open, as the form says it. */
const DEFAULTS: Record<string, string> = {
  toNodeId: 'the replica in sync',
  toShardId: 'the least loaded',
  copies: 'one a shard',
  variants: 'one a shard',
}

function parameterText(name: string, value: unknown, shards: Shard[]): string {
  if (value === null) return DEFAULTS[name] ?? 'chosen by Cachescope'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (/Seconds$/.test(name)) return `${String(value)} s`
  if (name === 'by' && value === 'auto') return 'replicas, else copies'
  if (name === 'bytes') return formatBytes(Number(value))
  if (name === 'toShardId') {
    const ordinal = shards.find(({ shardId }) => shardId === value)?.ordinal
    return ordinal === undefined ? 'a shard that is gone' : `shard ${ordinal}`
  }
  if (name === 'toNodeId') {
    const nodes = shards.flatMap(({ nodes }) => nodes)
    return nodes.find(({ nodeId }) => nodeId === value)?.address ?? 'a node that is gone'
  }
  if (name === 'spread') return `${Math.round(Number(value) * 100)}%`
  return String(value)
}
