/** A count-min sketch with the keys that look hottest beside it: what the accuracy of ours is held against. */
import { hashKey } from '../../core/hot-keys/key-hash.ts'

const ROWS = 4
const KEPT = 200

export class CountMin {
  readonly #width: number
  readonly #cells: Uint32Array[]
  readonly #kept = new Map<string, number>()
  #least = 0

  /** @param width a power of two */
  constructor(width: number) {
    this.#width = width
    this.#cells = Array.from({ length: ROWS }, () => new Uint32Array(width))
  }

  get sizeBytes(): number {
    return ROWS * this.#width * 4 + KEPT * 64
  }

  add(key: string): void {
    const bytes = Buffer.from(key)
    let count = Number.POSITIVE_INFINITY
    this.#cells.forEach((cells, row) => {
      const at = hashKey(bytes, 0, bytes.length, 0, (row + 1) * 0x9e3779b1) & (this.#width - 1)
      const value = (cells[at] ?? 0) + 1
      cells[at] = value
      count = Math.min(count, value)
    })
    if (this.#kept.has(key) || this.#kept.size < KEPT) this.#kept.set(key, count)
    else if (count > this.#least) this.#replaceLeast(key, count)
  }

  estimates(): Map<string, number> {
    return this.#kept
  }

  #replaceLeast(key: string, count: number): void {
    const [name, least] = [...this.#kept].reduce((one, other) => (other[1] < one[1] ? other : one))
    // Counts only grow: until it is reached, nobody has to look again.
    this.#least = least
    if (count <= least) return
    this.#kept.delete(name)
    this.#kept.set(key, count)
  }
}
