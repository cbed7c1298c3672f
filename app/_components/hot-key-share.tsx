import type { HotKey } from '../../core/model.ts'
import { figureText } from '../_lib/hot-key-text.ts'
import { IntervalBar } from './charts/interval-bar.tsx'

/** A hot key's share with its interval; of a source that tells no rate, the figure that it has. */
export function HotKeyShare({ row, ordinal, max }: { row: HotKey; ordinal: number | null; max?: number }) {
  const { share, shareLow, shareHigh } = row
  if (share === null) return <span>{figureText(row)}</span>
  return <IntervalBar share={share} low={shareLow} high={shareHigh} ordinal={ordinal} max={max} />
}
