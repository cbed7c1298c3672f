import type { Event } from '../../../../../../../core/model.ts'
import type { TimeRange } from '../../../../../../../core/range.ts'
import type { HotKeyDetail } from '../../../../../../../store/hot-keys.ts'
import { TimeChart } from '../../../../../../_components/charts/time-chart.tsx'
import classes from './key-view.module.css'

const NOTHING = 'It was not hot in this range.'
const NO_RATES = 'It is hot, but its source tells no rates.'

export function KeyCharts({
  history,
  rated,
  ordinal,
  range,
  events,
}: {
  history: HotKeyDetail['history']
  /** Whether a source that is in use tells how often it is asked for. */
  rated: boolean
  ordinal: number | null
  range: TimeRange
  events: Event[]
}) {
  const marks = events.map((event) => ({ at: Date.parse(event.at), label: event.message }))
  const nothing = rated ? NOTHING : NO_RATES
  const axis = { at: history.at, from: range.from, to: range.to, events: marks, nothing }
  return (
    <section className={classes.charts} aria-label="History">
      <h2 className="visually-hidden">History</h2>
      <TimeChart
        {...axis}
        title="How often is it asked for?"
        unit="per-second"
        lines={[
          { id: 'all', label: 'All', values: history.opsPerSec, ordinal },
          { id: 'reads', label: 'Reads', values: history.readsPerSec, ordinal, dashed: true },
          { id: 'writes', label: 'Writes', values: history.writesPerSec, ordinal: null, dashed: true },
        ]}
      />
      <TimeChart
        {...axis}
        title="What share of its node does it take?"
        unit="share"
        lines={[
          {
            id: 'share',
            label: 'Share, with its 95% interval',
            values: history.share,
            ordinal,
            interval: { low: history.shareLow, high: history.shareHigh },
          },
        ]}
      />
    </section>
  )
}
