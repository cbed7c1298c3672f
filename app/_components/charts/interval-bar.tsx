import { formatShare } from '../../_lib/format.ts'
import { shardColor } from '../../_lib/palette.ts'
import classes from './interval-bar.module.css'

/**
 * A share as a bar from zero, with its 95% interval as whiskers.
 * @param share low and high from 0 to 1; `max` is the share at the bar's full width, 1 unless told
 */
export function IntervalBar({
  share,
  low,
  high,
  ordinal,
  max = 1,
}: {
  share: number
  /** Null: the interval is not known, and no whisker is drawn. */
  low: number | null
  high: number | null
  /** The shard whose colour the bar has; null: of no shard, or several. */
  ordinal: number | null
  max?: number
}) {
  const color = ordinal === null ? 'var(--cs-muted)' : shardColor(ordinal)
  const percent = (value: number) => `${Math.min(100, Math.max(0, (value / max) * 100))}%`
  const isKnown = low !== null && high !== null
  const interval = isKnown ? `${formatShare(low)} to ${formatShare(high)}` : 'unknown'
  return (
    <span className={classes.row} title={`95% interval: ${interval}`}>
      <span className={classes.track} aria-hidden="true">
        <span className={classes.bar} style={{ width: percent(share), background: color }} />
        {isKnown && (
          <span
            className={classes.whisker}
            style={{ left: percent(low), right: `calc(100% - ${percent(high)})` }}
          />
        )}
      </span>
      <span className={classes.value}>{formatShare(share)}</span>
      <span className="visually-hidden">, 95% interval: {interval}</span>
    </span>
  )
}
