/** What got clearly worse, and is reason enough to drain. */
import { growthOf } from './demand.ts'
import type { Measures, Proof } from './measures.ts'
import type { MitigationAction } from './model.ts'
import type { Case } from './proof-case.ts'
import { HARM } from './proof-limits.ts'
import { age, microseconds, percent, perSecond, short, times } from './words.ts'

/** Growth of demand that is small enough to leave a node's CPU, and what its readers wait, as they were. */
const STEADY = 1.1

/**
 * @param earlier the window before it, after the change as well; null: it is the first
 * @returns the sentence with its numbers; null without harm, also where nothing can be compared
 */
export function findHarm(
  { action, before }: Pick<Case, 'action' | 'before'>,
  window: Measures,
  earlier: Measures | null,
  divergence: Proof['divergence'],
): string | null {
  const diverged = divergedFor(window, divergence)
  // Whatever else got worse, a node that failed is reason enough for it.
  if (diverged !== null || window.incident) return diverged
  const other = libraryErrors(window) ?? (before === null ? null : worsened(action, before, window))
  const lasts = earlier !== null && findSlowness(before, earlier) !== null
  return other ?? (lasts ? findSlowness(before, window) : null)
}

/**
 * Slow readers of one window alone may be a busy machine's, a pause's of the runtime or the network's: they are harm
 * when the next window has them as well.
 * @returns the sentence with its numbers; null where they are not clearly slower
 */
export function findSlowness(before: Measures | null, window: Measures): string | null {
  if (before === null || window.incident) return null
  return allowedGrowth(before, window) <= STEADY ? slower(before, window) : null
}

function divergedFor(window: Measures, divergence: Proof['divergence']): string | null {
  if (divergence === null || divergence.since === null) return null
  const forMs = Date.parse(window.to) - Date.parse(divergence.since)
  if (forMs <= HARM.divergedMs) return null
  return `Copies have differed from the key for ${age(forMs)} without a break (${divergence.diverged} of ${divergence.probes} comparisons): its readers see old values.`
}

function libraryErrors(window: Measures): string | null {
  const errors = window.libraryErrorsPerSec ?? null
  const reads = window.keyReadsByAppPerSec
  const { shareOfReads, perSec } = HARM.libraryErrors
  if (errors === null || reads === null || errors < perSec || errors < reads * shareOfReads) return null
  return `The library had ${perSecond(errors)} errors in ${perSecond(reads)} reads of the key, each answered by the plain command.`
}

function worsened(action: MitigationAction, before: Measures, window: Measures): string | null {
  const growth = growthOf(before, window)
  const allowed = allowedGrowth(before, window)
  const grown = growth === null ? '' : ` while demand is ${times(growth)} what it was`
  return (
    moreMisses(before, window, allowed, grown) ??
    (ANSWERED_BY_ERRORS.has(action)
      ? null
      : moreErrors(before.errorsPerSec ?? null, window.errorsPerSec ?? null, allowed, grown)) ??
    (allowed <= STEADY ? busier(before.cpuShare, window.cpuShare) : null)
  )
}

/** By design: a user that is denied, and clients that MOVED, ASK and READONLY send elsewhere. */
const ANSWERED_BY_ERRORS = new Set<MitigationAction>(['deny-user', 'failover', 'move-slot'])

const allowedGrowth = (before: Measures, window: Measures): number =>
  Math.max(1, growthOf(before, window) ?? 1, loadGrowth(before, window) ?? 1)

/** Of all that is asked of the cache, answered in the processes or not. */
function loadGrowth(before: Measures, window: Measures): number | null {
  const load = ({ shards, localHitsPerSec }: Measures) =>
    shards.reduce((sum, shard) => sum + (shard.opsPerSec ?? 0), localHitsPerSec ?? 0)
  const then = load(before)
  return then <= 0 ? null : load(window) / then
}

function slower(before: Measures, window: Measures): string | null {
  const { factor, us, reads } = HARM.p99
  const [then, now] = [before.p99HighUs ?? null, window.p99LowUs ?? null]
  const [timedThen, timedNow] = [before.timedReads ?? 0, window.timedReads ?? 0]
  if (then === null || now === null || Math.min(timedThen, timedNow) < reads) return null
  if (now < then * factor || now < then + us) return null
  const told = ({ p99Us }: Measures) => microseconds(p99Us ?? 0)
  return `Its readers wait ${told(window)} at the 99th percentile instead of ${told(before)}, and no more is asked for (${short(timedNow)} timed reads against ${short(timedThen)}).`
}

/** A local cache takes hits from the servers and leaves their misses: only more misses are more work of the origin. */
function moreMisses(before: Measures, window: Measures, allowed: number, grown: string): string | null {
  const { factor, perSec } = HARM.missesPerSec
  if (before.missesPerSec === null || window.missesPerSec === null) return null
  const most = before.missesPerSec * allowed
  if (window.missesPerSec < most * factor || window.missesPerSec < most + perSec) return null
  return `The origin is asked ${perSecond(window.missesPerSec)} instead of ${perSecond(before.missesPerSec)}${grown}.`
}

function moreErrors(
  before: number | null,
  after: number | null,
  allowed: number,
  grown: string,
): string | null {
  const { factor, perSec } = HARM.errorsPerSec
  if (before === null || after === null) return null
  if (after < before * allowed * factor || after < before * allowed + perSec) return null
  return `The servers answer ${perSecond(after)} commands with an error instead of ${perSecond(before)}${grown}.`
}

function busier(before: number | null, after: number | null): string | null {
  if (before === null || after === null) return null
  if (after < before + HARM.cpuShare.more || after < HARM.cpuShare.from) return null
  return `The primary of the key spends ${percent(after)} of its CPU instead of ${percent(before)}, and no more is asked for.`
}
