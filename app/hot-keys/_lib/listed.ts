/** What the page lists, by the list that the URL asks for. */
import type { CacheHotKey, HotKeyRow, HotPattern } from '../../../core/model.ts'

export type Listed =
  | { list: 'keys'; rows: HotKeyRow[] }
  | { list: 'patterns'; rows: HotPattern[] }
  | { list: 'missing' | 'big'; rows: CacheHotKey[] }

/** The first key of the list, for the page's one action; null for patterns and an empty list. */
export function topKey(listed: Listed): HotKeyRow | CacheHotKey | null {
  return listed.list === 'patterns' ? null : (listed.rows[0] ?? null)
}
