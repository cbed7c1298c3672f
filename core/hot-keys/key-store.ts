/**
 * The bytes of the keys that counters hold, in fixed memory: the first 40 with the counter, the rest of a longer
 * key in a chain of blocks that all counters share.
 */
const INLINE_BYTES = 40
const BLOCK_BYTES = 60
const NONE = -1

export class KeyStore {
  readonly #inline: Uint8Array
  readonly #lengths: Uint32Array
  readonly #heads: Int32Array
  readonly #blocks: Uint8Array
  readonly #nexts: Int32Array
  #free = NONE
  #used = 0

  constructor(slots: number, blocks: number) {
    this.#inline = new Uint8Array(slots * INLINE_BYTES)
    this.#lengths = new Uint32Array(slots)
    this.#heads = new Int32Array(slots)
    this.#blocks = new Uint8Array(blocks * BLOCK_BYTES)
    this.#nexts = new Int32Array(blocks)
    this.clear()
  }

  clear(): void {
    for (let block = 0; block < this.#nexts.length; block++) this.#nexts[block] = block + 1
    if (this.#nexts.length > 0) this.#nexts[this.#nexts.length - 1] = NONE
    this.#free = this.#nexts.length > 0 ? 0 : NONE
    this.#used = 0
  }

  /** Whether a key of this length has room in an empty store. */
  canHold(length: number): boolean {
    return blocksOf(length) <= this.#nexts.length
  }

  /** Whether it has room now. */
  fits(length: number): boolean {
    return this.#used + blocksOf(length) <= this.#nexts.length
  }

  /** Of a slot that is in use. */
  isLong(slot: number): boolean {
    return (this.#lengths[slot] as number) > INLINE_BYTES
  }

  length(slot: number): number {
    return this.#lengths[slot] as number
  }

  /** Into a free slot, where it fits. */
  put(slot: number, bytes: Uint8Array, start: number, end: number): void {
    this.#lengths[slot] = end - start
    const inlineEnd = Math.min(end, start + INLINE_BYTES)
    const base = slot * INLINE_BYTES
    for (let at = start; at < inlineEnd; at++) this.#inline[base + at - start] = bytes[at] as number
    let previous = NONE
    for (let from = inlineEnd; from < end; from += BLOCK_BYTES) {
      const block = this.#free
      this.#free = this.#nexts[block] as number
      this.#used++
      this.#blocks.set(bytes.subarray(from, Math.min(end, from + BLOCK_BYTES)), block * BLOCK_BYTES)
      if (previous === NONE) this.#heads[slot] = block
      else this.#nexts[previous] = block
      previous = block
    }
    if (previous !== NONE) this.#nexts[previous] = NONE
  }

  release(slot: number): void {
    if (!this.isLong(slot)) return
    let block = this.#heads[slot] as number
    while (block !== NONE) {
      const next = this.#nexts[block] as number
      this.#nexts[block] = this.#free
      this.#free = block
      this.#used--
      block = next
    }
  }

  equals(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#lengths[slot] !== end - start) return false
    const inlineEnd = Math.min(end, start + INLINE_BYTES)
    const base = slot * INLINE_BYTES - start
    for (let at = start; at < inlineEnd; at++) if (this.#inline[base + at] !== bytes[at]) return false
    let block = this.#heads[slot] as number
    for (let from = inlineEnd; from < end; from += BLOCK_BYTES) {
      const to = Math.min(end, from + BLOCK_BYTES)
      const offset = block * BLOCK_BYTES - from
      for (let at = from; at < to; at++) if (this.#blocks[offset + at] !== bytes[at]) return false
      block = this.#nexts[block] as number
    }
    return true
  }

  copy(slot: number): Uint8Array {
    const length = this.#lengths[slot] as number
    const key = new Uint8Array(length)
    key.set(this.#inline.subarray(slot * INLINE_BYTES, slot * INLINE_BYTES + Math.min(length, INLINE_BYTES)))
    let block = this.#heads[slot] as number
    for (let from = INLINE_BYTES; from < length; from += BLOCK_BYTES) {
      const size = Math.min(BLOCK_BYTES, length - from)
      key.set(this.#blocks.subarray(block * BLOCK_BYTES, block * BLOCK_BYTES + size), from)
      block = this.#nexts[block] as number
    }
    return key
  }
}

function blocksOf(length: number): number {
  return length <= INLINE_BYTES ? 0 : Math.ceil((length - INLINE_BYTES) / BLOCK_BYTES)
}
