/** What a source of a node's hot keys is given and what it answers: MONITOR, HOTKEYS, watch, the applications' counts, LFU, SLOT-STATS, and the ladder of them. */
import type { ConnectionOptions } from 'node:tls'
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'
import type { NodeRole, Source, Watching } from '../../core/model.ts'
import type { HotKeySample, HotPatternSample } from '../../core/sample.ts'
import type { NodeCommands } from '../connection/node-connection.ts'
import type { NodeCounts } from './client-counts.ts'

export type MonitorConnection = {
  host: string
  port: number
  /** Options of node:tls (ca, servername, rejectUnauthorized); null for a plain socket. */
  tls: ConnectionOptions | null
  username: string | null
  password: string | null
}

/** What the collector knows of the node from its last tick; null is unknown. Rates are without our own commands. */
export type NodeFacts = {
  /** Commands per second by `total_commands_processed`, ours subtracted; a replica's with its primary's. */
  opsPerSec: number | null
  /** Mean of the other shards' primaries of the cache, by the same counter; null where it has none, or on a replica. */
  siblingOpsPerSec: number | null
  /** Of the main thread, 0 to 1, ours included. */
  cpuShare: number | null
  /** Network input ÷ commands. */
  inputBytesPerCommand: number | null
  usedMemoryBytes: number | null
  /** 0 or null: no limit. */
  maxMemoryBytes: number | null
  maxMemoryPolicy: string | null
  /** Of the process, and all that its machine has. */
  rssBytes: number | null
  systemMemoryBytes: number | null
  role: NodeRole | null
  /** `redis` or `valkey` */
  engine: string | null
  /** `redis_version`; for Valkey, `valkey_version`. */
  version: string | null
  clusterEnabled: boolean
  /** The server's run id: when it changes, what was counted is forgotten. */
  runId: string | null
  loading: boolean
  /** By the node, by its cluster's state and epoch, or by a change of the topology. */
  failoverInProgress: boolean
  /** For a replica: its primary as `ip:port` (`master_host:master_port`), and whether the link is up. */
  primaryAddress: string | null
  primaryLinkUp: boolean | null
  /** A primary's replica that is furthest behind, or a replica's own lag; null when it has none or none is known. */
  replicationLagSeconds: number | null
  /** `ip:port` of our other connections as the node sees them (`CLIENT INFO` → addr): their commands are not counted. */
  ownAddresses: readonly string[]
  /** Calls per second by name in lower case as in commandstats (`get`, `config|get`), ours subtracted. */
  callsPerCommand: ReadonlyMap<string, number>
}

/** The part of a pino logger that is used. */
export type SourceLogger = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export type HotKeySourceOptions = {
  connection: MonitorConnection
  /** The node's ordinary connection: short commands only, each counted in its own bill. */
  commands: NodeCommands
  /**
   * The node's own commands, by its ordinary connection.
   * @param unknownNames commands that the node runs and its table does not list: renamed ones, or a module's that
   * came since. Each is asked for once; the same table comes back when there is nothing to add.
   */
  loadCommandTable(unknownNames?: readonly string[]): Promise<CommandTable>
  nodeFacts(): NodeFacts
  /** What the applications ask of the keys that the node owns; null while none tells. */
  clientCounts?(): NodeCounts | null
  /** Share of the node's time that watching may take: 0.01 is 1%. */
  budget: number
  /** The longest that watching may make a client wait. */
  maxLatencyMs: number
  /** Something was seen that a report would tell: after every burst, window or reply. */
  onNews(): void
  logger: SourceLogger
  /** Epoch milliseconds. @default Date.now */
  now?: () => number
  /** In [0, 1). @default Math.random */
  random?: () => number
}

/** A hot key of a report: of the row that is kept, all but its place, its commands and what the prober adds. `rank` is its index + 1. */
export type ReportedKey = Omit<
  HotKeySample,
  | 'cacheId'
  | 'address'
  | 'at'
  | 'windowFrom'
  | 'sampledCommands'
  | 'source'
  | 'rank'
  | 'commands'
  | 'sizeBytes'
  | 'isMissing'
  | 'probedAt'
>
export type ReportedPattern = Omit<
  HotPatternSample,
  'cacheId' | 'address' | 'at' | 'windowFrom' | 'sampledCommands' | 'source' | 'rank'
>

export type HotKeyReport = {
  source: Source
  /** Epoch milliseconds: the window. */
  windowFrom: number
  windowTo: number
  /** Clients' commands that were seen in the window, ours excluded; null where the source does not tell. */
  sampledCommands: number | null
  /** Hottest first, at most 60: the reporter keeps the top 20, and of the others those that are missing or big. */
  keys: ReportedKey[]
  /** Every command that was seen to use one of `keys`, as the row has them; absent where the source tells none. */
  commandsOf?(key: ReportedKey): string[]
  /** Hottest first, "other" last; empty where the source cannot tell. */
  patterns: ReportedPattern[]
}

/**
 * What watching has cost the node since the source was made; every figure only ever grows. Commands sent over the
 * node's ordinary connection are in that connection's bill and not in `commands`, `bytes`, `connections`,
 * `byCommand`; their hits and misses are here.
 */
export type WatchingCost = {
  commands: number
  /** By the name of commandstats: `monitor`, `client|list`. Sums to `commands`. */
  byCommand: Map<string, number>
  /** Sent and received. */
  bytes: number
  connections: number
  /** Keyspace hits and misses that our commands added. */
  hits: number
  misses: number
  /** Time in monitor mode. */
  windowMs: number
  /** The node's main-thread time in microseconds: by the model, corrected by what was measured. */
  cpuUs: number
}

export interface HotKeySource {
  /** Idempotent; never throws. */
  start(): void
  /** Idempotent; resolves when no socket and no timer is left. */
  stop(): Promise<void>
  /** The last window; null while nothing was seen or what a share is of is unknown. */
  report(now: number): HotKeyReport | null
  /** One sentence: why hot keys are not read now and what would lift it; null while they are. */
  readonly refusal: string | null
  readonly cost: Readonly<WatchingCost>
  /** For the node's page. */
  readonly watching: Watching
}

export type CreateHotKeySource = (options: HotKeySourceOptions) => HotKeySource

export function noCost(): WatchingCost {
  return {
    commands: 0,
    byCommand: new Map(),
    bytes: 0,
    connections: 0,
    hits: 0,
    misses: 0,
    windowMs: 0,
    cpuUs: 0,
  }
}
