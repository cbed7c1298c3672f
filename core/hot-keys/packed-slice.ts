/** A past slice: its largest entries and its sample, in a few arrays instead of thousands of objects. */
import type { SketchEntry } from './sketch.ts'
import type { SampledUse, WindowUse } from './use-sample.ts'

export class PackedSlice {
  readonly second: number
  readonly commands: number
  /** Of `commands`, those that may write. */
  readonly others: number
  readonly keyUses: number
  /** A key that is not among the entries was used at most so often. */
  readonly absentMax: number
  readonly size: number
  /** Per entry: hash, count, error, writes, db, command, end of its key. */
  readonly #fields: Int32Array
  readonly #keys: Uint8Array
  /** Per use: db, command (negative: a write), end of its key. */
  readonly #uses: Int32Array
  readonly #useKeys: Uint8Array

  constructor(
    entries: readonly SketchEntry[],
    sample: readonly SampledUse[],
    facts: {
      second: number
      commands: number
      others: number
      keyUses: number
      absentMax: number
    },
  ) {
    this.second = facts.second
    this.commands = facts.commands
    this.others = facts.others
    this.keyUses = facts.keyUses
    this.absentMax = facts.absentMax
    this.size = entries.length
    this.#fields = new Int32Array(entries.length * FIELDS)
    this.#keys = concatenate(entries)
    let end = 0
    entries.forEach(({ key, hash, count, error, writes, db, command }, index) => {
      end += key.length
      this.#fields.set([hash | 0, count, error, writes, db, command, end], index * FIELDS)
    })
    this.#uses = new Int32Array(sample.length * USE_FIELDS)
    this.#useKeys = concatenate(sample)
    end = 0
    sample.forEach(({ key, db, command, write }, index) => {
      end += key.length
      this.#uses.set([db, write ? ~command : command, end], index * USE_FIELDS)
    })
  }

  hash(entry: number): number {
    return this.#field(entry, 0) >>> 0
  }

  count(entry: number): number {
    return this.#field(entry, 1) >>> 0
  }

  error(entry: number): number {
    return this.#field(entry, 2) >>> 0
  }

  writes(entry: number): number {
    return this.#field(entry, 3) >>> 0
  }

  db(entry: number): number {
    return this.#field(entry, 4)
  }

  command(entry: number): number {
    return this.#field(entry, 5)
  }

  /** A view: not to be kept. */
  key(entry: number): Uint8Array {
    return this.#keys.subarray(this.#keyStart(entry), this.#field(entry, 6))
  }

  isSameKey(entry: number, slice: PackedSlice, other: number): boolean {
    if (this.db(entry) !== slice.db(other)) return false
    const from = this.#keyStart(entry)
    const length = this.#field(entry, 6) - from
    const start = slice.#keyStart(other)
    if (slice.#field(other, 6) - start !== length) return false
    for (let at = 0; at < length; at++) if (this.#keys[from + at] !== slice.#keys[start + at]) return false
    return true
  }

  /** @param slice its number in the window */
  sample(slice: number): WindowUse[] {
    const size = this.#uses.length / USE_FIELDS
    const weight = this.keyUses / size
    const uses: WindowUse[] = []
    let from = 0
    for (let at = 0; at < this.#uses.length; at += USE_FIELDS) {
      const command = this.#uses[at + 1] as number
      const end = this.#uses[at + 2] as number
      uses.push({
        key: this.#useKeys.subarray(from, end),
        db: this.#uses[at] as number,
        write: command < 0,
        command: command < 0 ? ~command : command,
        weight,
        slice,
      })
      from = end
    }
    return uses
  }

  /** Of what grows with the traffic. */
  get sizeBytes(): number {
    return [this.#fields, this.#keys, this.#uses, this.#useKeys].reduce(
      (sum, part) => sum + part.byteLength,
      0,
    )
  }

  #keyStart(entry: number): number {
    return entry === 0 ? 0 : this.#field(entry - 1, 6)
  }

  #field(entry: number, field: number): number {
    return this.#fields[entry * FIELDS + field] as number
  }
}

const FIELDS = 7
const USE_FIELDS = 3

function concatenate(rows: readonly { key: Uint8Array }[]): Uint8Array {
  const all = new Uint8Array(rows.reduce((sum, { key }) => sum + key.length, 0))
  let at = 0
  for (const { key } of rows) {
    all.set(key, at)
    at += key.length
  }
  return all
}
