/**
 * What the collector hands to the store: readings already parsed and differenced, addressed by natural keys
 * (cache id and node address), so that they can wait in memory while Postgres is away.
 */

import type { NodeMetrics } from './metrics.ts'
import type { CacheKind, EventKind, NodeRole, NodeState, Source, Watching } from './model.ts'

/** Epoch milliseconds, by the collector's clock. */
export type Millis = number

/** `host:port`, IPv6 hosts in brackets. Unique within a cache. */
export type NodeAddress = string

/** A cache as the configuration names it; no credentials. */
export type CacheRecord = {
  cacheId: string
  kind: CacheKind
  seeds: NodeAddress[]
  intervalMs: number
  mitigationsEnabled: boolean
}

/** The shards and nodes of a cache as discovered, whole: nodes not listed have left. */
export type Topology = { cacheId: string; at: Millis; shards: TopologyShard[] }
export type TopologyShard = {
  /** 1-based, given once and kept over failovers and restarts: the shard's name and colour. */
  ordinal: number
  /** Owned hash slots as inclusive ranges, in order; null where the cache has no slots. */
  slots: [number, number][] | null
  nodes: TopologyNode[]
}
export type TopologyNode = {
  address: NodeAddress
  role: NodeRole
  /** The server's own id in its cluster; null outside of one. */
  clusterNodeId: string | null
}

type OfNode = { cacheId: string; address: NodeAddress }

export type NodeStatus = OfNode & {
  at: Millis
  state: NodeState
  /** One sentence for a person: what is wrong, null when up. */
  message: string | null
  role: NodeRole | null
  version: string | null
  /** `redis` or `valkey` */
  engine: string | null
  uptimeSeconds: number | null
  maxMemoryPolicy: string | null
  maxClients: number | null
  /** Why hot keys are not read here, null when they are. */
  hotKeysRefusal: string | null
  /** How hot keys are read here; null where they are switched off. */
  watching: Watching | null
}
export type NodeSample = OfNode & { at: Millis; metrics: NodeMetrics }

/** One command over the interval since the reading before; percentiles are the server's, since its start or last reset. */
export type CommandSample = OfNode & {
  at: Millis
  command: string
  callsPerSec: number
  usPerCall: number | null
  failedPerSec: number | null
  rejectedPerSec: number | null
  p50Us: number | null
  p99Us: number | null
  p999Us: number | null
}
export type KeyspaceSample = OfNode & {
  at: Millis
  db: number
  keys: number
  expires: number
  avgTtlMs: number | null
}

/** A key's figures are null where its source cannot tell them: an LFU counter is a rank and no rate. */
export type HotKeySample = OfNode & {
  /** The end of the window. */
  at: Millis
  windowFrom: Millis
  sampledCommands: number | null
  source: Source
  /** 1 is the hottest of its report. */
  rank: number
  db: number
  key: Uint8Array
  /** Of the node's client commands, 0 to 1, with its 95% interval. */
  share: number | null
  shareLow: number | null
  shareHigh: number | null
  opsPerSec: number | null
  opsPerSecLow: number | null
  opsPerSecHigh: number | null
  readsPerSec: number | null
  writesPerSec: number | null
  /** In capitals: `XINFO STREAM`. */
  topCommand: string | null
  /** Every command that was seen to use it, at most 8, the most used first; `topCommand` is among them. */
  commands: string[]
  /** Of the node's command time, 0 to 1: what Redis' HOTKEYS and SLOT-STATS measure. */
  cpuShare: number | null
  /** OBJECT FREQ, 0 to 255: logarithmic. */
  lfuCounter: number | null
  /** MEMORY USAGE at `probedAt`; null when not asked, not permitted, or missing. */
  sizeBytes: number | null
  /** Whether the key did not exist at `probedAt`. */
  isMissing: boolean | null
  probedAt: Millis | null
}

/** Keys of one shape, `article:*`, together; `pattern` null: all that no listed pattern has. */
export type HotPatternSample = OfNode & {
  at: Millis
  windowFrom: Millis
  sampledCommands: number | null
  source: Source
  rank: number
  /** For reading: bytes that are not UTF-8 as \\xHH. */
  pattern: string | null
  /** Of the node's client commands, 0 to 1, with its 95% interval. */
  share: number
  shareLow: number
  shareHigh: number
  opsPerSec: number
  opsPerSecLow: number
  opsPerSecHigh: number
  readsPerSec: number
  writesPerSec: number
  /** Different keys of it among those sampled. */
  keysSeen: number
}

export type SlowlogEntry = OfNode & {
  /** The server's entry id: unique with its run id. */
  entryId: number
  runId: string
  at: Millis
  durationUs: number
  /** The command and, where there is one, its subcommand: `GET`, `CONFIG SET`. */
  command: string
  /** The command's keys; never its values. */
  keys: Uint8Array[]
  argumentCount: number
  clientAddress: string | null
}

export type EventSample = {
  at: Millis
  cacheId: string
  /** null for an event of the whole cache. */
  address: NodeAddress | null
  shardOrdinal: number | null
  kind: EventKind
  /** One sentence for a person. */
  message: string
}

/** The whole INFO reply of a node, kept once per node. */
export type NodeInfo = OfNode & { at: Millis; info: string }

export type CollectorStatus = {
  collectorId: string
  host: string
  pid: number
  version: string
  startedAt: Millis
  at: Millis
  nodes: number
  /** Ticks that wait in memory for Postgres, and how many were dropped to keep within the bound. */
  bufferedTicks: number
  droppedTicks: number
}

/** All that one tick of one collector brings, saved in one round trip. */
export type Tick = {
  at: Millis
  statuses: NodeStatus[]
  samples: NodeSample[]
  commands: CommandSample[]
  keyspaces: KeyspaceSample[]
  hotKeys: HotKeySample[]
  hotPatterns: HotPatternSample[]
  slowlog: SlowlogEntry[]
  events: EventSample[]
  infos: NodeInfo[]
}
