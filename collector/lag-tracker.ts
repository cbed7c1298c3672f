/** Remembers the offsets that the primaries of a cache said, to measure its replicas against. */
import { type Lag, measureLag, type OffsetReading } from '../core/lag.ts'
import type { NodeAddress } from '../core/sample.ts'
import type { NodeReading } from './reading.ts'
import { formatAddress, numberField, type ReplicaLine } from './sources/info.ts'

/** Five minutes at two seconds: a replica further behind than that is said to be at least so far. */
const HISTORY = 150
const SAID_BY_PRIMARY = { linkDownSeconds: null, lastIoSeconds: null, uptimeSeconds: null }

export class LagTracker {
  readonly #offsets = new Map<NodeAddress, OffsetReading[]>()
  readonly #latest = new Map<NodeAddress, NodeReading>()

  note(address: NodeAddress, reading: NodeReading): void {
    this.#latest.set(address, reading)
    const offset = numberField(reading.info, 'master_repl_offset')
    const replicationId = reading.info.fields.get('master_replid')
    if (reading.info.role !== 'primary' || offset === null || !replicationId) {
      this.#offsets.delete(address)
      return
    }
    const history = this.#offsets.get(address) ?? []
    if (history.at(-1)?.replicationId !== replicationId) history.length = 0
    history.push({ atMs: reading.monotonicMs, offset, replicationId })
    if (history.length > HISTORY) history.shift()
    this.#offsets.set(address, history)
  }

  /** Seconds that the replica furthest behind is, as this primary alone can tell; null when it has none in step. */
  measureReplicas(address: NodeAddress, { info, monotonicMs }: NodeReading): number | null {
    const history = this.#offsets.get(address) ?? []
    const seconds = info.replicas.flatMap(({ online, offset, lagSeconds }) => {
      // One that is still being filled has no position yet.
      if (!online) return []
      const replicationId = info.fields.get('master_replid') ?? null
      const replica = { atMs: monotonicMs, offset, replicationId, linkUp: true, ...SAID_BY_PRIMARY }
      return measureLag(history, replica, lagSeconds).seconds ?? []
    })
    return seconds.length === 0 ? null : Math.max(...seconds)
  }

  forget(address: NodeAddress): void {
    this.#offsets.delete(address)
    this.#latest.delete(address)
  }

  /**
   * @param shardPrimary the primary by discovery, where the replica names it otherwise
   * @param freshMs how old the primary's own view of its replicas may be
   */
  measure(
    address: NodeAddress,
    reading: NodeReading,
    shardPrimary: NodeAddress | null,
    freshMs: number,
  ): Lag {
    const { info } = reading
    if (info.role !== 'replica') return { bytes: null, seconds: null }
    const named = info.primary ? formatAddress(info.primary.host, info.primary.port) : null
    const primary = named !== null && this.#latest.has(named) ? named : shardPrimary
    const view = primary === null ? undefined : this.#latest.get(primary)
    const isFresh = view !== undefined && Math.abs(reading.monotonicMs - view.monotonicMs) <= freshMs
    const ack = isFresh ? findReplica(view.info.replicas, address)?.lagSeconds : null
    return measureLag(
      (primary === null ? undefined : this.#offsets.get(primary)) ?? [],
      {
        atMs: reading.monotonicMs,
        offset: numberField(info, 'slave_repl_offset'),
        replicationId: info.fields.get('master_replid') ?? null,
        linkUp: info.primary?.linkUp ?? false,
        linkDownSeconds: numberField(info, 'master_link_down_since_seconds'),
        lastIoSeconds: numberField(info, 'master_last_io_seconds_ago'),
        uptimeSeconds: numberField(info, 'uptime_in_seconds'),
      },
      ack ?? null,
    )
  }
}

/** By address, else by its port where only one replica has it: a primary may know its replicas by other hosts. */
function findReplica(replicas: readonly ReplicaLine[], address: NodeAddress): ReplicaLine | undefined {
  const exact = replicas.find((replica) => replica.address === address)
  if (exact) return exact
  const port = address.slice(address.lastIndexOf(':'))
  const samePort = replicas.filter((replica) => replica.address.endsWith(port))
  return samePort.length === 1 ? samePort[0] : undefined
}
