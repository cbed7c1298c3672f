import type { MetricUnit, NodeMetric } from '../../../../../../core/metrics.ts'
import type { Event, Node, Series } from '../../../../../../core/model.ts'
import type { TimeRange } from '../../../../../../core/range.ts'
import { ChartGrid } from '../../../../../_components/charts/chart-grid.tsx'
import type { ChartLine } from '../../../../../_components/charts/chart-lines.ts'
import { TimeChart } from '../../../../../_components/charts/time-chart.tsx'

type Line = { metric: NodeMetric; label: string; dashed?: true }
type Chart = { title: string; unit: MetricUnit; lines: Line[]; replicaOnly?: true }

const CHARTS: Chart[] = [
  { title: 'How many commands?', unit: 'per-second', lines: [{ metric: 'opsPerSec', label: 'Commands' }] },
  {
    title: 'Do reads find their keys?',
    unit: 'per-second',
    lines: [
      { metric: 'hitsPerSec', label: 'Hits' },
      { metric: 'missesPerSec', label: 'Misses', dashed: true },
    ],
  },
  {
    title: 'How busy is the main thread?',
    unit: 'share',
    lines: [
      { metric: 'cpuShare', label: 'CPU' },
      { metric: 'ownCpuShare', label: 'of it for Cachescope', dashed: true },
    ],
  },
  { title: 'How fast does it answer PING?', unit: 'ms', lines: [{ metric: 'pingMs', label: 'Round trip' }] },
  {
    title: 'How full is its memory?',
    unit: 'bytes',
    lines: [
      { metric: 'usedMemoryBytes', label: 'Used' },
      { metric: 'rssBytes', label: 'Resident', dashed: true },
    ],
  },
  {
    title: 'Which keys leave?',
    unit: 'per-second',
    lines: [
      { metric: 'evictedPerSec', label: 'Evicted' },
      { metric: 'expiredPerSec', label: 'Expired', dashed: true },
    ],
  },
  {
    title: 'What moves over the network?',
    unit: 'bytes-per-second',
    lines: [
      { metric: 'netOutBytesPerSec', label: 'Out' },
      { metric: 'netInBytesPerSec', label: 'In', dashed: true },
    ],
  },
  {
    title: 'Who is connected?',
    unit: 'count',
    lines: [
      { metric: 'connectedClients', label: 'Clients' },
      { metric: 'blockedClients', label: 'Blocked', dashed: true },
    ],
  },
  {
    title: 'How far behind its primary?',
    unit: 's',
    lines: [{ metric: 'lagSeconds', label: 'Lag' }],
    replicaOnly: true,
  },
]

/** Every figure that a node's charts show. */
export const CHART_METRICS: NodeMetric[] = CHARTS.flatMap(({ lines }) => lines.map(({ metric }) => metric))

export function NodeCharts({
  node,
  series,
  events,
  range,
  intervalMs,
}: {
  node: Node
  series: Series
  events: Event[]
  range: TimeRange
  intervalMs: number
}) {
  const metrics = series.lines.find((line) => line.nodeId === node.nodeId)?.metrics ?? {}
  const marks = events.map((event) => ({ at: Date.parse(event.at), label: event.message }))
  const line = ({ metric, label, dashed }: Line): ChartLine => ({
    id: metric,
    label,
    dashed,
    values: metrics[metric] ?? series.at.map(() => null),
    ordinal: node.shardOrdinal,
  })
  return (
    <ChartGrid>
      {CHARTS.filter(({ replicaOnly }) => !replicaOnly || node.role === 'replica').map((chart) => (
        <TimeChart
          key={chart.title}
          title={chart.title}
          unit={chart.unit}
          at={series.at}
          from={range.from}
          to={range.to}
          lines={chart.lines.map(line)}
          events={marks}
          tickMs={intervalMs}
        />
      ))}
    </ChartGrid>
  )
}
