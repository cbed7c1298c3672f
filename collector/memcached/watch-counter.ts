/**
 * What `watch` shows, counted: gets and stores of keys in a sliding window, and what it tells of the keys themselves.
 * A store first looks its key up, and that look has a line of its own: on the same connection, right before.
 */
import type { CommandKeys } from '../../core/hot-keys/command-keys.ts'
import { SpaceSaving } from '../../core/hot-keys/space-saving.ts'
import { type MergedWindow, SlidingWindow } from '../../core/hot-keys/window.ts'
import type { KeyFacts } from '../hot-keys/key-prober.ts'
import { decodeKey, type WatchEvent } from './watch-lines.ts'

/** A look-up waits so long for the store that it may belong to. */
const PAIRED_WITHIN_MS = 250
const MAX_WAITING = 4_096
const MAX_FACTS = 4_096
/** Older looks count less: what is said is what most of the last ones found. */
const LOOKS_KEPT = 64

const NAMES = ['GET', 'SET', 'ADD', 'REPLACE', 'APPEND', 'PREPEND', 'CAS']
/** Memcached's commands as reports need them; `delete`, `touch` and `incr` look like `get` in the stream. */
export const memcachedCommands: readonly CommandKeys[] = NAMES.map((name, id) => ({
  id,
  name,
  statName: name.toLowerCase(),
  hidden: false,
  write: id > 0,
  specs: [],
  subcommands: null,
}))
const storeIds = new Map(memcachedCommands.map(({ id, statName }) => [statName, id]))
const GET = 0
const SET = 1

type Waiting = { event: WatchEvent; arrivedAt: number }
type Looks = { found: number; missing: number; sizeBytes: number | null; at: number }

export class WatchCounter {
  readonly #window: SlidingWindow
  readonly #waiting = new Map<number, Waiting>()
  /** By the key as written; the oldest first. */
  readonly #looks = new Map<string, Looks>()
  /** Gets and stores counted since the counter was made. */
  counted = 0

  /** @param seed a secret 32-bit integer */
  constructor(seed: number) {
    this.#window = new SlidingWindow(new SpaceSaving({ seed }))
  }

  /** @param now epoch milliseconds: when it arrived */
  add(event: WatchEvent, now: number): void {
    const { connection } = event
    const before = connection === null ? undefined : this.#waiting.get(connection)
    if (connection !== null) this.#waiting.delete(connection)
    if (event.kind === 'get') {
      if (before !== undefined) this.#get(before.event, now)
      if (connection === null) this.#get(event, now)
      else this.#wait(connection, { event, arrivedAt: now })
      return
    }
    if (before !== undefined && before.event.key !== event.key) this.#get(before.event, now)
    this.#store(event, now)
  }

  /** Counts what waits for a store no longer. @param all whatever its age: the stream has ended */
  settle(now: number, all = false): void {
    for (const [connection, { event, arrivedAt }] of this.#waiting) {
      if (!all && now - arrivedAt < PAIRED_WITHIN_MS) continue
      this.#waiting.delete(connection)
      this.#get(event, now)
    }
  }

  merge(now: number, limit: number): MergedWindow | null {
    return this.#window.merge(now, limit)
  }

  /** By what the last looks at the key found; null when none was seen lately. */
  facts(key: Uint8Array): KeyFacts | null {
    const looks = this.#looks.get(idOf(key))
    if (looks === undefined) return null
    const isMissing = looks.missing > looks.found
    return { sizeBytes: isMissing ? null : looks.sizeBytes, isMissing, probedAt: looks.at }
  }

  reset(): void {
    this.#window.reset()
    this.#waiting.clear()
    this.#looks.clear()
  }

  #wait(connection: number, waiting: Waiting): void {
    if (this.#waiting.size >= MAX_WAITING) this.settle(waiting.arrivedAt, true)
    this.#waiting.set(connection, waiting)
  }

  #get(event: WatchEvent, now: number): void {
    const key = decodeKey(event.key)
    this.#count(key, GET, false, now)
    const looks = this.#looksAt(key)
    const isFound = event.status === 'found'
    if (isFound) looks.found++
    else looks.missing++
    if (isFound && event.sizeBytes !== null) looks.sizeBytes = event.sizeBytes
    looks.at = now
    if (looks.found + looks.missing < LOOKS_KEPT) return
    looks.found /= 2
    looks.missing /= 2
  }

  #store(event: WatchEvent, now: number): void {
    const key = decodeKey(event.key)
    this.#count(key, storeIds.get(event.command ?? 'set') ?? SET, true, now)
    if (event.status !== 'stored') return
    const looks = this.#looksAt(key)
    looks.sizeBytes = event.sizeBytes
    looks.at = now
  }

  #count(key: Buffer, command: number, write: boolean, now: number): void {
    this.counted++
    this.#window.advance(now)
    this.#window.countCommand()
    this.#window.countKey(key, 0, key.length, 0, command, write)
  }

  #looksAt(key: Buffer): Looks {
    const id = idOf(key)
    let looks = this.#looks.get(id)
    if (looks !== undefined) return looks
    if (this.#looks.size >= MAX_FACTS) this.#forgetOldest()
    looks = { found: 0, missing: 0, sizeBytes: null, at: 0 }
    this.#looks.set(id, looks)
    return looks
  }

  /** Hot keys are back with their next use. */
  #forgetOldest(): void {
    let left = MAX_FACTS / 2
    for (const id of this.#looks.keys()) {
      if (left-- === 0) return
      this.#looks.delete(id)
    }
  }
}

function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
