/** What a node's readings say of it, as a source of hot keys wants to know it. */
import type { NodeState } from '../../core/model.ts'
import type { NodeConnection, NodePlace } from '../connection/node-connection.ts'
import { LagTracker } from '../lag-tracker.ts'
import type { NodeReading, ShapedReading } from '../reading.ts'
import { formatAddress, numberField } from '../sources/info.ts'
import type { NodeFacts } from './source-types.ts'

/** What is known of the node now; live. */
export type WatchedNode = {
  readonly place: NodePlace
  readonly connection: NodeConnection
  readonly state: NodeState
  readonly reading: NodeReading | null
  readonly shaped: ShapedReading | null
}

/** What only the whole cache can tell of a node. */
export type CacheFacts = {
  /** Mean rate of the other shards' primaries; null where there is nothing to compare with. */
  siblingOpsPerSec?(): number | null
  /** A failover or a move of slots is being seen, or has just been. */
  isTopologyChanging?(): boolean
}

/** For so long after a node's view of its cluster moved to another epoch: a vote was won, slots are changing hands. */
const AFTER_EPOCH_MS = 5_000

export class FactsOfNode {
  readonly #watcher: WatchedNode
  readonly #cache: CacheFacts
  /** What this node alone can tell of its replication: enough to leave it in peace, soon enough. */
  readonly #lag = new LagTracker()
  #noted: NodeReading | null = null
  #lagSeconds: number | null = null
  #epoch: number | null = null
  /** By the readings' own clock. */
  #epochMovedAt = Number.NEGATIVE_INFINITY

  constructor(watcher: WatchedNode, cache: CacheFacts) {
    this.#watcher = watcher
    this.#cache = cache
  }

  read(): NodeFacts {
    const { reading, shaped, state, connection } = this.#watcher
    const info = reading?.info
    const primary = info?.primary ?? null
    const own = connection.ownAddress
    return {
      opsPerSec: shaped?.executedPerSec ?? null,
      siblingOpsPerSec: this.#cache.siblingOpsPerSec?.() ?? null,
      cpuShare: shaped?.metrics.cpuShare ?? null,
      inputBytesPerCommand: shaped?.inputBytesPerCommand ?? null,
      usedMemoryBytes: shaped?.metrics.usedMemoryBytes ?? null,
      maxMemoryBytes: shaped?.metrics.maxMemoryBytes ?? null,
      maxMemoryPolicy: info?.fields.get('maxmemory_policy') ?? null,
      rssBytes: shaped?.metrics.rssBytes ?? null,
      systemMemoryBytes: info ? numberField(info, 'total_system_memory') : null,
      // What it was before it went away is no news: its replica may have its role by now.
      role: info?.role ?? null,
      engine: info?.engine ?? null,
      version: info?.version ?? null,
      clusterEnabled: info?.fields.get('cluster_enabled') === '1',
      runId: info?.runId ?? null,
      loading: state === 'loading',
      failoverInProgress: reading !== null && this.#isFailover(reading),
      primaryAddress: primary ? formatAddress(primary.host, primary.port) : null,
      primaryLinkUp: primary ? primary.linkUp : null,
      replicationLagSeconds: reading && this.#measureLag(reading),
      ownAddresses: own === null ? [] : [own],
      callsPerCommand: shaped?.callsPerCommand ?? new Map(),
    }
  }

  /**
   * By the node itself (FAILOVER), by its cluster (it does not serve, or its epoch has moved), or by what the cache sees
   * of all nodes: that a primary which lives hands over at a Sentinel's or CLUSTER FAILOVER's word stands nowhere else.
   */
  #isFailover(reading: NodeReading): boolean {
    const { info, cluster, monotonicMs } = reading
    const epoch = cluster?.epoch ?? null
    if (epoch !== null && this.#epoch !== null && epoch !== this.#epoch) this.#epochMovedAt = monotonicMs
    this.#epoch = epoch ?? this.#epoch
    return (
      (info.fields.get('master_failover_state') ?? 'no-failover') !== 'no-failover' ||
      cluster?.ok === false ||
      monotonicMs - this.#epochMovedAt < AFTER_EPOCH_MS ||
      (this.#cache.isTopologyChanging?.() ?? false)
    )
  }

  #measureLag(reading: NodeReading): number | null {
    const { address } = this.#watcher.place
    // Asked for every few milliseconds while a window is open, and the same until the next reading.
    if (reading === this.#noted) return this.#lagSeconds
    this.#noted = reading
    this.#lag.note(address, reading)
    this.#lagSeconds =
      reading.info.role === 'replica'
        ? this.#lag.measure(address, reading, null, 0).seconds
        : this.#lag.measureReplicas(address, reading)
    return this.#lagSeconds
  }
}
