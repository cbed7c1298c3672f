/**
 * By which commands a key was seen to be used. What was kept of a slice's keys tells each key's most frequent one; the
 * few `INCR` beside a thousand `GET` are among the sampled uses. Pure.
 */
import type { CommandKeys } from './command-keys.ts'
import { SAMPLE_KEY_BYTES } from './use-sample.ts'
import type { MergedKey, MergedWindow } from './window.ts'

export const MAX_COMMANDS = 8

type Used = { db: number; key: Uint8Array }

export class UsedCommands {
  readonly #merged: Pick<MergedWindow, 'keys' | 'sample'>
  readonly #commands: readonly CommandKeys[]
  /** By key: how many uses each command stands for. Built when first asked: most reports are only glanced at. */
  #weights: Map<MergedKey, Map<number, number>> | null = null

  constructor(merged: Pick<MergedWindow, 'keys' | 'sample'>, commands: readonly CommandKeys[]) {
    this.#merged = merged
    this.#commands = commands
  }

  /**
   * Of a key as long as what the sample keeps of one, only the most frequent of each slice: another may begin alike.
   * @param reported its `key` is that of the window, not a copy
   * @returns names in capitals, at most 8, the most used first; what is its `topCommand` is always among them
   */
  of(reported: Used): string[] {
    const merged = this.#merged.keys.find(({ key, db }) => key === reported.key && db === reported.db)
    return merged === undefined ? [] : this.#namesOf(merged)
  }

  #namesOf(key: MergedKey): string[] {
    const sampled = key.key.length < SAMPLE_KEY_BYTES ? this.#sampled().get(key) : undefined
    const weightOf = (command: number) => sampled?.get(command) ?? 0
    const order = (command: number) => (command === key.command ? 1 : 0)
    const seen = [...new Set([key.command, ...key.commands, ...(sampled?.keys() ?? [])])]
      .filter((command) => this.#commands[command] !== undefined)
      .sort((a, b) => weightOf(b) - weightOf(a) || order(b) - order(a))
    const kept = seen.slice(0, MAX_COMMANDS)
    if (seen.includes(key.command) && !kept.includes(key.command)) kept[MAX_COMMANDS - 1] = key.command
    return [...new Set(kept.map((command) => this.#commands[command]?.name ?? ''))]
  }

  #sampled(): Map<MergedKey, Map<number, number>> {
    if (this.#weights !== null) return this.#weights
    const weights = new Map<MergedKey, Map<number, number>>()
    const byHash = Map.groupBy(this.#merged.keys, hashOf)
    for (const use of this.#merged.sample) {
      const key = byHash.get(hashOf(use))?.find((one) => isSame(one, use))
      if (key === undefined) continue
      const ofKey = weights.get(key) ?? new Map<number, number>()
      weights.set(key, ofKey.set(use.command, (ofKey.get(use.command) ?? 0) + use.weight))
    }
    this.#weights = weights
    return weights
  }
}

/** FNV-1a. What is found by it is compared. */
function hashOf({ db, key }: Used): number {
  let hash = 0x811c9dc5 ^ db
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ (key[at] as number), 0x01000193)
  return hash
}

function isSame(one: Used, other: Used): boolean {
  if (one.db !== other.db || one.key.length !== other.key.length) return false
  for (let at = 0; at < one.key.length; at++) if (one.key[at] !== other.key[at]) return false
  return true
}
