/** Space-Saving as its paper has it (Metwally, 2005), with a heap: what the accuracy of ours is held against. */

/** Of a counter in C, as ours is measured: a key of 40 bytes, its length, hash, count, error, place in the heap. */
export const COUNTER_BYTES = 64

type Counter = { key: string; count: number; place: number }

export class PlainSpaceSaving {
  readonly #size: number
  readonly #counters = new Map<string, Counter>()
  /** The least count first. */
  readonly #heap: Counter[] = []

  constructor(size: number) {
    this.#size = size
  }

  add(key: string): void {
    const known = this.#counters.get(key)
    if (known !== undefined) {
      known.count++
      this.#sink(known)
      return
    }
    const least = this.#heap[0]
    if (least === undefined || this.#heap.length < this.#size) {
      const counter = { key, count: 1, place: this.#heap.length }
      this.#heap.push(counter)
      this.#counters.set(key, counter)
      this.#rise(counter)
      return
    }
    this.#counters.delete(least.key)
    least.key = key
    least.count++
    this.#counters.set(key, least)
    this.#sink(least)
  }

  estimates(): Map<string, number> {
    return new Map(this.#heap.map(({ key, count }) => [key, count]))
  }

  #rise(counter: Counter): void {
    while (counter.place > 0) {
      const parent = this.#heap[(counter.place - 1) >> 1]
      if (parent === undefined || parent.count <= counter.count) return
      this.#swap(counter, parent)
    }
  }

  #sink(counter: Counter): void {
    for (;;) {
      const left = this.#heap[counter.place * 2 + 1]
      const right = this.#heap[counter.place * 2 + 2]
      const child = right !== undefined && left !== undefined && right.count < left.count ? right : left
      if (child === undefined || child.count >= counter.count) return
      this.#swap(counter, child)
    }
  }

  #swap(one: Counter, other: Counter): void {
    const place = one.place
    one.place = other.place
    other.place = place
    this.#heap[one.place] = one
    this.#heap[other.place] = other
  }
}
