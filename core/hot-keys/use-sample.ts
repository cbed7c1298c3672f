/** A uniform sample of the uses of keys in one slice: Vitter's reservoir, driven by a seeded generator. */

const SAMPLE_USES = 256
/** Of a longer key its beginning is kept: enough for its shape. */
export const SAMPLE_KEY_BYTES = 64

/** `weight`: how many uses of its slice it stands for. */
export type SampledUse = { key: Uint8Array; db: number; write: boolean; command: number; weight: number }

/** A sampled use, with the number of its slice in `MergedWindow.seconds`. */
export type WindowUse = SampledUse & { slice: number }

export class UseSample {
  readonly #seed: number
  readonly #bytes = new Uint8Array(SAMPLE_USES * SAMPLE_KEY_BYTES)
  readonly #lengths = new Uint8Array(SAMPLE_USES)
  readonly #dbs = new Int32Array(SAMPLE_USES)
  readonly #commands = new Int32Array(SAMPLE_USES)
  readonly #writes = new Uint8Array(SAMPLE_USES)
  #state = 0
  uses = 0

  constructor(seed: number) {
    this.#seed = seed | 1
    this.clear()
  }

  offer(bytes: Uint8Array, start: number, end: number, db: number, command: number, write: boolean): void {
    const use = this.uses++
    let place = use
    if (use >= SAMPLE_USES) {
      place = Math.floor(this.#random() * 2 ** -32 * (use + 1))
      if (place >= SAMPLE_USES) return
    }
    const length = Math.min(end - start, SAMPLE_KEY_BYTES)
    this.#bytes.set(bytes.subarray(start, start + length), place * SAMPLE_KEY_BYTES)
    this.#lengths[place] = length
    this.#dbs[place] = db
    this.#commands[place] = command
    this.#writes[place] = write ? 1 : 0
  }

  list(): SampledUse[] {
    const size = Math.min(this.uses, SAMPLE_USES)
    const weight = size === 0 ? 0 : this.uses / size
    return Array.from({ length: size }, (_, place) => {
      const from = place * SAMPLE_KEY_BYTES
      return {
        key: this.#bytes.slice(from, from + (this.#lengths[place] as number)),
        db: this.#dbs[place] as number,
        write: this.#writes[place] === 1,
        command: this.#commands[place] as number,
        weight,
      }
    })
  }

  clear(): void {
    this.uses = 0
    this.#state = this.#seed
  }

  #random(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return state >>> 0
  }
}
