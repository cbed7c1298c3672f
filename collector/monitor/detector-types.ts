/** What a hot-key detector is given and what it answers. */
import type { ConnectionOptions } from 'node:tls'
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'
import type { HotKeyRate } from '../../core/hot-keys/report.ts'
import type { NodeRole } from '../../core/model.ts'

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
  /** Network input ÷ commands. */
  inputBytesPerCommand: number | null
  usedMemoryBytes: number | null
  /** 0 or null: no limit. */
  maxMemoryBytes: number | null
  /** Of the process, and all that its machine has. */
  rssBytes: number | null
  systemMemoryBytes: number | null
  role: NodeRole | null
  /** `redis_version`; for Valkey, `valkey_version`. */
  version: string | null
  /** The server's run id: when it changes, what was counted is forgotten. */
  runId: string | null
  loading: boolean
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
export type DetectorLogger = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export type HotKeyDetectorOptions = {
  connection: MonitorConnection
  /** The node's own commands, by its ordinary connection. */
  loadCommandTable(): Promise<CommandTable>
  nodeFacts(): NodeFacts
  /** Share of the node's time that watching may take: 0.01 is 1%. */
  budget: number
  logger: DetectorLogger
  /** Epoch milliseconds. @default Date.now */
  now?: () => number
  /** In [0, 1). @default Math.random */
  random?: () => number
}

export type HotKeyReport = {
  /** Epoch milliseconds: the sliding window. */
  windowFrom: number
  windowTo: number
  /** Clients' commands that were seen in the window, ours excluded. */
  sampledCommands: number
  /** At most 20, by rate descending. */
  keys: ReportedKey[]
}
/** `share` is of the clients' commands, 0 to 1, with its 95% interval; `topCommand` in capitals: `XINFO STREAM`. */
export type ReportedKey = HotKeyRate

/** What watching has cost the node since the detector was made; only ever grows. */
export type WatchingCost = {
  /** Commands that we sent. */
  commands: number
  /** Bytes sent and received. */
  bytes: number
  /** Time in monitor mode. */
  windowMs: number
  /** The node's main-thread time, by the cost model. */
  cpuUs: number
}

export interface HotKeyDetector {
  /** Idempotent; never throws. */
  start(): void
  /** Idempotent; resolves when no socket and no timer is left. */
  stop(): Promise<void>
  /** The last ten seconds; null while nothing was seen or the node's rate is unknown. */
  report(now: number): HotKeyReport | null
  /** One sentence: why hot keys are not read now and what would lift it; null while they are. */
  readonly refusal: string | null
  readonly cost: Readonly<WatchingCost>
}
