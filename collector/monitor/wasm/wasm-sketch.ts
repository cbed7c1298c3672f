/** A node's sketch in an arena's memory: core/hot-keys/space-saving.ts, run by the module. */
import { fitting, type Sketch, type SketchEntry, type SketchSlice } from '../../../core/hot-keys/sketch.ts'
import type { SampledUse } from '../../../core/hot-keys/use-sample.ts'
import type { Arena } from './arena.ts'
import { HANDED_KEY, LAYOUT } from './layout.ts'

const { SETS, WAYS } = LAYOUT
const SET_WORDS = LAYOUT.SET_SIZE / 4

export class WasmSketch implements Sketch {
  readonly #arena: Arena
  readonly #node: number

  constructor(arena: Arena, node: number) {
    this.#arena = arena
    this.#node = node
  }

  get uses(): number {
    return this.#word(this.#node + LAYOUT.USES) >>> 0
  }

  /** A key of at most 64 KiB. */
  add(bytes: Uint8Array, start: number, end: number, db: number, command: number, write: boolean): void {
    this.#arena.bytes.set(bytes.subarray(start, end), HANDED_KEY)
    this.#arena.exports.add(this.#node, HANDED_KEY, end - start, db, command, write ? 1 : 0)
  }

  top(limit: number, maxKeyBytes: number): SketchSlice {
    const slots = this.#largest(limit + 1)
    const { kept, left } = fitting(slots, limit, maxKeyBytes, (slot) => this.#word(this.#record(slot)))
    return {
      entries: kept.map((slot) => this.#entry(slot)),
      absentMax: Math.max(
        this.#word(this.#node + LAYOUT.CELL_MAX) >>> 0,
        left === undefined ? 0 : this.#count(left),
      ),
    }
  }

  sample(): SampledUse[] {
    const size = Math.min(this.uses, LAYOUT.SAMPLE_USES)
    const weight = size === 0 ? 0 : this.uses / size
    return Array.from({ length: size }, (_, place) => {
      const at = this.#node + LAYOUT.SAMPLE + place * LAYOUT.USE_SIZE
      return {
        key: this.#arena.bytes.slice(at + 16, at + 16 + this.#word(at)),
        db: this.#word(at + 4),
        command: this.#word(at + 8),
        write: this.#word(at + 12) === 1,
        weight,
      }
    })
  }

  clear(): void {
    this.#arena.exports.clear(this.#node)
  }

  /** At least the `limit` largest, by count and then by slot. */
  #largest(limit: number): number[] {
    const used: number[] = []
    for (let slot = 0; slot < SETS * WAYS; slot++) if (this.#hash(slot) !== 0) used.push(slot)
    let kept = used
    if (used.length > limit) {
      // Numbers alone sort several times faster than slots by a comparison.
      const counts = Uint32Array.from(used, (slot) => this.#count(slot)).sort()
      const least = counts[counts.length - limit] as number
      kept = used.filter((slot) => this.#count(slot) >= least)
    }
    return kept.sort((one, other) => this.#count(other) - this.#count(one) || one - other)
  }

  #entry(slot: number): SketchEntry {
    const record = this.#record(slot)
    return {
      key: this.#key(record),
      db: this.#word(record + 12),
      count: this.#count(slot),
      error: this.#word(record + 4) >>> 0,
      writes: this.#word(record + 8) >>> 0,
      command: this.#half(record + 20),
      hash: this.#hash(slot) >>> 0,
    }
  }

  #key(record: number): Uint8Array {
    const { bytes } = this.#arena
    const length = this.#word(record)
    const key = new Uint8Array(length)
    const inline = Math.min(length, LAYOUT.INLINE_BYTES)
    key.set(bytes.subarray(record + 24, record + 24 + inline))
    let block = this.#half(record + 22)
    for (let from: number = LAYOUT.INLINE_BYTES; from < length; from += LAYOUT.BLOCK_BYTES) {
      const at = this.#node + LAYOUT.BLOCK_CHAIN + block * LAYOUT.BLOCK_SIZE
      key.set(bytes.subarray(at, at + Math.min(LAYOUT.BLOCK_BYTES, length - from)), from)
      block = this.#word(at + LAYOUT.BLOCK_BYTES)
    }
    return key
  }

  #record(slot: number): number {
    return this.#node + LAYOUT.RECORDS + slot * LAYOUT.RECORD_SIZE
  }

  #hash(slot: number): number {
    return this.#arena.words[this.#counter(slot)] as number
  }

  #count(slot: number): number {
    return (this.#arena.words[this.#counter(slot) + WAYS] as number) >>> 0
  }

  #counter(slot: number): number {
    return ((this.#node + LAYOUT.COUNTERS) >> 2) + (slot >> 3) * SET_WORDS + (slot & 7)
  }

  #half(at: number): number {
    return (this.#arena.bytes[at] as number) | ((this.#arena.bytes[at + 1] as number) << 8)
  }

  #word(at: number): number {
    return this.#arena.words[at >> 2] as number
  }
}
