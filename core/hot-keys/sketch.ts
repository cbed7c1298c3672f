/** What counts keys: a bounded summary of one slice of the stream. Any implementation keeps the promise of `count`. */
import type { SampledUse } from './use-sample.ts'

export type SketchEntry = {
  key: Uint8Array
  db: number
  /** The true number of uses is at most this, and at least `count - error`. */
  count: number
  error: number
  /** Of the `count - error` uses that were surely seen, those that may write. */
  writes: number
  /** The id of the command that used it most, where one makes up the majority; else one of them. */
  command: number
  /** Of the key and its db: equal keys have equal hashes under one seed. */
  hash: number
}

export type SketchSlice = {
  /** By count, descending. */
  entries: SketchEntry[]
  /** A key that is not among the entries was used at most so often. */
  absentMax: number
}

export interface Sketch {
  /** Uses of keys since `clear`, whatever the key. */
  readonly uses: number
  /** One use of the key `bytes[start, end)`; the bytes are copied when they are kept. */
  add(bytes: Uint8Array, start: number, end: number, db: number, command: number, write: boolean): void
  /** The largest entries: at most `limit`, their keys together at most `maxKeyBytes`: one too long for that is not among them. */
  top(limit: number, maxKeyBytes: number): SketchSlice
  /** A uniform sample of the uses since `clear`. */
  sample(): SampledUse[]
  clear(): void
}

/** Longer keys leave a fifth of a slice's room to the others. */
const LONG_KEY_BYTES = 64
const ROOM_OF_LONG_KEYS = 0.8

/**
 * Which of a sketch's counters make a slice: of the `limit` largest those whose keys fit. A long one that does not
 * is passed over, and all long ones together do not crowd out the many short ones after them.
 * @param slots the largest first, at least `limit` + 1 of them where there are so many
 * @returns the kept ones, and the largest that is not; undefined where all are
 */
export function fitting(
  slots: readonly number[],
  limit: number,
  maxKeyBytes: number,
  keyBytes: (slot: number) => number,
): { kept: number[]; left: number | undefined } {
  const kept: number[] = []
  const roomOfLong = maxKeyBytes * ROOM_OF_LONG_KEYS
  let left: number | undefined
  let short = 0
  let long = 0
  for (const slot of slots.slice(0, limit)) {
    const bytes = keyBytes(slot)
    const isLong = bytes > LONG_KEY_BYTES
    const fits = short + long + bytes <= maxKeyBytes && (!isLong || long + bytes <= roomOfLong)
    if (fits) {
      kept.push(slot)
      if (isLong) long += bytes
      else short += bytes
    } else left ??= slot
  }
  return { kept, left: left ?? slots[limit] }
}
