/**
 * What Cachescope shows: one schema per thing, used by the store's queries, the pages and the HTTP API alike.
 * Times are ISO 8601 in UTC. `null` is unknown. Units are in the names.
 */
import { z } from 'zod'
import { type NodeMetric, nodeMetricNames } from './metrics.ts'

export const CacheKind = z.enum(['standalone', 'sentinel', 'cluster', 'memcached', 'dax'])
export type CacheKind = z.infer<typeof CacheKind>

export const NodeRole = z.enum(['primary', 'replica', 'sentinel', 'server'])
export type NodeRole = z.infer<typeof NodeRole>

/** What a node answered when it was last asked. */
export const NodeState = z.enum([
  'pending', // not asked yet
  'up',
  'refused', // nothing listens there
  'timeout', // connects or hangs without an answer
  'unresolved', // its name has no address
  'unreachable', // no route, or the connection was reset
  'auth-required',
  'auth-failed',
  'denied', // signed in, but not permitted to read
  'loading', // reading its data from disk
  'busy', // a script holds it
  'not-redis', // something else answers there
  'tls-mismatch',
  'error',
])
export type NodeState = z.infer<typeof NodeState>

export const Source = z.enum(['monitor', 'hotkeys', 'lfu', 'slot-stats', 'watch', 'client'])
export type Source = z.infer<typeof Source>

export const EventKind = z.enum([
  'failover',
  'restart',
  'node-lost',
  'node-back',
  'node-added',
  'node-removed',
  'slots-moved',
  'counters-reset',
  'cluster-down',
  'cluster-ok',
  'mitigation',
])
export type EventKind = z.infer<typeof EventKind>

/** `ok`; `degraded`: serves, but not as it should; `down`: part of the keys cannot be read; `stale`: no news; `pending`: no sample yet. */
export const Health = z.enum(['ok', 'degraded', 'down', 'stale', 'pending'])
export type Health = z.infer<typeof Health>

const isoTime = z.iso.datetime()
const nullableNumber = z.number().nullable()
const metricsShape = Object.fromEntries(nodeMetricNames.map((name) => [name, nullableNumber])) as Record<
  NodeMetric,
  typeof nullableNumber
>

export const HotKey = z
  .object({
    cacheId: z.string(),
    shardId: z.int(),
    nodeId: z.int(),
    key: z.string().describe('The key for reading: UTF-8 where it is, other bytes as \\xHH'),
    keyBase64: z.string().describe('The key, exactly'),
    db: z.int(),
    share: nullableNumber.describe(
      "Share of the node's commands, 0 to 1; null where the source cannot tell a rate",
    ),
    shareLow: nullableNumber.describe('Lower end of the 95% interval'),
    shareHigh: nullableNumber.describe('Upper end of the 95% interval'),
    opsPerSec: nullableNumber,
    opsPerSecLow: nullableNumber,
    opsPerSecHigh: nullableNumber,
    readsPerSec: nullableNumber,
    writesPerSec: nullableNumber,
    topCommand: z.string().nullable(),
    commands: z
      .array(z.string())
      .describe(
        'Commands that were seen to use it, the most used first, at most 8; empty where it is not told',
      ),
    cpuShare: nullableNumber.describe("Share of the node's command time, 0 to 1, by HOTKEYS or SLOT-STATS"),
    lfuCounter: nullableNumber.describe('OBJECT FREQ, 0 to 255, logarithmic'),
    sizeBytes: nullableNumber.describe('MEMORY USAGE when probed; null unknown or missing'),
    bytesPerSec: nullableNumber.describe('opsPerSec × sizeBytes'),
    isMissing: z.boolean().nullable().describe('Whether it did not exist when probed; null not probed'),
    probedAt: isoTime.nullable().describe('When size and existence were asked for'),
    source: Source,
    rank: z.int().describe('1 is the hottest of its report'),
    window: z.object({ from: isoTime, to: isoTime, sampledCommands: z.int().nullable() }),
  })
  .meta({ id: 'HotKey' })
export type HotKey = z.infer<typeof HotKey>

/** A key over all nodes of its cache on which it is hot; shardId, nodeId, source and command are where it is hottest. */
export const CacheHotKey = HotKey.extend({
  nodeIds: z.array(z.int()).describe('Nodes on which it is hot, the hottest first'),
}).meta({
  id: 'CacheHotKey',
  description: "A key over its cache: rates are summed, shares are of the cache's commands",
})
export type CacheHotKey = z.infer<typeof CacheHotKey>

/** Keys of one shape, over the nodes of a cache. */
export const HotPattern = z
  .object({
    cacheId: z.string(),
    pattern: z.string().nullable().describe('`article:*`; null: the keys of no listed pattern'),
    share: z.number().describe("Share of the cache's commands, 0 to 1"),
    shareLow: z.number(),
    shareHigh: z.number(),
    opsPerSec: z.number(),
    opsPerSecLow: z.number(),
    opsPerSecHigh: z.number(),
    readsPerSec: z.number(),
    writesPerSec: z.number(),
    keysSeen: z.int().describe('Different keys of it among those sampled'),
    nodeIds: z.array(z.int()).describe('Nodes on which it was seen, the busiest first'),
    source: Source,
    window: z.object({ from: isoTime, to: isoTime, sampledCommands: z.int().nullable() }),
  })
  .meta({ id: 'HotPattern' })
export type HotPattern = z.infer<typeof HotPattern>

/** How the hot keys of a node are read, and what the reading costs it: predicted beside measured. */
export const Watching = z
  .object({
    source: Source.nullable().describe('What hot keys are read by now; null: nothing'),
    sources: z
      .array(
        z.object({
          source: Source,
          state: z.enum(['used', 'ready', 'refused', 'unsupported']),
          reason: z
            .string()
            .nullable()
            .describe('One sentence: why it is not used, and what would change that'),
        }),
      )
      .describe('Every source that the node was asked for, the best first'),
    budget: z.number().describe("Share of the node's time that watching may take"),
    attention: nullableNumber.describe(
      'Share of the budget that is spent now, 0 to 1: a quiet node gets less',
    ),
    predictedShare: nullableNumber.describe("Of the node's time over the last minute, by the cost model"),
    measuredShare: nullableNumber.describe('The same by INFO cpu; null while too small to be told apart'),
    lastBurst: z
      .object({
        at: isoTime,
        windowMs: z.number(),
        commands: z.int(),
        bytes: z.int(),
        predictedUs: z.number(),
        measuredUs: nullableNumber,
        predictedLatencyMs: z.number().describe('The longest that it may have made a client wait'),
        end: z.string().describe('What ended it: window, lines, bytes, memory, lag'),
      })
      .nullable(),
  })
  .meta({ id: 'Watching' })
export type Watching = z.infer<typeof Watching>

/** A hot key as the list shows it: with its past. */
export type HotKeyRow = HotKey & {
  shardOrdinal: number
  nodeAddress: string
  firstSeenAt: string
  /** Commands per second over the range asked for, evenly spaced, oldest first; null where it was not hot. */
  sparkline: (number | null)[]
}

export const NodeSampleView = z.object({ nodeId: z.int(), at: isoTime, ...metricsShape }).meta({
  id: 'Sample',
  description: 'One reading of one node. Counters are rates over the time since the reading before.',
})
export type NodeSampleView = z.infer<typeof NodeSampleView>

export const Node = z
  .object({
    cacheId: z.string(),
    shardId: z.int().nullable(),
    shardOrdinal: z.int().nullable(),
    nodeId: z.int(),
    address: z.string(),
    role: NodeRole,
    state: NodeState,
    stateMessage: z.string().nullable().describe('What is wrong, in a sentence; null when up'),
    stateSince: isoTime,
    engine: z.string().nullable(),
    version: z.string().nullable(),
    uptimeSeconds: nullableNumber,
    maxMemoryPolicy: z.string().nullable(),
    maxClients: nullableNumber,
    clusterNodeId: z.string().nullable(),
    hotKeysRefusal: z.string().nullable().describe('Why hot keys are not read here; null when they are'),
    watching: Watching.nullable(),
    checkedAt: isoTime.nullable().describe('When it was last asked, whatever it answered'),
    firstSeenAt: isoTime,
    latest: NodeSampleView.nullable(),
  })
  .meta({ id: 'Node' })
export type Node = z.infer<typeof Node>

export const Shard = z
  .object({
    cacheId: z.string(),
    shardId: z.int(),
    ordinal: z.int(),
    slots: z.array(z.tuple([z.int(), z.int()])).nullable(),
    slotCount: z.int().nullable(),
    health: Health,
    primaryNodeId: z.int().nullable(),
    opsPerSec: nullableNumber.describe('Commands per second of all its nodes'),
    loadShare: nullableNumber.describe("Share of the cache's commands, 0 to 1"),
    hitRate: nullableNumber,
    worstLagSeconds: nullableNumber,
    worstLagBytes: nullableNumber,
    hottestKey: HotKey.nullable(),
    nodes: z.array(Node),
  })
  .meta({ id: 'Shard' })
export type Shard = z.infer<typeof Shard>

export const Cache = z
  .object({
    cacheId: z.string(),
    kind: CacheKind,
    intervalMs: z.int(),
    health: Health,
    healthReason: z.string().describe('One sentence: why it is not ok, or what it does'),
    sampledAt: isoTime.nullable(),
    shardCount: z.int(),
    nodeCount: z.int(),
    nodesUp: z.int(),
    opsPerSec: nullableNumber,
    hitRate: nullableNumber.describe('Hits ÷ (hits + misses), 0 to 1'),
    usedMemoryBytes: nullableNumber,
    maxMemoryBytes: nullableNumber.describe('null where a primary has no limit'),
    evictedPerSec: nullableNumber,
    worstLagSeconds: nullableNumber,
    worstLagBytes: nullableNumber,
    hottestOverMean: nullableNumber.describe('Load of the busiest shard ÷ mean load of all shards'),
    hottestShardId: z.int().nullable(),
    hottestKey: HotKey.nullable(),
  })
  .meta({ id: 'Cache' })
export type Cache = z.infer<typeof Cache>

export const Event = z
  .object({
    eventId: z.int(),
    at: isoTime,
    cacheId: z.string(),
    shardId: z.int().nullable(),
    nodeId: z.int().nullable(),
    kind: EventKind,
    message: z.string(),
  })
  .meta({ id: 'Event' })
export type Event = z.infer<typeof Event>

/** A collector as the dashboard sees it. */
export type Collector = {
  collectorId: string
  host: string
  pid: number
  version: string
  startedAt: string
  heartbeatAt: string
  nodes: number
  bufferedTicks: number
  droppedTicks: number
}

/** The same metric of several nodes or shards over time, in columns: `values[i]` belongs to `at[i]`; null is a gap. */
export type Series = {
  resolution: 'raw' | '1m' | '1h'
  stepMs: number
  /** Epoch milliseconds, evenly spaced, oldest first. */
  at: number[]
  lines: { nodeId: number; metrics: Partial<Record<NodeMetric, (number | null)[]>> }[]
}

export type CommandRow = {
  command: string
  callsPerSec: number
  usPerCall: number | null
  failedPerSec: number | null
  rejectedPerSec: number | null
  p50Us: number | null
  p99Us: number | null
  p999Us: number | null
}
export type KeyspaceRow = { db: number; keys: number; expires: number; avgTtlMs: number | null }
export type SlowlogRow = {
  at: string
  durationUs: number
  command: string
  keys: { key: string; keyBase64: string }[]
  argumentCount: number
  clientAddress: string | null
}
