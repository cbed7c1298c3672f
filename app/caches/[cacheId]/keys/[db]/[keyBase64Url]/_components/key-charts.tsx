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
