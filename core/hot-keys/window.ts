/**
 * The last ten seconds of one node as a ring of one-second slices: the running one is a sketch, the past ones
 * are cut to their largest entries. At most 1 MiB in all, whatever the keys.
 */
import type { Sketch, SketchEntry, SketchSlice } from './sketch.ts'

export const WINDOW_MS = 10_000
const SLICE_MS = 1_000
const CLOSED_SLICES = WINDOW_MS / SLICE_MS - 1
/** Per past slice. */
const MAX_ENTRIES = 160
const MAX_ENTRY_BYTES = 56 * 1024

/** What one slice says of one key: uses between `low` and `high`, of `commands`. */
export type SliceCount = { low: number; high: number; commands: number }

export type MergedKey = {
  key: Uint8Array
  db: number
  /** One for every slice that saw commands, also where the key was not among its entries. */
  slices: SliceCount[]
  /** Uses that were surely seen. */
  low: number
  writes: number
  command: number
}

export type MergedWindow = {
  /** Epoch milliseconds of the first and the last slice with commands. */
  from: number
  to: number
  /** Clients' commands. */
  commands: number
  /** Commands inside scripts or by replication. */
  others: number
  /** By `low`, descending. */
  keys: MergedKey[]
  /** Uses of keys, whatever the key: a command with three keys has three. */
  keyUses: number
  /** Some of those uses, drawn uniformly: what shapes are learned from. Keys are cut at 512 bytes. */
  sample: SampledUse[]
}

export type SampledUse = { key: Uint8Array; db: number; write: boolean; command: number }

type Slice = SketchSlice & { second: number; commands: number; others: number }

export class SlidingWindow {
  readonly #sketch: Sketch
  #closed: Slice[] = []
  #second = 0
  #commands = 0
  #others = 0

  constructor(sketch: Sketch) {
    this.#sketch = sketch
  }

  /** To be called before counting what arrived at `now` (epoch milliseconds). */
  advance(now: number): void {
    const second = Math.floor(now / SLICE_MS)
    if (second === this.#second) return
    this.#close()
    this.#second = second
    this.#closed = this.#closed.filter((slice) => isCurrent(slice.second, second)).slice(-CLOSED_SLICES)
  }

  countCommand(): void {
    this.#commands++
  }

  countOther(): void {
    this.#others++
  }

  countKey(bytes: Uint8Array, start: number, end: number, db: number, command: number, write: boolean): void {
    this.#sketch.add(bytes, start, end, db, command, write)
  }

  reset(): void {
    this.#closed = []
    this.#clearRunning()
  }

  /** The `limit` most used keys; null when no command was seen in the window. */
  merge(now: number, limit: number): MergedWindow | null {
    const second = Math.floor(now / SLICE_MS)
    const slices = this.#closed.filter((slice) => isCurrent(slice.second, second))
    if (this.#commands + this.#others > 0 && isCurrent(this.#second, second)) slices.push(this.#running())
    const seen = slices.filter((slice) => slice.commands > 0)
    const first = seen[0]
    const last = seen.at(-1)
    if (first === undefined || last === undefined) return null
    return {
      from: first.second * SLICE_MS,
      to: Math.min(now, (last.second + 1) * SLICE_MS),
      commands: sum(seen, (slice) => slice.commands),
      others: sum(slices, (slice) => slice.others),
      keys: mergeSlices(seen, limit),
      keyUses: 0,
      sample: [],
    }
  }

  #running(): Slice {
    const top = this.#sketch.top(MAX_ENTRIES, MAX_ENTRY_BYTES)
    return { ...top, second: this.#second, commands: this.#commands, others: this.#others }
  }

  #close(): void {
    if (this.#commands + this.#others > 0) this.#closed.push(this.#running())
    this.#clearRunning()
  }

  #clearRunning(): void {
    this.#sketch.clear()
    this.#commands = 0
    this.#others = 0
  }
}

function isCurrent(second: number, now: number): boolean {
  return second > now - WINDOW_MS / SLICE_MS && second <= now
}

type Gathered = { entry: SketchEntry; bySlice: (SketchEntry | null)[]; low: number }

function mergeSlices(slices: Slice[], limit: number): MergedKey[] {
  const byHash = new Map<number, Gathered[]>()
  slices.forEach((slice, index) => {
    for (const entry of slice.entries) {
      const same = byHash.get(entry.hash) ?? []
      if (same.length === 0) byHash.set(entry.hash, same)
      let gathered = same.find((other) => isSameKey(other.entry, entry))
      if (gathered === undefined) {
        gathered = { entry, bySlice: new Array<SketchEntry | null>(slices.length).fill(null), low: 0 }
        same.push(gathered)
      }
      gathered.bySlice[index] = entry
      gathered.low += entry.count - entry.error
    }
  })
  const all = [...byHash.values()].flat().sort((one, other) => other.low - one.low)
  return all.slice(0, limit).map((gathered) => toMergedKey(gathered, slices))
}

function toMergedKey({ entry, bySlice, low }: Gathered, slices: Slice[]): MergedKey {
  const top = bySlice.reduce(
    (best, other) => (other !== null && other.count > (best?.count ?? 0) ? other : best),
    null,
  )
  return {
    key: entry.key,
    db: entry.db,
    slices: slices.map((slice, index) => {
      const inSlice = bySlice[index]
      if (inSlice == null)
        return { low: 0, high: Math.min(slice.absentMax, slice.commands), commands: slice.commands }
      return { low: inSlice.count - inSlice.error, high: inSlice.count, commands: slice.commands }
    }),
    low,
    writes: sum(bySlice, (inSlice) => inSlice?.writes ?? 0),
    command: (top ?? entry).command,
  }
}

function isSameKey(one: SketchEntry, other: SketchEntry): boolean {
  if (one.db !== other.db || one.key.length !== other.key.length) return false
  for (let at = 0; at < one.key.length; at++) if (one.key[at] !== other.key[at]) return false
  return true
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
