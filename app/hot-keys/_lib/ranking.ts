import { HOT_KEY_CURRENT_MS } from '../../../core/health.ts'
import type { HotKey } from '../../../core/model.ts'

const SCALES = [0.02, 0.05, 0.1, 0.25, 0.5, 1]

export function isCurrent(row: Pick<HotKey, 'window'>, now: number): boolean {
  return now - Date.parse(row.window.to) <= HOT_KEY_CURRENT_MS
}

/** The share at a bar's full width: the least round figure that every interval of the list fits in. */
export function shareScale(rows: Pick<HotKey, 'shareHigh'>[]): number {
  const most = rows.reduce((max, row) => Math.max(max, row.shareHigh ?? 0), 0)
  return SCALES.find((scale) => most <= scale) ?? 1
}
