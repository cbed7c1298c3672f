/** What the page lists, by the list that the URL asks for. */
import type { Mitigation } from '../../../core/mitigations/model.ts'
import type { CacheHotKey, HotKey, HotKeyRow, HotPattern } from '../../../core/model.ts'

/** The same keys over all nodes of their caches. */
export type OverCaches = ReadonlyMap<string, CacheHotKey>

export function overCaches(keys: readonly CacheHotKey[]): OverCaches {
  return new Map(keys.map((key) => [nameOf(key), key]))
}

/** @returns null for a key that is hot no longer */
export function overCache(row: HotKey, keys: OverCaches): CacheHotKey | null {
  return keys.get(nameOf(row)) ?? null
}

function nameOf({ cacheId, db, keyBase64 }: HotKey): string {
  return `${cacheId} ${db} ${keyBase64}`
}

export type Listed =
  | { list: 'keys'; rows: HotKeyRow[]; overCaches: OverCaches; running: ReadonlyMap<string, Mitigation> }
  | { list: 'patterns'; rows: HotPattern[] }
  | { list: 'missing' | 'big'; rows: CacheHotKey[] }

/** The first key of the list, for the page's one action; null for patterns and an empty list. */
export function topKey(listed: Listed): HotKeyRow | CacheHotKey | null {
  return listed.list === 'patterns' ? null : (listed.rows[0] ?? null)
}
