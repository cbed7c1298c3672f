import type { MetricUnit } from '../../../core/metrics.ts'
import type { Event, Series, Shard } from '../../../core/model.ts'
import type { TimeRange } from '../../../core/range.ts'
import {
  commandTimeLines,
  hitRateLines,
  networkLines,
  replicaLines,
  shardLines,
} from '../../_lib/shard-series.ts'
import { ChartGrid } from '../charts/chart-grid.tsx'
import { type ChartLine, limitLines } from '../charts/chart-lines.ts'
import { TimeChart } from '../charts/time-chart.tsx'

type Chart = { title: string; unit: MetricUnit; lines: ChartLine[]; nothing?: string; noun?: string }

/** The cache over time, as small multiples on one time axis. */
export function CacheCharts({
  series,
  shards,
  range,
  events,
  intervalMs,
}: {
  series: Series
  shards: Shard[]
  range: TimeRange
  events: Event[]
  intervalMs: number
}) {
  const replicated = shards.some((shard) => shard.nodes.some((node) => node.role === 'replica'))
  const charts: Chart[] = [
    {
      title: 'Which shard takes the commands?',
      unit: 'per-second',
      lines: shardLines(series, shards, 'opsPerSec', 'sum'),
    },
    {
      title: 'How often is the key there? (hit rate)',
      unit: 'share',
      lines: hitRateLines(series, shards),
      nothing: 'Nothing was read in this range.',
    },
    {
      title: 'How full is the memory?',
      unit: 'bytes',
      lines: shardLines(series, shards, 'usedMemoryBytes', 'max'),
    },
    {
      title: 'Are keys evicted?',
      unit: 'per-second',
      lines: shardLines(series, shards, 'evictedPerSec', 'sum'),
    },
    { title: 'How much crosses the network?', unit: 'bytes-per-second', lines: networkLines(series) },
    { title: 'How long does a command take?', unit: 'ms', lines: commandTimeLines(series, shards) },
    { title: 'How long does a PING take?', unit: 'ms', lines: shardLines(series, shards, 'pingMs', 'max') },
    ...(replicated
      ? [
          {
            title: 'How far behind are the replicas, in time?',
            unit: 's' as const,
            noun: 'replica',
            lines: replicaLines(series, shards, 'lagSeconds'),
          },
          {
            title: 'How far behind are the replicas, in bytes?',
            unit: 'bytes' as const,
            noun: 'replica',
            lines: replicaLines(series, shards, 'lagBytes'),
          },
        ]
      : []),
  ]
  const marks = events.map((event) => ({ at: Date.parse(event.at), label: event.message }))
  return (
    <ChartGrid>
      {charts.map((chart) => (
        <TimeChart
          key={chart.title}
          title={chart.title}
          unit={chart.unit}
          at={series.at}
          from={range.from}
          to={range.to}
          lines={limitLines(chart.lines, chart.noun)}
          events={marks}
          nothing={chart.nothing}
          tickMs={intervalMs}
        />
      ))}
    </ChartGrid>
  )
}
