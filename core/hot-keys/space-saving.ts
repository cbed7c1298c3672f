/**
 * Filtered Space-Saving: a fixed number of counters for the most used keys, and cells that bound how often any
 * other key was used. Counters stand in sets of eight, chosen by the key's hash: a key competes with those of its
 * set only, and is looked up in one place. Invariants: a key without a counter was used at most `cells[its cell]`
 * times; a counter's count is never below the truth, and count − error never above it.
 * collector/monitor/wasm/assembly has the same in WebAssembly, equal to the last entry.
 */
import { hashKey } from './key-hash.ts'
import { KeyStore } from './key-store.ts'
import { fitting, type Sketch, type SketchEntry, type SketchSlice } from './sketch.ts'
import { type SampledUse, UseSample } from './use-sample.ts'

const WAYS = 8
/** By default; with keys, cells and sample about 550 KiB. */
const SETS = 512
const CELLS = 32_768
const BLOCKS = 1_536

export type SpaceSavingOptions = {
  /** Sets of eight counters: a power of two. @default 512 */
  sets?: number
  /** A power of two. @default 32768 */
  cells?: number
  /** Of 60 bytes each, for what keys have beyond their first 40 bytes. @default 1536 */
  blocks?: number
  /** A secret 32-bit integer. */
  seed: number
}

export class SpaceSaving implements Sketch {
  readonly #seed: number
  readonly #setMask: number
  readonly #cells: Uint32Array
  readonly #keys: KeyStore
  /** 0: no counter. */
  readonly #hashes: Uint32Array
  readonly #dbs: Int32Array
  readonly #counts: Uint32Array
  readonly #errors: Uint32Array
  readonly #writes: Uint32Array
  readonly #commands: Int32Array
  /** Boyer and Moore's majority vote over the commands of a key. */
  readonly #votes: Uint32Array
  readonly #sample: UseSample
  #cellMax = 0

  constructor(options: SpaceSavingOptions) {
    const sets = options.sets ?? SETS
    const counters = sets * WAYS
    this.#seed = options.seed
    this.#setMask = sets - 1
    this.#cells = new Uint32Array(options.cells ?? CELLS)
    this.#keys = new KeyStore(counters, options.blocks ?? BLOCKS)
    this.#hashes = new Uint32Array(counters)
    this.#dbs = new Int32Array(counters)
    this.#counts = new Uint32Array(counters)
    this.#errors = new Uint32Array(counters)
    this.#writes = new Uint32Array(counters)
    this.#commands = new Int32Array(counters)
    this.#votes = new Uint32Array(counters)
    this.#sample = new UseSample(options.seed)
  }

  get uses(): number {
    return this.#sample.uses
  }

  add(bytes: Uint8Array, start: number, end: number, db: number, command: number, write: boolean): void {
    this.#sample.offer(bytes, start, end, db, command, write)
    const hash = hashKey(bytes, start, end, db, this.#seed)
    const set = (hash & this.#setMask) * WAYS
    for (let slot = set; slot < set + WAYS; slot++) {
      if (
        this.#hashes[slot] === hash &&
        this.#dbs[slot] === db &&
        this.#keys.equals(slot, bytes, start, end)
      ) {
        this.#hit(slot, command, write)
        return
      }
    }
    const cell = this.#cellOf(hash)
    let slot = this.#pick(set)
    if (this.#isHeld(slot, cell)) return
    if (!this.#keys.fits(end - start)) {
      if (!this.#keys.canHold(end - start)) {
        this.#raise(cell, (this.#cells[cell] as number) + 1)
        return
      }
      do this.#evictLong()
      while (!this.#keys.fits(end - start))
      slot = this.#pick(set)
      if (this.#isHeld(slot, cell)) return
    }
    if (this.#hashes[slot] !== 0) this.#evict(slot)
    this.#keys.put(slot, bytes, start, end)
    const error = this.#cells[cell] as number
    this.#hashes[slot] = hash
    this.#dbs[slot] = db
    this.#counts[slot] = error + 1
    this.#errors[slot] = error
    this.#writes[slot] = write ? 1 : 0
    this.#commands[slot] = command
    this.#votes[slot] = 1
  }

  top(limit: number, maxKeyBytes: number): SketchSlice {
    const slots: number[] = []
    for (let slot = 0; slot < this.#hashes.length; slot++) if (this.#hashes[slot] !== 0) slots.push(slot)
    slots.sort((one, other) => (this.#counts[other] as number) - (this.#counts[one] as number) || one - other)
    const { kept, left } = fitting(slots, limit, maxKeyBytes, (slot) => this.#keys.length(slot))
    return {
      entries: kept.map((slot) => this.#entry(slot)),
      absentMax: Math.max(this.#cellMax, left === undefined ? 0 : (this.#counts[left] as number)),
    }
  }

  sample(): SampledUse[] {
    return this.#sample.list()
  }

  clear(): void {
    this.#hashes.fill(0)
    this.#cells.fill(0)
    this.#keys.clear()
    this.#sample.clear()
    this.#cellMax = 0
  }

  #entry(slot: number): SketchEntry {
    return {
      key: this.#keys.copy(slot),
      db: this.#dbs[slot] as number,
      count: this.#counts[slot] as number,
      error: this.#errors[slot] as number,
      writes: this.#writes[slot] as number,
      command: this.#commands[slot] as number,
      hash: this.#hashes[slot] as number,
    }
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
  }

  /** The first free slot of the set, else the first with the smallest count. */
  #pick(set: number): number {
    let picked = set
    for (let slot = set; slot < set + WAYS; slot++) {
      if (this.#hashes[slot] === 0) return slot
      if ((this.#counts[slot] as number) < (this.#counts[picked] as number)) picked = slot
    }
    return picked
  }

  /** Whether the slot's key stays: it was used more often than the one that asks. That one's cell is raised then. */
  #isHeld(slot: number, cell: number): boolean {
    const bound = (this.#cells[cell] as number) + 1
    if (this.#hashes[slot] === 0 || (this.#counts[slot] as number) <= bound) return false
    this.#raise(cell, bound)
    return true
  }

  #evict(slot: number): void {
    this.#raise(this.#cellOf(this.#hashes[slot] as number), this.#counts[slot] as number)
    this.#keys.release(slot)
    this.#hashes[slot] = 0
  }

  /** Of the keys that hold blocks, those that were used no more than their mean: at least one. */
  #evictLong(): void {
    let sum = 0
    let long = 0
    for (let slot = 0; slot < this.#hashes.length; slot++) {
      if (this.#hashes[slot] === 0 || !this.#keys.isLong(slot)) continue
      sum += this.#counts[slot] as number
      long++
    }
    const mean = Math.floor(sum / long)
    for (let slot = 0; slot < this.#hashes.length; slot++) {
      if (this.#hashes[slot] === 0 || !this.#keys.isLong(slot)) continue
      if ((this.#counts[slot] as number) <= mean) this.#evict(slot)
    }
  }

  #raise(cell: number, bound: number): void {
    if (bound <= (this.#cells[cell] as number)) return
    this.#cells[cell] = bound
    if (bound > this.#cellMax) this.#cellMax = bound
  }

  #cellOf(hash: number): number {
    return (hash >>> 12) & (this.#cells.length - 1)
  }
}
