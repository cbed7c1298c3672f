/** How a mitigation comes to its end, from where it stands, and what a person who asks for that end is told. Pure. */
import type { Mitigation, MitigationAction } from '../../core/mitigations/model.ts'
import { ended, mitigationName } from './mitigation-text.ts'

type Standing = Pick<Mitigation, 'phase' | 'desired' | 'isMeasured'>

/** Whether what it has set up is put back, or is about to be. */
export function isLeaving({ phase, desired, isMeasured }: Standing): boolean {
  return phase === 'draining' || (phase !== 'off' && desired === 'off' && !isMeasured)
}

/** Whether nothing but its time ends it as it stands. */
export function isStaying({ phase, desired }: Standing): boolean {
  return (phase === 'prepare' || phase === 'active') && desired === 'on'
}

/** What `expiresAt` is to it. `isAhead`: it is still to come. */
export function endFact(
  mitigation: Standing & Pick<Mitigation, 'outcome' | 'expiresAt' | 'phaseSince' | 'isAbandoned'>,
): {
  name: string
  isAhead: boolean
} {
  const { isMeasured, outcome, isAbandoned } = mitigation
  if (isAbandoned) return { name: 'Was to end', isAhead: false }
  if (isStaying(mitigation)) {
    return { name: isMeasured ? 'Measured until, at most' : 'Drains by itself', isAhead: true }
  }
  // Its way back was tried until after it, in vain.
  const isGivenUp = outcome === 'failed' && mitigation.expiresAt < mitigation.phaseSince
  if (outcome === 'expired' || isGivenUp) return { name: 'Its time was over', isAhead: false }
  const isDone = isMeasured || outcome === 'done'
  return { name: isDone ? 'Would have ended' : 'Would have drained', isAhead: false }
}

export type DrainText = {
  /** What the button says that opens the dialog, and the dialog's title. */
  title: string
  summary: string
  wayBack: string
  submit: string
}

/** What is asked before it is drained. Of one that is done nothing is undone any more, and that is said. */
export function drainText(mitigation: Mitigation): DrainText {
  const { action, target, preview, isMeasured } = mitigation
  const name = mitigationName(mitigation)
  if (isMeasured) {
    return {
      title: 'Stop measuring',
      summary: `${name} is done. Nothing of it is put back: only the measuring of its effect ends, without a verdict if there is none yet.`,
      wayBack: DONE_WAY_BACK[action] ?? 'none.',
      submit: 'Stop measuring',
    }
  }
  const undone =
    target.kind === 'key'
      ? `${name} ends: reads return to the key itself, and what was set up for it is removed. Its load comes back to its shard.`
      : `${name} ends. ${preview?.wayBack ?? 'What it changed is put back where that can be.'}`
  return {
    title: 'Drain now',
    summary: undone,
    wayBack: 'repeat it from its page once it is off.',
    submit: 'Drain it',
  }
}

/** Of those that finish by themselves; docs/server-actions.md has the reasons. */
const DONE_WAY_BACK: Partial<Record<MitigationAction, string>> = {
  failover: 'another failover, to the node that was the primary.',
  'move-slot': 'the same move, to the shard where the slot was.',
  'spread-ttls': 'none; what is cut from a time to live cannot be put back.',
  'kill-client': 'none is needed; the client opens another connection.',
  'pause-writes': 'none is needed; writes go on already.',
}

/** Why it can be neither extended nor drained any more; null where it can. */
export function closedText(kind: 'extend' | 'drain', mitigation: Mitigation): string | null {
  const { phase, desired, isMeasured, outcome, actor } = mitigation
  const name = mitigationName(mitigation)
  if (phase === 'off') return `It has ended: ${name} ${ended(outcome, actor)}.`
  if (isLeaving(mitigation)) return `${name} is being drained already.`
  if (desired === 'off') return `${name} is about to end already.`
  return isMeasured && kind === 'extend'
    ? `${name} is done, and only its effect is measured: there is nothing to extend.`
    : null
}
