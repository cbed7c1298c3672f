import type { Collector } from '../../core/model.ts'
import { collectorNews } from '../_lib/collector-news.ts'
import { plural } from '../_lib/format.ts'
import { Age, Time } from './clock.tsx'
import { Notice } from './notice.tsx'

/** What every page must say first when its figures may not be what is: no collector, or one that waited. */
export function CollectorBanner({ collectors, now }: { collectors: Collector[]; now: number }) {
  const news = collectorNews(collectors, now)
  if (news === null) return null
  if (news.kind === 'none') {
    return (
      <Notice tone="harm">
        No collector has reported yet, so nothing is measured. Start one with <code>cachescope start</code>.
      </Notice>
    )
  }
  if (news.kind === 'dead') {
    const { heartbeatAt, host } = news.newest
    return (
      <Notice tone="harm">
        No collector has reported {/* It counts on, and would have the whole read out again each time. */}
        <span aria-hidden="true">
          for <Age at={heartbeatAt} suffix="" />
        </span>
        ; what you see is from <Time at={heartbeatAt} />. Start it again with <code>cachescope start</code>,
        on {host} or elsewhere.
      </Notice>
    )
  }
  const { ticks, droppedTicks } = news
  return (
    <Notice tone="warn">
      The database was away: {plural(ticks, 'tick')} of samples wait in the collector and will be written
      shortly.
      {droppedTicks > 0 && ` ${plural(droppedTicks, 'tick')} did not fit in its memory and will stay a gap.`}
    </Notice>
  )
}
