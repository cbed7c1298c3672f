/** How old a value may be that a reader is given while a mitigation is in force: what is promised, and what the checker asserts. */

import { LEASE_MS } from '../protocol/policy.ts'

/** A copy's longest life without its owner: nothing outlives a crash by more. */
export const COPY_LIFE_MS = 5_000
/** Copies are compared with the base key once a second: a change that was missed is mended by then. */
const COPY_USUAL_MS = 1_000
/** So long after a write of its own a process reads the key itself: by then copies and replicas have it. */
export const OWN_READS_MS = 1_000
/** A replica that is cut off from its primary, or not heard of, is seen by then. */
const SEEN_MS = 5_000
/**
 * Where no collector is left to see it, applications go on with what they were told: the document lies in the cache for
 * its lease, and who reads it in the last moment goes by it for another.
 */
const REPLICA_WORST_MS = SEEN_MS + 2 * LEASE_MS

export type StalenessPromise = {
  /** Nobody reads a value that was replaced longer ago, whatever crashes. */
  worstMs: number
  /** The same while nothing is broken. */
  usualMs: number
  /** Whether a process that has written reads its own write, or a later one: for OWN_READS_MS, and then as all others. */
  readYourWrites: boolean
}

/** As a mitigation is carried out: `replicate` by replicas or by copies. */
export type StalenessOf =
  | { action: 'local-cache'; ttlMs: number; staleMs: number; track: boolean }
  | { action: 'replicate'; by: 'replicas' | 'copies' }
  | { action: 'split'; writeFanout: boolean }

export function promiseOf(how: StalenessOf): StalenessPromise {
  if (how.action === 'local-cache') {
    const worstMs = how.ttlMs + how.staleMs
    return { worstMs, usualMs: how.track ? Math.min(worstMs, COPY_USUAL_MS) : worstMs, readYourWrites: true }
  }
  if (how.action === 'replicate' && how.by === 'replicas') {
    return { worstMs: REPLICA_WORST_MS, usualMs: COPY_USUAL_MS, readYourWrites: true }
  }
  return { worstMs: COPY_LIFE_MS, usualMs: COPY_USUAL_MS, readYourWrites: true }
}
