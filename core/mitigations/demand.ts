/** What is asked for a key, whoever answers it. */
import type { Measures } from './measures.ts'

/** Commands per second at the servers and reads answered in the processes; null where neither is known. */
export function demandOf(window: Measures): number | null {
  if (window.keyOpsPerSec !== null) {
    const served = window.keyOpsPerSec + (window.localHitsPerSec ?? 0)
    // Readers without the library are seen at the servers only, cooled keys by the applications only.
    return Math.max(served, window.keyReadsByAppPerSec ?? 0)
  }
  return window.keyReadsByAppPerSec
}

/** Of the demand, what the applications read with the library; all of it where they do not tell. */
export function movableOf(window: Measures, demand: number): number {
  return Math.min(demand, window.keyReadsByAppPerSec ?? demand)
}

/** What still reaches the servers; from the applications' own counts where the key is in no report. */
export function servedOf(window: Measures): number | null {
  if (window.keyOpsPerSec !== null) return window.keyOpsPerSec
  const { keyReadsByAppPerSec: reads, localHitsPerSec: hits } = window
  return reads === null || hits === null ? null : Math.max(0, reads - hits)
}

/** @returns null where either is not known, or nothing was asked for before */
export function growthOf(before: Measures | null, window: Measures): number | null {
  const then = before === null ? null : demandOf(before)
  const now = demandOf(window)
  return then === null || now === null || then <= 0 ? null : now / then
}
