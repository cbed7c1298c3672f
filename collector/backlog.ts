/**
 * Ticks and topologies that wait for Postgres, deflated, within a bound of bytes: the oldest ticks go first.
 * Topologies stay, the newest of each cache at least: without its nodes, a cache's ticks would be lost on arrival.
 */
import { decodeItem, encodeItem, type Item } from './tick.ts'

type Entry = { bytes: Buffer; cacheId: string | null }

const DEFAULT_BACKLOG_BYTES = 64 * 1024 * 1024
/** What an entry costs beside its bytes. */
const ENTRY_OVERHEAD_BYTES = 200

export class Backlog {
  readonly #maxBytes: number
  #entries: Entry[] = []
  #bytes = 0
  #dropped = 0

  constructor(maxBytes = DEFAULT_BACKLOG_BYTES) {
    this.#maxBytes = maxBytes
  }

  get length(): number {
    return this.#entries.length
  }
  /** How many of them are ticks. */
  get ticks(): number {
    return this.#entries.filter((entry) => entry.cacheId === null).length
  }
  get bytes(): number {
    return this.#bytes
  }
  /** Ticks given up to stay within the bound, since the start. */
  get dropped(): number {
    return this.#dropped
  }

  push(item: Item): void {
    const entry = entryOf(item)
    if (entry.cacheId !== null) this.#dropOlderTopologies(entry.cacheId)
    this.#add(entry)
    this.#shrink()
  }

  #add(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += sizeOf(entry)
  }

  #shrink(): void {
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#entries.findIndex((one) => one.cacheId === null)
      if (oldest < 0) return
      this.#remove(oldest)
      this.#dropped++
    }
  }

  /** Removes and returns the oldest items, at most `count`. */
  take(count: number): Item[] {
    const taken = this.#entries.splice(0, count)
    for (const entry of taken) this.#bytes -= sizeOf(entry)
    return taken.map((entry) => decodeItem(entry.bytes))
  }

  /** Puts items back in front: they could not be saved yet. */
  restore(items: readonly Item[]): void {
    const later = this.#entries
    this.#entries = []
    this.#bytes = 0
    for (const item of items) this.#add(entryOf(item))
    for (const entry of later) this.#add(entry)
    this.#shrink()
  }

  /** A topology that a later one of the same cache follows, with no tick between, says nothing more. */
  #dropOlderTopologies(cacheId: string): void {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index] as Entry
      if (entry.cacheId === null) return
      if (entry.cacheId === cacheId) this.#remove(index)
    }
  }

  #remove(index: number): void {
    const [entry] = this.#entries.splice(index, 1)
    if (entry) this.#bytes -= sizeOf(entry)
  }
}

const entryOf = (item: Item): Entry => ({
  bytes: encodeItem(item),
  cacheId: item.kind === 'topology' ? item.topology.cacheId : null,
})
const sizeOf = (entry: Entry): number => entry.bytes.length + ENTRY_OVERHEAD_BYTES
