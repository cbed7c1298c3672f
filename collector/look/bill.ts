/** What a look has cost the nodes: what was sent is counted; their time is predicted by the model and, where it can be told apart, measured. */
import type { Watching } from '../../core/model.ts'
import { type NodeCommands, NodeConnection } from '../connection/node-connection.ts'
import type { HotKeySource } from '../hot-keys/source-types.ts'
import type { ResolveCost } from './resolve.ts'

export type LookCost = {
  /** Sent to all nodes, finding them included. */
  commands: number
  /** Sent and received. */
  bytes: number
  connections: number
  /** Time in MONITOR or watch, of all nodes together. */
  windowMs: number
  /** The nodes' time for MONITOR or watch, by the model as corrected by what was measured. */
  monitorCpuUs: number
  /** Of the time of the busiest-watched node, 0 to 1: our commands by its commandstats, MONITOR or watch by the model. */
  cpuShare: number | null
  /** MONITOR's alone by INFO cpu, of the same node; null while it cannot be told apart from the node's own work. */
  measuredCpuShare: number | null
}

type NodeShare = { from: number; at: number; weighted: number; measured: number | null }

export class Bill {
  readonly #resolve: ResolveCost
  readonly #sources: { source: HotKeySource; connection: NodeConnection | null }[] = []
  readonly #shares = new Map<string, NodeShare>()
  readonly #from: number

  constructor(resolve: ResolveCost, from: number) {
    this.#resolve = resolve
    this.#from = from
  }

  add(source: HotKeySource, commands: NodeCommands | null): void {
    const connection = commands instanceof NodeConnection ? commands : null
    this.#sources.push({ source, connection })
  }

  /** @param share of the node's time since the reading before that */
  noteShare(node: string, at: number, share: number | null, watching: Watching | null): void {
    const known = this.#shares.get(node) ?? { from: this.#from, at: this.#from, weighted: 0, measured: null }
    this.#shares.set(node, {
      from: known.from,
      at,
      weighted: known.weighted + (share ?? 0) * Math.max(0, at - known.at),
      measured: watching?.measuredShare ?? known.measured,
    })
  }

  cost(): LookCost {
    const { commands, bytes, connections } = this.#resolve
    const cost: LookCost = {
      commands,
      bytes,
      connections,
      windowMs: 0,
      monitorCpuUs: 0,
      cpuShare: null,
      measuredCpuShare: null,
    }
    for (const { source, connection } of this.#sources) {
      const watching = source.cost
      cost.commands += watching.commands + (connection?.cost.commands ?? 0)
      cost.connections += watching.connections + (connection?.cost.connections ?? 0)
      cost.bytes +=
        watching.bytes + (connection ? connection.cost.bytesRead + connection.cost.bytesWritten : 0)
      cost.windowMs += watching.windowMs
      cost.monitorCpuUs += watching.cpuUs
    }
    for (const { from, at, weighted, measured } of this.#shares.values()) {
      const share = at > from ? weighted / (at - from) : 0
      if (cost.cpuShare !== null && share <= cost.cpuShare) continue
      cost.cpuShare = share
      cost.measuredCpuShare = measured
    }
    return cost
  }
}
