/**
 * The last ten seconds of one node as a ring of one-second slices: the running one is a sketch, the past ones
 * are cut to their largest entries. With its sketch at most 1 MiB, whatever the keys: one of more than 16 KiB counts
 * in what keys that are not told may have, and is not told itself. What a parser holds of the line it reads is beside.
 */
import { PackedSlice } from './packed-slice.ts'
import type { Sketch } from './sketch.ts'
import type { WindowUse } from './use-sample.ts'

export type { WindowUse } from './use-sample.ts'

export const WINDOW_MS = 10_000
const SLICE_MS = 1_000
const CLOSED_SLICES = WINDOW_MS / SLICE_MS - 1
/** Per past slice: with its sample at most 50 KiB. */
const MAX_ENTRIES = 360
const MAX_KEY_BYTES = 20 * 1024

/** What one slice says of one key: uses between `low` and `high`, of `commands`. */
export type SliceCount = { low: number; high: number; commands: number }

export type MergedKey = {
  key: Uint8Array
  db: number
  /** One for every slice that saw commands, oldest first, also where the key was not among its entries. */
  slices: SliceCount[]
  /** Uses that were surely seen. */
  low: number
  writes: number
  /** The most frequent of the slice that has it most often. */
  command: number
  /** The most frequent of each slice that has it, each once. */
  commands: number[]
}

export type MergedWindow = {
  /** Epoch milliseconds of the first and the last slice with commands. */
  from: number
  to: number
  /** The second of each slice that saw commands, oldest first: epoch seconds. */
  seconds: number[]
  /** Clients' commands. */
  commands: number
  /** Commands inside scripts or by replication. */
  others: number
  /** By `low`, descending. */
  keys: MergedKey[]
  /** Uses of keys, whatever the key: a command with three keys has three. */
  keyUses: number
  /** Some of those uses; their weights sum to `keyUses`. What shapes are learned from. */
  readonly sample: WindowUse[]
}

export class SlidingWindow {
  readonly #sketch: Sketch
  #closed: PackedSlice[] = []
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

  /** What was counted elsewhere: keys are in the sketch already. */
  countLines(commands: number, others: number): void {
    this.#commands += commands
    this.#others += others
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
      seconds: seen.map((slice) => slice.second),
      commands: sum(seen, (slice) => slice.commands),
      others: sum(slices, (slice) => slice.others),
      keys: mergeSlices(seen, limit),
      keyUses: sum(seen, (slice) => slice.keyUses),
      // Thousands of objects that most reports have no use for.
      get sample() {
        return seen.flatMap((slice, index) => slice.sample(index))
      },
    }
  }

  /** Of the past slices. */
  get sizeBytes(): number {
    return sum(this.#closed, (slice) => slice.sizeBytes)
  }

  #running(): PackedSlice {
    const { entries, absentMax } = this.#sketch.top(MAX_ENTRIES, MAX_KEY_BYTES)
    return new PackedSlice(entries, this.#sketch.sample(), {
      second: this.#second,
      commands: this.#commands,
      others: this.#others,
      keyUses: this.#sketch.uses,
      absentMax,
    })
  }

  #close(): void {
    if (this.#commands + this.#others > 0) {
      this.#closed.push(this.#running())
      this.#clearRunning()
    }
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

const NONE = -1

/** Thousands of keys of which a few hundred are asked for: numbers in arrays, and objects for those alone. */
function mergeSlices(slices: readonly PackedSlice[], limit: number): MergedKey[] {
  const most = sum(slices, (slice) => slice.size)
  /** By the key's number: its entry in every slice, its first slice, uses surely seen, the next of the same hash. */
  const places = new Int32Array(most * slices.length).fill(NONE)
  const first = new Int32Array(most)
  const low = new Float64Array(most)
  const next = new Int32Array(most)
  const byHash = new Map<number, number>()
  let keys = 0
  const find = (hash: number, slice: PackedSlice, entry: number): number => {
    const newest = byHash.get(hash) ?? NONE
    for (let key = newest; key !== NONE; key = next[key] as number) {
      const of = first[key] as number
      const at = places[key * slices.length + of] as number
      if ((slices[of] as PackedSlice).isSameKey(at, slice, entry)) return key
    }
    byHash.set(hash, keys)
    next[keys] = newest
    return keys++
  }
  slices.forEach((slice, index) => {
    for (let entry = 0; entry < slice.size; entry++) {
      const known = keys
      const key = find(slice.hash(entry), slice, entry)
      if (key === known) first[key] = index
      places[key * slices.length + index] = entry
      low[key] = (low[key] as number) + slice.count(entry) - slice.error(entry)
    }
  })
  const order = Uint32Array.from({ length: keys }, (_, key) => key)
  order.sort((one, other) => (low[other] as number) - (low[one] as number) || one - other)
  return Array.from(order.subarray(0, limit), (key) => {
    const entries = places.subarray(key * slices.length, (key + 1) * slices.length)
    return toMergedKey(slices, entries, first[key] as number, low[key] as number)
  })
}

/** @param entries of the key in each slice, or NONE */
function toMergedKey(
  slices: readonly PackedSlice[],
  entries: Int32Array,
  first: number,
  low: number,
): MergedKey {
  const slice = slices[first] as PackedSlice
  const entry = entries[first] as number
  let writes = 0
  let most = 0
  let command = slice.command(entry)
  const commands: number[] = []
  const counts = slices.map((one, index): SliceCount => {
    const at = entries[index] as number
    if (at === NONE) {
      return { low: 0, high: Math.min(one.absentMax, one.commands), commands: one.commands }
    }
    writes += one.writes(at)
    const own = one.command(at)
    if (!commands.includes(own)) commands.push(own)
    const count = one.count(at)
    if (count > most) {
      most = count
      command = own
    }
    return { low: count - one.error(at), high: count, commands: one.commands }
  })
  return {
    key: slice.key(entry).slice(),
    db: slice.db(entry),
    slices: counts,
    low,
    writes,
    command,
    commands,
  }
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
