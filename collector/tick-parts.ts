/** What the nodes of a cache bring between two ticks. Lag is measured last, when primary and replica both have spoken. */

import type {
  EventSample,
  HotKeySample,
  HotPatternSample,
  Millis,
  NodeAddress,
  NodeSample,
  NodeStatus,
} from '../core/sample.ts'
import type { LagTracker } from './lag-tracker.ts'
import type { SlowlogItem } from './node-reader.ts'
import type { NodeReading, ShapedReading } from './reading.ts'
import { emptyTickParts, type TickContent } from './tick.ts'

/** The whole INFO text is kept once per node: so often is enough. */
const INFO_EVERY_MS = 30_000

export class TickParts {
  readonly #lag: LagTracker
  readonly #primaryFor: (address: NodeAddress) => NodeAddress | null
  readonly #intervalMs: number
  readonly #infoAt = new Map<NodeAddress, Millis>()
  #content = emptyTickParts()
  /** The latest of each node: one status a tick. */
  #statuses = new Map<NodeAddress, NodeStatus>()
  #samples: { sample: NodeSample; reading: NodeReading }[] = []

  constructor(lag: LagTracker, primaryFor: (address: NodeAddress) => NodeAddress | null, intervalMs: number) {
    this.#lag = lag
    this.#primaryFor = primaryFor
    this.#intervalMs = intervalMs
  }

  addReading(
    cacheId: string,
    address: NodeAddress,
    reading: NodeReading,
    shaped: ShapedReading,
    slowlog: SlowlogItem[],
  ): void {
    const of = { cacheId, address, at: reading.at }
    this.#samples.push({ sample: { ...of, metrics: shaped.metrics }, reading })
    this.#content.commands.push(...shaped.commands.map((command) => ({ ...of, ...command })))
    this.#content.keyspaces.push(...shaped.keyspaces.map((keyspace) => ({ ...of, ...keyspace })))
    this.#content.slowlog.push(...slowlog.map((entry) => ({ cacheId, address, ...entry })))
    if (reading.at - (this.#infoAt.get(address) ?? 0) >= INFO_EVERY_MS) {
      this.#infoAt.set(address, reading.at)
      this.#content.infos.push({ ...of, info: reading.info.text })
    }
  }

  addStatus(status: NodeStatus): void {
    this.#statuses.set(status.address, status)
  }

  addEvent(event: EventSample): void {
    this.#content.events.push(event)
  }

  addHotKeys(keys: HotKeySample[], patterns: HotPatternSample[]): void {
    this.#content.hotKeys.push(...keys)
    this.#content.hotPatterns.push(...patterns)
  }

  /** Hot keys alone, where the rest may wait for the tick. */
  takeHotKeys(): TickContent {
    const { hotKeys, hotPatterns } = this.#content
    this.#content.hotKeys = []
    this.#content.hotPatterns = []
    return { ...emptyTickParts(), hotKeys, hotPatterns }
  }

  take(): TickContent {
    const samples = this.#samples.map(({ sample, reading }): NodeSample => {
      const primary = this.#primaryFor(sample.address)
      const lag = this.#lag.measure(sample.address, reading, primary, 2 * this.#intervalMs)
      return { ...sample, metrics: { ...sample.metrics, lagBytes: lag.bytes, lagSeconds: lag.seconds } }
    })
    const content = { ...this.#content, statuses: [...this.#statuses.values()], samples }
    this.#content = emptyTickParts()
    this.#statuses = new Map()
    this.#samples = []
    return content
  }
}
