/**
 * The hot keys and patterns of nodes as those of their cache: the same key on several nodes (replicas that are read,
 * Memcached servers behind different clients) is one row. Rates add; intervals add in quadrature around the sum, as
 * the nodes are sampled independently; shares are of the cache's commands. What is unknown stays null.
 */
import type { CacheHotKey, HotKey, HotPattern } from '../model.ts'
import { MAX_COMMANDS } from './used-commands.ts'

/** Commands per second of a cache's clients, all nodes together, by cacheId. */
export type CacheRates = ReadonlyMap<string, number>

/** A pattern as one node reports it. `rank` as HotPatternSample has it. */
export type NodeHotPattern = Omit<HotPattern, 'nodeIds'> & { nodeId: number }

type Interval = { value: number | null; low: number | null; high: number | null }
type Rated = Pick<HotKey, 'opsPerSec' | 'opsPerSecLow' | 'opsPerSecHigh'>

/**
 * @param rows of any caches and nodes, each node's newest report
 * @returns hottest first, those without a rate last, in the order of their best place on a node; `rank` counts
 *   within the cache
 */
export function mergeHotKeys(rows: readonly HotKey[], rates: CacheRates): CacheHotKey[] {
  const groups = Map.groupBy(rows, (row) => `${row.cacheId} ${row.db} ${row.keyBase64}`)
  const merged = [...groups.values()].map((group) => mergeKey(group, rates)).sort(byRate)
  const places = new Map<string, number>()
  return merged.map((row) => {
    const rank = (places.get(row.cacheId) ?? 0) + 1
    places.set(row.cacheId, rank)
    return { ...row, rank }
  })
}

/** @returns the busiest first; "other" (`pattern` null) last */
export function mergeHotPatterns(rows: readonly NodeHotPattern[], rates: CacheRates): HotPattern[] {
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row.cacheId, row.pattern]))
  return [...groups.values()]
    .map((group) => mergePattern(group, rates))
    .sort((a, b) => Number(a.pattern === null) - Number(b.pattern === null) || b.opsPerSec - a.opsPerSec)
}

function byRate(a: HotKey, b: HotKey): number {
  return (
    (b.opsPerSec ?? -1) - (a.opsPerSec ?? -1) || a.rank - b.rank || a.keyBase64.localeCompare(b.keyBase64)
  )
}

function mergeKey(group: HotKey[], rates: CacheRates): CacheHotKey {
  const rows = group.toSorted(byRate)
  const top = first(rows)
  const rate = addIntervals(rows)
  const share = shareOf(rate, rates.get(top.cacheId))
  const probed = rows
    .filter((row) => row.probedAt !== null)
    .sort((a, b) => (b.probedAt ?? '').localeCompare(a.probedAt ?? ''))
  const sizeBytes = probed.find((row) => row.sizeBytes !== null)?.sizeBytes ?? null
  return {
    ...top,
    share: share.value,
    shareLow: share.low,
    shareHigh: share.high,
    opsPerSec: rate.value,
    opsPerSecLow: rate.low,
    opsPerSecHigh: rate.high,
    readsPerSec: addKnown(rows.map((row) => row.readsPerSec)),
    writesPerSec: addKnown(rows.map((row) => row.writesPerSec)),
    commands: [...new Set(rows.flatMap((row) => row.commands))].slice(0, MAX_COMMANDS),
    lfuCounter: rows.reduce<number | null>((most, row) => greater(most, row.lfuCounter), null),
    sizeBytes,
    bytesPerSec: rate.value === null || sizeBytes === null ? null : rate.value * sizeBytes,
    isMissing: probed.length === 0 ? null : probed.every((row) => row.isMissing === true),
    probedAt: probed[0]?.probedAt ?? null,
    rank: Math.min(...rows.map((row) => row.rank)),
    window: mergeWindows(rows.map((row) => row.window)),
    nodeIds: rows.map((row) => row.nodeId),
  }
}

function mergePattern(group: NodeHotPattern[], rates: CacheRates): HotPattern {
  const rows = group.toSorted((a, b) => b.opsPerSec - a.opsPerSec)
  const { nodeId: _, ...top } = first(rows)
  const rate = addIntervals(rows)
  const share = shareOf(rate, rates.get(top.cacheId))
  return {
    ...top,
    share: share.value ?? top.share,
    shareLow: share.low ?? top.shareLow,
    shareHigh: share.high ?? top.shareHigh,
    opsPerSec: rate.value ?? 0,
    opsPerSecLow: rate.low ?? 0,
    opsPerSecHigh: rate.high ?? 0,
    readsPerSec: addKnown(rows.map((row) => row.readsPerSec)) ?? 0,
    writesPerSec: addKnown(rows.map((row) => row.writesPerSec)) ?? 0,
    // Shards share no key; a replica's own keys are counted again.
    keysSeen: rows.reduce((sum, row) => sum + row.keysSeen, 0),
    window: mergeWindows(rows.map((row) => row.window)),
    nodeIds: rows.map((row) => row.nodeId),
  }
}

function addIntervals(rows: readonly Rated[]): Interval {
  let value: number | null = null
  let below = 0
  let above = 0
  for (const { opsPerSec, opsPerSecLow, opsPerSecHigh } of rows) {
    if (opsPerSec === null) continue
    value = (value ?? 0) + opsPerSec
    below += (opsPerSec - (opsPerSecLow ?? opsPerSec)) ** 2
    above += ((opsPerSecHigh ?? opsPerSec) - opsPerSec) ** 2
  }
  if (value === null) return { value, low: null, high: null }
  return { value, low: Math.max(0, value - Math.sqrt(below)), high: value + Math.sqrt(above) }
}

function shareOf(rate: Interval, all: number | undefined): Interval {
  const share = (value: number | null) =>
    value === null || all === undefined || all <= 0 ? null : Math.min(1, value / all)
  return { value: share(rate.value), low: share(rate.low), high: share(rate.high) }
}

function mergeWindows(windows: HotKey['window'][]): HotKey['window'] {
  const from = windows.map((window) => window.from).sort()
  const to = windows.map((window) => window.to).sort()
  return {
    from: from[0] ?? '',
    to: to.at(-1) ?? '',
    sampledCommands: addKnown(windows.map((window) => window.sampledCommands)),
  }
}

function addKnown(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}

function greater(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}

function first<T>(rows: readonly T[]): T {
  const row = rows[0]
  if (row === undefined) throw new Error('A group of rows is never empty.')
  return row
}
