/** When a node is left alone, whatever the budget says. Each sentence has the reason and what would lift it. */
import type { NodeRole } from '../model.ts'

export type GuardFacts = {
  loading: boolean
  failoverInProgress: boolean
  primaryLinkUp: boolean | null
  role: NodeRole | null
  /** Of a primary's replicas the one furthest behind; a replica's own. */
  replicationLagSeconds: number | null
  usedMemoryBytes: number | null
  maxMemoryBytes: number | null
  maxMemoryPolicy: string | null
  rssBytes: number | null
  /** Of the machine: `total_system_memory`. */
  systemMemoryBytes: number | null
}

const MIN_MEMORY_HEADROOM = 0.15
const MAX_REPLICATION_LAG_SECONDS = 10

/** @returns null when the node may be watched */
export function guardRefusal(facts: GuardFacts): string | null {
  if (facts.loading) return 'The node is loading its data: hot keys are read once it is done.'
  if (facts.failoverInProgress)
    return 'A failover is under way, or its cluster changes hands: hot keys are read again some seconds after it is over.'
  if (facts.primaryLinkUp === false) {
    return 'The link to its primary is down: hot keys are read again once the replica is in step.'
  }
  return lagRefusal(facts) ?? memoryRefusal(facts)
}

function lagRefusal({ role, replicationLagSeconds: lag }: GuardFacts): string | null {
  if (lag === null || lag <= MAX_REPLICATION_LAG_SECONDS) return null
  const seconds = Math.round(lag)
  return role === 'replica'
    ? `The node is ${seconds} s behind its primary, and MONITOR would hold it back further: hot keys are read again once it is 10 s behind at most.`
    : `A replica of the node is ${seconds} s behind, and MONITOR takes time that replication needs: hot keys are read again once all replicas are 10 s behind at most.`
}

/** Without maxmemory a node grows until the machine ends it, so what its process holds is set against that too. */
function memoryRefusal(facts: GuardFacts): string | null {
  const free = freePercent(facts.usedMemoryBytes, facts.maxMemoryBytes)
  if (free !== null) {
    const policy = facts.maxMemoryPolicy ?? 'noeviction'
    return policy === 'noeviction'
      ? `Only ${free}% of maxmemory is free, and MONITOR needs memory for its output: it is used again from 15% on (raise maxmemory or free memory). Other sources go on where the node has one.`
      : `Only ${free}% of maxmemory is free, and under ${policy} MONITOR's output would evict keys: it is used again from 15% on (raise maxmemory). Other sources go on where the node has one.`
  }
  const left = freePercent(facts.rssBytes, facts.systemMemoryBytes)
  if (left !== null) {
    return `The node leaves only ${left}% of its machine's memory, and MONITOR needs memory for its output: it is used again from 15% on (set a lower maxmemory or free memory). Other sources go on where the node has one.`
  }
  return null
}

/** @returns null with enough headroom, no limit or figures that are not known */
function freePercent(used: number | null, limit: number | null): number | null {
  if (used === null || limit === null || limit <= 0 || used <= limit * (1 - MIN_MEMORY_HEADROOM)) return null
  return Math.max(0, Math.floor(((limit - used) / limit) * 100))
}

const MAX_OUTPUT_BYTES = 8 * 1024 * 1024
/** Of what is free: the rest is the clients'. */
const OUTPUT_SHARE = 0.05

/** What the node may hold of MONITOR's output in its memory before the socket is closed, bytes. */
export function maxOutputBytes(facts: GuardFacts): number {
  const free = [
    freeBytes(facts.usedMemoryBytes, facts.maxMemoryBytes),
    freeBytes(facts.rssBytes, facts.systemMemoryBytes),
  ].filter((bytes) => bytes !== null)
  return Math.min(MAX_OUTPUT_BYTES, ...free.map((bytes) => bytes * OUTPUT_SHARE))
}

function freeBytes(used: number | null, limit: number | null): number | null {
  return used === null || limit === null || limit <= 0 ? null : Math.max(0, limit - used)
}
