/**
 * Filtered Space-Saving: a fixed number of counters for the most used keys, and cells that bound how often any
 * other key was used. Invariants: a key without a counter was used at most `cells[its cell]` times; a counter's
 * count is never below the truth, and count − error never above it.
 */
import { hashKey } from './key-hash.ts'
import type { Sketch, SketchEntry, SketchSlice } from './sketch.ts'

/** What a kept key costs beside its own bytes. */
const KEY_OVERHEAD_BYTES = 192
const ENTRY_OVERHEAD_BYTES = 224
const NONE = -1
const EMPTY = new Uint8Array(0)

export type SpaceSavingOptions = {
  /** @default 1024 */
  counters?: number
  /** A power of two. @default 16384 */
  cells?: number
  /** Bound on the keys kept, their overhead included. @default 320 KiB */
  keyBytes?: number
  /** A secret 32-bit integer. */
  seed: number
}

export class SpaceSaving implements Sketch {
  readonly #capacity: number
  readonly #keyBytes: number
  readonly #seed: number
  readonly #cells: Uint32Array
  readonly #keys: Uint8Array[]
  readonly #hashes: Uint32Array
  readonly #dbs: Int32Array
  readonly #counts: Uint32Array
  readonly #errors: Uint32Array
  readonly #writes: Uint32Array
  readonly #commands: Int32Array
  /** Boyer and Moore's majority vote over the commands of a key. */
  readonly #votes: Uint32Array
  /** Chained hash table of slots. */
  readonly #buckets: Int32Array
  readonly #next: Int32Array
  /** Slots as a heap, the smallest count first, and each slot's place in it. */
  readonly #heap: Int32Array
  readonly #places: Int32Array
  #size = 0
  #keptBytes = 0
  #cellMax = 0

  constructor(options: SpaceSavingOptions) {
    const capacity = options.counters ?? 1024
    this.#capacity = capacity
    this.#keyBytes = options.keyBytes ?? 320 * 1024
    this.#seed = options.seed
    this.#cells = new Uint32Array(options.cells ?? 16_384)
    this.#keys = new Array<Uint8Array>(capacity).fill(EMPTY)
    this.#hashes = new Uint32Array(capacity)
    this.#dbs = new Int32Array(capacity)
    this.#counts = new Uint32Array(capacity)
    this.#errors = new Uint32Array(capacity)
    this.#writes = new Uint32Array(capacity)
    this.#commands = new Int32Array(capacity)
    this.#votes = new Uint32Array(capacity)
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(capacity * 2))).fill(NONE)
    this.#next = new Int32Array(capacity).fill(NONE)
    this.#heap = new Int32Array(capacity)
    for (let slot = 0; slot < capacity; slot++) this.#heap[slot] = slot
    this.#places = new Int32Array(capacity)
  }

  add(bytes: Uint8Array, start: number, end: number, db: number, command: number, write: boolean): void {
    const hash = hashKey(bytes, start, end, db, this.#seed)
    const slot = this.#find(hash, bytes, start, end, db)
    if (slot !== NONE) {
      this.#hit(slot, command, write)
      return
    }
    const cell = hash & (this.#cells.length - 1)
    const cost = end - start + KEY_OVERHEAD_BYTES
    while (this.#size === this.#capacity || this.#keptBytes + cost > this.#keyBytes) {
      const bound = (this.#cells[cell] as number) + 1
      if (this.#size === 0 || (this.#counts[this.#heap[0] as number] as number) > bound) {
        this.#raise(cell, bound)
        return
      }
      this.#evictSmallest()
    }
    // Not slice: a Buffer's would share the memory that the next line overwrites.
    this.#insert(
      hash,
      new Uint8Array(bytes.subarray(start, end)),
      db,
      command,
      write,
      this.#cells[cell] as number,
    )
  }

  top(limit: number, maxBytes: number): SketchSlice {
    const slots = [...this.#heap.subarray(0, this.#size)]
    slots.sort((one, other) => (this.#counts[other] as number) - (this.#counts[one] as number))
    const entries: SketchEntry[] = []
    let absentMax = this.#cellMax
    let bytes = 0
    for (const slot of slots) {
      bytes += (this.#keys[slot] as Uint8Array).length + ENTRY_OVERHEAD_BYTES
      if (entries.length === limit || bytes > maxBytes) {
        absentMax = Math.max(absentMax, this.#counts[slot] as number)
        break
      }
      entries.push(this.#entry(slot))
    }
    return { entries, absentMax }
  }

  clear(): void {
    this.#size = 0
    this.#keptBytes = 0
    this.#cellMax = 0
    this.#cells.fill(0)
    this.#buckets.fill(NONE)
    this.#keys.fill(EMPTY)
  }

  #entry(slot: number): SketchEntry {
    return {
      key: this.#keys[slot] as Uint8Array,
      db: this.#dbs[slot] as number,
      count: this.#counts[slot] as number,
      error: this.#errors[slot] as number,
      writes: this.#writes[slot] as number,
      command: this.#commands[slot] as number,
      hash: this.#hashes[slot] as number,
    }
  }

  #find(hash: number, bytes: Uint8Array, start: number, end: number, db: number): number {
    let slot = this.#buckets[this.#bucketOf(hash)] as number
    while (slot !== NONE) {
      if (
        this.#hashes[slot] === hash &&
        this.#dbs[slot] === db &&
        equals(this.#keys[slot] as Uint8Array, bytes, start, end)
      ) {
        return slot
      }
      slot = this.#next[slot] as number
    }
    return NONE
  }

  #hit(slot: number, command: number, write: boolean): void {
    this.#counts[slot] = (this.#counts[slot] as number) + 1
    if (write) this.#writes[slot] = (this.#writes[slot] as number) + 1
    const votes = this.#votes[slot] as number
    if (this.#commands[slot] === command) this.#votes[slot] = votes + 1
    else if (votes > 0) this.#votes[slot] = votes - 1
    else {
      this.#commands[slot] = command
      this.#votes[slot] = 1
    }
    this.#sink(this.#places[slot] as number)
  }

  #insert(hash: number, key: Uint8Array, db: number, command: number, write: boolean, error: number): void {
    const place = this.#size++
    const slot = this.#heap[place] as number
    this.#keys[slot] = key
    this.#keptBytes += key.length + KEY_OVERHEAD_BYTES
    this.#hashes[slot] = hash
    this.#dbs[slot] = db
    this.#counts[slot] = error + 1
    this.#errors[slot] = error
    this.#writes[slot] = write ? 1 : 0
    this.#commands[slot] = command
    this.#votes[slot] = 1
    const bucket = this.#bucketOf(hash)
    this.#next[slot] = this.#buckets[bucket] as number
    this.#buckets[bucket] = slot
    this.#places[slot] = place
    this.#rise(place)
  }

  #evictSmallest(): void {
    const slot = this.#heap[0] as number
    this.#unlink(slot)
    this.#raise((this.#hashes[slot] as number) & (this.#cells.length - 1), this.#counts[slot] as number)
    this.#keptBytes -= (this.#keys[slot] as Uint8Array).length + KEY_OVERHEAD_BYTES
    this.#keys[slot] = EMPTY
    this.#size--
    this.#put(0, this.#heap[this.#size] as number)
    this.#heap[this.#size] = slot
    if (this.#size > 0) this.#sink(0)
  }

  #unlink(slot: number): void {
    const bucket = this.#bucketOf(this.#hashes[slot] as number)
    let at = this.#buckets[bucket] as number
    if (at === slot) {
      this.#buckets[bucket] = this.#next[slot] as number
      return
    }
    while (this.#next[at] !== slot) at = this.#next[at] as number
    this.#next[at] = this.#next[slot] as number
  }

  #raise(cell: number, bound: number): void {
    if (bound <= (this.#cells[cell] as number)) return
    this.#cells[cell] = bound
    if (bound > this.#cellMax) this.#cellMax = bound
  }

  #bucketOf(hash: number): number {
    return (hash >>> 7) & (this.#buckets.length - 1)
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot
    this.#places[slot] = place
  }

  #sink(from: number): void {
    const slot = this.#heap[from] as number
    const count = this.#counts[slot] as number
    let place = from
    for (;;) {
      let child = place * 2 + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.#countAt(child + 1) < this.#countAt(child)) child++
      if (this.#countAt(child) >= count) break
      this.#put(place, this.#heap[child] as number)
      place = child
    }
    this.#put(place, slot)
  }

  #rise(from: number): void {
    const slot = this.#heap[from] as number
    const count = this.#counts[slot] as number
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#countAt(parent) <= count) break
      this.#put(place, this.#heap[parent] as number)
      place = parent
    }
    this.#put(place, slot)
  }

  #countAt(place: number): number {
    return this.#counts[this.#heap[place] as number] as number
  }
}

function equals(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let at = 0; at < key.length; at++) if (key[at] !== bytes[start + at]) return false
  return true
}
