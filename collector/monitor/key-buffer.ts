/** The possible keys of one line, held until its end says which of them are. Bounded in bytes and in number. */
const PAIRWISE = 32

export class KeyBuffer {
  readonly bytes: Uint8Array
  /** Keys of this line that did not fit. */
  dropped = 0
  count = 0
  readonly #ends: Uint32Array
  readonly #specs: Uint8Array
  readonly #arguments: Uint32Array
  readonly #distinct: Uint16Array
  #length = 0
  #fits = true
  #distinctCount = 0
  #distinctSet: Set<string> | null = null

  constructor(maxBytes: number, maxKeys: number) {
    this.bytes = new Uint8Array(maxBytes)
    this.#ends = new Uint32Array(maxKeys)
    this.#specs = new Uint8Array(maxKeys)
    this.#arguments = new Uint32Array(maxKeys)
    this.#distinct = new Uint16Array(maxKeys)
  }

  clear(): void {
    this.count = 0
    this.dropped = 0
    this.#length = 0
    this.#distinctCount = 0
    this.#distinctSet = null
  }

  begin(spec: number, argument: number): void {
    this.#fits = this.count < this.#ends.length
    if (!this.#fits) return
    this.#specs[this.count] = spec
    this.#arguments[this.count] = argument
  }

  put(byte: number): void {
    if (this.#length < this.bytes.length) this.bytes[this.#length++] = byte
    else this.#fits = false
  }

  putAll(bytes: Uint8Array, from: number, to: number): void {
    if (this.#length + to - from > this.bytes.length) {
      this.#length = this.bytes.length
      if (to > from) this.#fits = false
      return
    }
    const offset = this.#length - from
    for (let at = from; at < to; at++) this.bytes[offset + at] = bytes[at] as number
    this.#length += to - from
  }

  end(): void {
    if (this.#fits) this.#ends[this.count++] = this.#length
    else {
      this.dropped++
      this.#length = this.start(this.count)
    }
  }

  spec(number: number): number {
    return this.#specs[number] as number
  }

  argument(number: number): number {
    return this.#arguments[number] as number
  }

  start(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] as number)
  }

  stop(number: number): number {
    return this.#ends[number] as number
  }

  /** Whether no key with the same bytes was offered since `clear`. */
  isNew(number: number): boolean {
    if (this.#distinctCount >= PAIRWISE) return this.#isNewInSet(number)
    for (let other = 0; other < this.#distinctCount; other++) {
      if (this.#equal(number, this.#distinct[other] as number)) return false
    }
    this.#distinct[this.#distinctCount++] = number
    return true
  }

  #isNewInSet(number: number): boolean {
    if (this.#distinctSet === null) {
      this.#distinctSet = new Set()
      for (let other = 0; other < PAIRWISE; other++)
        this.#distinctSet.add(this.#text(this.#distinct[other] as number))
    }
    const size = this.#distinctSet.size
    return this.#distinctSet.add(this.#text(number)).size > size
  }

  #text(number: number): string {
    return Buffer.from(
      this.bytes.buffer,
      this.start(number),
      this.stop(number) - this.start(number),
    ).toString('latin1')
  }

  #equal(one: number, other: number): boolean {
    const start = this.start(one)
    const otherStart = this.start(other)
    const length = this.stop(one) - start
    if (length !== this.stop(other) - otherStart) return false
    for (let at = 0; at < length; at++)
      if (this.bytes[start + at] !== this.bytes[otherStart + at]) return false
    return true
  }
}
