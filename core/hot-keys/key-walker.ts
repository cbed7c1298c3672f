/**
 * Follows one command's arguments as they stream by and says of each whether it is a key, a word that is needed
 * to find the keys, or nothing to be looked at. Holds positions only, never bytes; one walker serves all lines.
 */
import { type CommandKeys, equalsIgnoringCase } from './command-keys.ts'
import type { KeySpec } from './key-spec.ts'

/** What `want` answers: `DONE`, no further argument matters; else a spec's number (≥ 0): the argument is its key. */
export const DONE = -3
export const SKIP = -2
export const WORD = -1

/** No word that is looked for, nor a count of keys, is longer. */
export const MAX_WORD_BYTES = 64
const MAX_SPECS = 16
const SEARCHING = -1
const CLOSED = -2

const encoder = new TextEncoder()
const words = new Map<string, Uint8Array>()

export class KeyWalker {
  #specs: readonly KeySpec[] = []
  #count = 0
  /** Per spec: its first key's position, SEARCHING for the word or number that tells, or CLOSED. */
  readonly #first = new Int32Array(MAX_SPECS)
  /** Per spec: the last argument that may be a key. */
  readonly #last = new Float64Array(MAX_SPECS)
  /** SORT and MIGRATE: arguments up to here belong to the option before. */
  #skipTo = 0
  #bitfieldWrites = false
  #migrateKeysAt = 0

  start(command: CommandKeys): void {
    this.#specs = command.specs
    this.#count = Math.min(command.specs.length, MAX_SPECS)
    this.#skipTo = 0
    this.#bitfieldWrites = false
    this.#migrateKeysAt = 0
    for (let spec = 0; spec < this.#count; spec++) {
      const { begin, find } = command.specs[spec] as KeySpec
      const known = begin.kind === 'index' && (find.kind === 'range' || find.kind === 'bitfield')
      this.#first[spec] = known ? begin.index : SEARCHING
      this.#last[spec] = known ? lastOf(find, begin.index) : Number.POSITIVE_INFINITY
    }
  }

  want(index: number): number {
    let answer = DONE
    for (let number = 0; number < this.#count; number++) {
      const first = this.#first[number] as number
      if (first === CLOSED) continue
      const { begin, find } = this.#specs[number] as KeySpec
      if (first === SEARCHING) {
        const at = begin.kind === 'index' ? begin.index : begin.from
        const isWord =
          find.kind === 'keynum' && begin.kind === 'index'
            ? index === at + find.countAt
            : index >= at && index > this.#skipTo
        answer = Math.max(answer, isWord ? WORD : SKIP)
      } else if (find.kind === 'bitfield') {
        if (index === first) return number
        if (!this.#bitfieldWrites) answer = Math.max(answer, index > this.#skipTo ? WORD : SKIP)
      } else if (find.kind === 'keynum' && this.#last[number] === SEARCHING) {
        answer = Math.max(answer, index === first + find.countAt ? WORD : SKIP)
      } else if (index < first) {
        answer = Math.max(answer, SKIP)
      } else if (index <= (this.#last[number] as number)) {
        const step = find.kind === 'range' || find.kind === 'keynum' ? find.step : 1
        if ((index - first) % step === 0) return number
        answer = Math.max(answer, SKIP)
      } else if (find.kind === 'sort-store') {
        answer = Math.max(answer, index > this.#skipTo ? WORD : SKIP)
      }
    }
    return answer
  }

  /** The argument that `want` called a WORD; an empty one stands for one that is too long to be any. */
  word(index: number, bytes: Uint8Array, start: number, end: number): void {
    const skipTo = this.#skipTo
    for (let number = 0; number < this.#count; number++) {
      const first = this.#first[number] as number
      if (first === CLOSED) continue
      const { begin, find } = this.#specs[number] as KeySpec
      const is = (word: string) => equalsIgnoringCase(bytes, start, end, wordBytes(word))
      if (find.kind === 'sort-store') {
        if (index < 2 || index <= skipTo) continue
        if (is('limit')) this.#skipTo = index + 2
        else if (is('get') || is('by')) this.#skipTo = index + 1
        else if (is('store')) this.#open(number, index + 1, index + 1)
      } else if (find.kind === 'migrate-keys') {
        if (first !== SEARCHING || index < 6 || index <= skipTo) continue
        if (is('auth')) this.#skipTo = index + 1
        else if (is('auth2')) this.#skipTo = index + 2
        else if (is('keys')) {
          this.#migrateKeysAt = index + 1
          this.#open(number, index + 1, Number.POSITIVE_INFINITY)
        }
      } else if (find.kind === 'bitfield') {
        if (index <= first || index <= skipTo) continue
        if (is('get')) this.#skipTo = index + 2
        else if (is('overflow')) this.#skipTo = index + 1
        else this.#bitfieldWrites = true
      } else if (find.kind === 'keynum') {
        if (begin.kind === 'keyword' && first === SEARCHING) {
          if (index >= begin.from && is(begin.keyword)) this.#open(number, index + 1, SEARCHING)
          continue
        }
        const base = begin.kind === 'index' ? begin.index : first
        if (index !== base + find.countAt) continue
        const count = parseCount(bytes, start, end)
        if (count > 0) this.#open(number, base + find.first, base + find.first + (count - 1) * find.step)
        else this.#first[number] = CLOSED
      } else if (
        first === SEARCHING &&
        begin.kind === 'keyword' &&
        index >= begin.from &&
        is(begin.keyword)
      ) {
        this.#open(number, index + 1, lastOf(find, index + 1))
      }
    }
  }

  /** Whether what `want` took for a spec's key is one, now that the number of arguments is known. */
  isKey(number: number, index: number, argumentCount: number): boolean {
    const { find, begin } = this.#specs[number] as KeySpec
    const first = this.#first[number] as number
    if (find.kind === 'sort-store') return index === first
    if (this.#migrateKeysAt > 0 && begin.kind === 'index' && find.kind === 'range') return false
    if (find.kind === 'range' && find.last < 0) {
      const last =
        find.limit > 1
          ? first + Math.floor((argumentCount - first) / find.limit) + find.last
          : argumentCount + find.last
      return index <= last
    }
    return this.#last[number] === Number.POSITIVE_INFINITY || (this.#last[number] as number) < argumentCount
  }

  isWrite(number: number): boolean {
    const spec = this.#specs[number] as KeySpec
    return spec.find.kind === 'bitfield' ? this.#bitfieldWrites : spec.write
  }

  #open(number: number, first: number, last: number): void {
    this.#first[number] = first
    this.#last[number] = last
  }
}

function lastOf(find: KeySpec['find'], first: number): number {
  if (find.kind !== 'range') return Number.POSITIVE_INFINITY
  return find.last < 0 ? Number.POSITIVE_INFINITY : first + find.last
}

function wordBytes(word: string): Uint8Array {
  let bytes = words.get(word)
  if (bytes === undefined) {
    bytes = encoder.encode(word)
    words.set(word, bytes)
  }
  return bytes
}

/** A count of keys in decimal, 0 when it is none. */
function parseCount(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > 9) return 0
  let count = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 48
    if (digit < 0 || digit > 9) return 0
    count = count * 10 + digit
  }
  return count
}
