import type { Collector } from '../../core/model.ts'
import { plural } from '../_lib/format.ts'
import { Age, Time } from './clock.tsx'
import { Notice } from './notice.tsx'

/** A collector writes its heartbeat with every tick; the slowest tick is 60 s. */
const DEAD_AFTER_MS = 15_000

/** What every page must say first when its figures may not be what is: no collector, or one that waited. */
export function CollectorBanner({
  collectors,
  slowestIntervalMs,
  now,
}: {
  collectors: Collector[]
  slowestIntervalMs: number
  now: number
}) {
  const newest = collectors.toSorted((a, b) => b.heartbeatAt.localeCompare(a.heartbeatAt))[0]
  if (newest === undefined) {
    return (
      <Notice tone="harm">
        No collector has reported yet, so nothing is measured. Start one with <code>cachescope start</code>.
      </Notice>
    )
  }
  const deadAfterMs = Math.max(DEAD_AFTER_MS, 3 * slowestIntervalMs)
  if (now - Date.parse(newest.heartbeatAt) > deadAfterMs) {
    return (
      <Notice tone="harm">
        No collector has reported for <Age at={newest.heartbeatAt} suffix="" />; what you see is from{' '}
        <Time at={newest.heartbeatAt} />. Start it again with <code>cachescope start</code>, on {newest.host}{' '}
        or elsewhere.
      </Notice>
    )
  }
  const waiting = collectors.filter((collector) => collector.bufferedTicks > 0)
  if (waiting.length === 0) return null
  const ticks = waiting.reduce((sum, collector) => sum + collector.bufferedTicks, 0)
  const dropped = waiting.reduce((sum, collector) => sum + collector.droppedTicks, 0)
  return (
    <Notice tone="warn">
      The database was away: {plural(ticks, 'tick')} of samples {ticks === 1 ? 'waits' : 'wait'} in the
      collector and will be written shortly.
      {dropped > 0 && ` ${plural(dropped, 'tick')} did not fit in its memory and will stay a gap.`}
    </Notice>
  )
}
