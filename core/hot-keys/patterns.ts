/** Hot patterns: the sampled uses of keys by the shape of the key, each with its share and interval. */
import type { HotPatternSample } from '../sample.ts'
import { shareInterval } from './interval.ts'
import { formatShape, type Level, levelsOf, textOf } from './pattern-shapes.ts'
import { ShapeTree } from './pattern-tree.ts'
import { readsAndWrites } from './report.ts'
import { SAMPLE_KEY_BYTES } from './use-sample.ts'
import type { MergedWindow, WindowUse } from './window.ts'

/** "other" is one of them. */
const MAX_PATTERNS = 20
/** A pattern seen less often is not told apart from chance. */
const MIN_USES = 5
/** One that was listed keeps its place against one that is hardly hotter. */
const STAYS = 1.25
const MAX_KNOWN = 2_048

export type HotPatternRate = Pick<
  HotPatternSample,
  | 'pattern'
  | 'share'
  | 'shareLow'
  | 'shareHigh'
  | 'opsPerSec'
  | 'opsPerSecLow'
  | 'opsPerSecHigh'
  | 'readsPerSec'
  | 'writesPerSec'
  | 'keysSeen'
>
type SampledWindow = Pick<MergedWindow, 'commands' | 'keyUses' | 'sample'>
type SampledKey = { id: number; levels: Level[]; uses: WindowUse[] }
type Group = { pattern: string | null; keys: number; uses: WindowUse[]; weight: number }

/** Of one node. What it learns stays, so that a key's pattern has the same name in every report. */
export class PatternLearner {
  #tree = new ShapeTree()
  /** Of every pattern the first key that was seen; null once there was another: one key alone is no pattern. */
  #known = new Map<string, number | null>()
  #listed = new Set<string>()

  /** Of what is kept: a number of levels and names. */
  get size(): number {
    return this.#tree.size + this.#known.size
  }

  forget(): void {
    this.#tree = new ShapeTree()
    this.#known = new Map()
    this.#listed = new Set()
  }

  /**
   * A command with several keys is divided among them, so the shares of all rows sum to that of commands with keys.
   * @param clientOpsPerSec of the node, see `clientRate`
   * @returns the busiest first, at most 20; last "other" (`pattern` null), unless nothing is left for it
   */
  hotPatterns(merged: SampledWindow, clientOpsPerSec: number): HotPatternRate[] {
    const keys = keysOf(merged.sample)
    this.#tree.learn(keys.map(({ levels }) => levels))
    const groups = this.#select(this.#group(keys))
    // Of a command with a hundred keys each use is a hundredth.
    const ofCommands = merged.keyUses / Math.max(merged.commands, merged.keyUses)
    const slices = slicesOf(merged.sample)
    return groups.map((group) => rateOf(group, slices, ofCommands, clientOpsPerSec))
  }

  #group(keys: readonly SampledKey[]): Group[] {
    const groups = new Map<string | null, Group>()
    for (const { id, levels, uses } of keys) {
      const shape = this.#tree.shapeOf(levels)
      const text = shape === null ? null : textOf(shape)
      let group = groups.get(text)
      if (group === undefined) {
        group = { pattern: text === null ? null : formatShape(text), keys: 0, uses: [], weight: 0 }
        groups.set(text, group)
      }
      if (group.pattern !== null) this.#note(group.pattern, id)
      group.keys++
      for (const use of uses) {
        group.uses.push(use)
        group.weight += use.weight
      }
    }
    return [...groups.values()]
  }

  #note(pattern: string, id: number): void {
    const first = this.#known.get(pattern)
    // The oldest leaves first: what is seen goes to the end.
    this.#known.delete(pattern)
    this.#known.set(pattern, first === undefined || first === id ? id : null)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break
      this.#known.delete(oldest)
    }
  }

  #select(groups: readonly Group[]): Group[] {
    const isListed = (group: Group) => group.pattern !== null && this.#listed.has(group.pattern)
    const order = (group: Group) => group.weight * (isListed(group) ? STAYS : 1)
    const isPattern = (group: Group) =>
      group.pattern !== null &&
      this.#known.get(group.pattern) === null &&
      (isListed(group) || group.uses.length >= MIN_USES)
    const kept = groups
      .filter(isPattern)
      .sort((one, other) => order(other) - order(one) || compare(one.pattern, other.pattern))
      .slice(0, MAX_PATTERNS - 1)
      .sort((one, other) => other.weight - one.weight || compare(one.pattern, other.pattern))
    this.#listed = new Set(kept.map(({ pattern }) => pattern ?? ''))
    const others = groups.filter((group) => !kept.includes(group))
    if (others.length === 0) return kept
    return [
      ...kept,
      {
        pattern: null,
        keys: others.reduce((sum, group) => sum + group.keys, 0),
        uses: others.flatMap((group) => group.uses),
        weight: others.reduce((sum, group) => sum + group.weight, 0),
      },
    ]
  }
}

function compare(one: string | null, other: string | null): number {
  return (one ?? '') < (other ?? '') ? -1 : 1
}

/** Different keys; those that the sample cut are taken as one where their beginnings are the same. */
function keysOf(sample: readonly WindowUse[]): SampledKey[] {
  const keys: SampledKey[] = []
  const byHash = new Map<number, SampledKey>()
  for (const use of sample) {
    let id = hashOf(use)
    let known = byHash.get(id)
    while (known !== undefined && !isSameKey(known.uses[0] as WindowUse, use)) known = byHash.get(++id)
    if (known !== undefined) known.uses.push(use)
    else {
      const key = { id, levels: levelsOf(use.key, use.key.length === SAMPLE_KEY_BYTES), uses: [use] }
      keys.push(key)
      byHash.set(id, key)
    }
  }
  return keys
}

/** FNV-1a. */
function hashOf({ db, key }: WindowUse): number {
  let hash = 0x811c9dc5 ^ db
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ (key[at] as number), 0x01000193)
  return hash >>> 0
}

function isSameKey(one: WindowUse, other: WindowUse): boolean {
  if (one.db !== other.db || one.key.length !== other.key.length) return false
  for (let at = 0; at < one.key.length; at++) if (one.key[at] !== other.key[at]) return false
  return true
}

/** Of every slice: the uses that it stands for. And how many equal draws the whole sample is worth (Kish). */
type Slices = { weights: Map<number, number>; weight: number; draws: number }

function slicesOf(sample: readonly WindowUse[]): Slices {
  const weights = new Map<number, number>()
  let weight = 0
  let squares = 0
  for (const use of sample) {
    weights.set(use.slice, (weights.get(use.slice) ?? 0) + use.weight)
    weight += use.weight
    squares += use.weight ** 2
  }
  return { weights, weight, draws: weight ** 2 / squares }
}

function rateOf(group: Group, slices: Slices, ofCommands: number, clientOpsPerSec: number): HotPatternRate {
  const { weights, weight, draws } = slices
  const uses = new Map<number, number>()
  let reads = 0
  let writes = 0
  for (const use of group.uses) {
    uses.set(use.slice, (uses.get(use.slice) ?? 0) + use.weight)
    if (use.write) writes += use.weight
    else reads += use.weight
  }
  const interval = shareInterval(
    [...weights].map(([slice, all]) => {
      const drawn = ((uses.get(slice) ?? 0) * draws) / weight
      return { low: drawn, high: drawn, commands: (all * draws) / weight }
    }),
  )
  const share = (group.weight / weight) * ofCommands
  const opsPerSec = share * clientOpsPerSec
  return {
    pattern: group.pattern,
    share,
    shareLow: Math.min(share, interval.low * ofCommands),
    shareHigh: Math.max(share, interval.high * ofCommands),
    opsPerSec,
    opsPerSecLow: Math.min(share, interval.low * ofCommands) * clientOpsPerSec,
    opsPerSecHigh: Math.max(share, interval.high * ofCommands) * clientOpsPerSec,
    ...readsAndWrites(opsPerSec, reads, writes),
    keysSeen: group.keys,
  }
}
