import type { HotKey } from '../../../core/model.ts'
import { formatRate, UNKNOWN } from '../../_lib/format.ts'

type Rated = Pick<HotKey, 'opsPerSec' | 'opsPerSecLow' | 'opsPerSecHigh'>

/** A rate with its interval on hover; unknown where the source tells none. */
export function RateCell({ row: { opsPerSec, opsPerSecLow, opsPerSecHigh } }: { row: Rated }) {
  if (opsPerSec === null) return <>{UNKNOWN}</>
  return (
    <span title={`95% interval: ${formatRate(opsPerSecLow)} to ${formatRate(opsPerSecHigh)}`}>
      {formatRate(opsPerSec)}
    </span>
  )
}
