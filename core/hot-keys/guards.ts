/** When a node is left alone, whatever the budget says. Each sentence has the reason and what would lift it. */
export type GuardFacts = {
  loading: boolean
  failoverInProgress: boolean
  primaryLinkUp: boolean | null
  usedMemoryBytes: number | null
  maxMemoryBytes: number | null
}

const MIN_MEMORY_HEADROOM = 0.15

/** @returns null when the node may be watched */
export function guardRefusal(facts: GuardFacts): string | null {
  if (facts.loading) return 'The node is loading its data: hot keys are read once it is done.'
  if (facts.failoverInProgress) return 'A failover is under way: hot keys are read again once it is over.'
  if (facts.primaryLinkUp === false) {
    return 'The link to its primary is down: hot keys are read again once the replica is in step.'
  }
  const { usedMemoryBytes: used, maxMemoryBytes: max } = facts
  if (used !== null && max !== null && max > 0 && used > max * (1 - MIN_MEMORY_HEADROOM)) {
    const free = Math.max(0, Math.floor((1 - used / max) * 100))
    return `Only ${free}% of maxmemory is free, and MONITOR needs memory for its output: hot keys are read again from 15% on (raise maxmemory or free memory).`
  }
  return null
}
