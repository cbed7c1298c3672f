/** The applications' own counts of one cache, as their heartbeats bring them, for the sources of its nodes. */
import { type ClientCounts, type ClientKey, mergeClientCounts } from '../../core/hot-keys/client-counts.ts'
import { slotOf } from '../../core/key-slot.ts'
import type { Heartbeat } from '../../core/protocol/heartbeat.ts'
import type { NodeAddress, Topology } from '../../core/sample.ts'
import { primaryOf } from '../../core/topology.ts'
import { ClientWaits } from './client-waits.ts'

/** The heartbeats of so long are one sample; one that is older is of an instance that is gone, or silent. */
const WINDOW_MS = 15_000
/** Merged at most so often, however many nodes ask. */
const MERGE_EVERY_MS = 1_000
const MAX_INSTANCES = 2_000
const MAX_KEYS = 2_000

export type OwnedKey = ClientKey & { slot: number }
/** Of all keys of a cache, or of those that one node owns as a primary. */
export type NodeCounts = {
  /** Hottest first. */
  keys: OwnedKey[]
  /** Commands that the applications looked at, of all keys of the cache. */
  sampled: number
  /** Epoch milliseconds. */
  from: number
  to: number
}

export type CountingHeartbeat = Pick<Heartbeat, 'app' | 'instanceId' | 'at' | 'hotKeys'>
type Kept = { at: number; seenAt: number; counts: ClientCounts }

export class ClientCountsOfCache {
  readonly waits = new ClientWaits()
  readonly #now: () => number
  readonly #instances = new Map<string, Kept[]>()
  #merged: { at: number; counts: NodeCounts | null } | null = null

  constructor(now: () => number) {
    this.#now = now
  }

  /** The same heartbeat may come again: it counts once. @param seenAt epoch milliseconds by our clock */
  note({ app, instanceId, at, hotKeys }: CountingHeartbeat, seenAt: number): void {
    const id = JSON.stringify([app, instanceId])
    const kept = this.#instances.get(id) ?? []
    const last = kept.at(-1)
    if (last !== undefined && last.at >= at) return
    if (!this.#instances.has(id) && this.#instances.size >= MAX_INSTANCES) return
    kept.push({ at, seenAt, counts: hotKeys })
    this.waits.note(hotKeys.keys, seenAt)
    this.#instances.set(id, kept)
  }

  /** Of all servers together; null while no application tells anything. */
  read(): NodeCounts | null {
    const now = this.#now()
    if (this.#merged === null || Math.abs(now - this.#merged.at) >= MERGE_EVERY_MS) {
      this.#merged = { at: now, counts: this.#merge() }
    }
    return this.#merged.counts
  }

  #merge(): NodeCounts | null {
    this.#forget()
    const kept = [...this.#instances.values()]
    const { keys, sampled } = mergeClientCounts(
      kept.map((heartbeats) => heartbeats.map(({ counts }) => counts)),
    )
    if (sampled === 0) return null
    const all = kept.flat()
    return {
      keys: keys.slice(0, MAX_KEYS).map((key) => ({ ...key, slot: slotOf(key.key) })),
      sampled,
      from: Math.min(...all.map(({ seenAt, counts }) => seenAt - counts.windowMs)),
      to: Math.max(...all.map(({ seenAt }) => seenAt)),
    }
  }

  #forget(): void {
    const oldest = this.#now() - WINDOW_MS
    for (const [id, kept] of this.#instances) {
      const fresh = kept.filter(({ seenAt }) => seenAt >= oldest)
      if (fresh.length === 0) this.#instances.delete(id)
      else this.#instances.set(id, fresh)
    }
  }
}

/** @returns what is asked of the keys that a node owns as a primary; null where it owns none that is known */
export function countsOfPrimary(
  counts: NodeCounts,
  topology: Topology,
  address: NodeAddress,
): NodeCounts | null {
  const shard = topology.shards.find((one) => primaryOf(one)?.address === address)
  if (shard === undefined) return null
  const { slots } = shard
  // Without slots the clients decide which of several shards has a key.
  if (slots === null) return topology.shards.length === 1 ? counts : null
  const isOwned = (slot: number) => slots.some(([first, last]) => slot >= first && slot <= last)
  return { ...counts, keys: counts.keys.filter(({ slot }) => isOwned(slot)) }
}
