/**
 * Everything that is known before a mitigation is done: what its refusals, its preview and the advice are made of.
 * Read by store/mitigation-facts.ts. Times are epoch milliseconds, null is unknown, units are in the names.
 */
import type { CacheKind, Health, NodeRole, NodeState, Source } from '../model.ts'
import { ELIGIBILITY } from './limits.ts'
import type { MitigationAction, MitigationPhase, MitigationTarget } from './model.ts'

export type MitigationFacts = {
  cache: {
    cacheId: string
    kind: CacheKind
    mitigationsEnabled: boolean
    health: Health
    /** One sentence: why it is not ok, or what it does. */
    healthReason: string
    intervalMs: number
    sampledAt: number | null
    /** The newest failover of one of its shards; null without one in the last hour. */
    failoverAt: number | null
    hitRate: number | null
    missesPerSec: number | null
  }
  /** In the order of their ordinals. */
  shards: MitigationShard[]
  /** What the draft is aimed at, where that is a key. */
  key: KeyFacts | null
  /** Applications with the library, by their fresh heartbeats. */
  apps: AppFacts[]
  /** From the newest acknowledgement of the cache; null: not counted. */
  connectionsWithoutLibrary: number | null
  /** All of the cache whose phase is not off, the newest first. */
  running: RunningMitigation[]
}

export type MitigationShard = {
  shardId: number
  ordinal: number
  /** Owned hash slots as inclusive ranges; null where the cache has no slots. */
  slots: [number, number][] | null
  /** Of all its nodes, without our own commands. */
  opsPerSec: number | null
  /** Primaries first. */
  nodes: MitigationNode[]
}

export type MitigationNode = {
  nodeId: number
  address: string
  /** Its own id in its cluster; null outside of one. */
  clusterNodeId: string | null
  role: NodeRole
  state: NodeState
  engine: string | null
  version: string | null
  sampledAt: number | null
  /** Without our own commands. */
  opsPerSec: number | null
  cpuShare: number | null
  pingMs: number | null
  /** Of a replica. */
  lagSeconds: number | null
  lagBytes: number | null
  usedMemoryBytes: number | null
  /** 0: no limit. */
  maxMemoryBytes: number | null
  rssBytes: number | null
  /** Of its machine. */
  systemMemoryBytes: number | null
  maxMemoryPolicy: string | null
  /** All databases. */
  keys: number | null
  /** Those with a time to live. */
  expires: number | null
  connectedClients: number | null
  evictedPerSec: number | null
}

export type KeyFacts = {
  db: number
  bytes: Uint8Array
  keyBase64: string
  /** For reading. */
  label: string
  /** null where the cache has no slots. */
  slot: number | null
  /** null where it cannot be told. */
  ownerShardId: number | null
  /** The end of the newest report that has the key; null: in none of the last hour. */
  at: number | null
  source: Source | null
  /** Of its newest reports, over all nodes. */
  opsPerSec: number | null
  opsPerSecLow: number | null
  opsPerSecHigh: number | null
  readsPerSec: number | null
  /** Averaged over the reports of the last minute: of few writes a single report knows little. */
  writesPerSec: number | null
  /** Where its commands arrive now. */
  byNode: { nodeId: number; opsPerSec: number | null }[]
  /** All commands that any report of the last hour saw it used by, in capitals; the newest first. */
  commands: string[]
  /** MEMORY USAGE when last probed. */
  sizeBytes: number | null
  isMissing: boolean | null
  probedAt: number | null
  /** As the applications count it themselves; null: none tells it. */
  client: { at: number; readsPerSec: number; writesPerSec: number } | null
}

export type AppFacts = {
  app: string
  instances: number
  /** Each once, sorted. */
  hosts: string[]
  /** `@cachescope/client 0.1.0`; several versions joined by a comma. */
  library: string
  /** Its instances that are switched off by their environment. */
  disabled: number
}

export type RunningMitigation = {
  mitigationId: number
  action: MitigationAction
  target: MitigationTarget
  targetKey: string
  parameters: Record<string, unknown>
  label: string
  phase: MitigationPhase
  expiresAt: number | null
  /** All of it is done, and only its effect is measured. */
  isMeasured: boolean
}

/** Whether its figures say what was, and not what is: nothing is predicted of them. */
export function isStale({ at }: Pick<KeyFacts, 'at'>, now: number): boolean {
  return at !== null && now - at > ELIGIBILITY.staleAfterMs
}

export function isPrimary(node: Pick<MitigationNode, 'role'>): boolean {
  return node.role === 'primary' || node.role === 'server'
}

/** A replica that is read must not be further behind than a reader may accept. */
export const IN_SYNC_SECONDS = 2

export function isInSyncReplica(node: MitigationNode): boolean {
  return (
    node.role === 'replica' &&
    node.state === 'up' &&
    node.lagSeconds !== null &&
    node.lagSeconds <= IN_SYNC_SECONDS
  )
}

export function ownerShard(facts: MitigationFacts): MitigationShard | null {
  return facts.shards.find((shard) => shard.shardId === facts.key?.ownerShardId) ?? null
}

export function countInstances(facts: Pick<MitigationFacts, 'apps'>): number {
  return facts.apps.reduce((sum, app) => sum + app.instances - app.disabled, 0)
}
