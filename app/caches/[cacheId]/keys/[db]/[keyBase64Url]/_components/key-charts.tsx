import type { TimeRange } from '../../../../../../../core/range.ts'
import type { HotKeyDetail } from '../../../../../../../store/hot-keys.ts'
import { TimeChart } from '../../../../../../_components/charts/time-chart.tsx'
import classes from './key-view.module.css'

const NOTHING = 'It was not hot in this range.'

export function KeyCharts({
  history,
  ordinal,
  range,
}: {
  history: HotKeyDetail['history']
  ordinal: number | null
  range: TimeRange
}) {
  const axis = { at: history.at, from: range.from, to: range.to, nothing: NOTHING }
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
          // Later lines are drawn over earlier ones.
          { id: 'low', label: '95% from', values: history.shareLow, ordinal: null, dashed: true },
          { id: 'high', label: 'to', values: history.shareHigh, ordinal: null, dashed: true },
          { id: 'share', label: 'Share', values: history.share, ordinal },
        ]}
      />
    </section>
  )
}
