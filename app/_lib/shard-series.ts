/** A cache's node series as the lines of its charts: nodes of a shard put together, ratios from their parts. */
import type { NodeMetric } from '../../core/metrics.ts'
import type { Series, Shard } from '../../core/model.ts'
import type { ChartLine } from '../_components/charts/chart-lines.ts'

type Values = (number | null)[]
type Combine = (values: number[]) => number

const sum: Combine = (values) => values.reduce((total, value) => total + value, 0)
const max: Combine = (values) => Math.max(...values)

export const SHARD_METRICS = [
  'opsPerSec',
  'hitsPerSec',
  'missesPerSec',
  'usedMemoryBytes',
  'evictedPerSec',
  'netInBytesPerSec',
  'netOutBytesPerSec',
  'commandUsPerSec',
  'pingMs',
  'lagSeconds',
  'lagBytes',
] as const satisfies NodeMetric[]

/** One line per shard. `sum` adds its nodes up, `max` takes the highest; null only where no node is known. */
export function shardLines(
  series: Series,
  shards: Shard[],
  metric: NodeMetric,
  how: 'sum' | 'max',
): ChartLine[] {
  return shards.map((shard) =>
    shardLine(shard, ofNodes(series, nodeIds(shard), metric, how === 'sum' ? sum : max)),
  )
}

/** Hits ÷ (hits + misses) of every shard, 0 to 1; null where nothing was read. */
export function hitRateLines(series: Series, shards: Shard[]): ChartLine[] {
  return shards.map((shard) => {
    const hits = ofNodes(series, nodeIds(shard), 'hitsPerSec', sum)
    const misses = ofNodes(series, nodeIds(shard), 'missesPerSec', sum)
    return shardLine(
      shard,
      ratio(
        hits,
        hits.map((hit, index) => plus(hit, misses[index] ?? null)),
      ),
    )
  })
}

/** Milliseconds of server time per command, of every shard. */
export function commandTimeLines(series: Series, shards: Shard[]): ChartLine[] {
  return shards.map((shard) => {
    const busyUs = ofNodes(series, nodeIds(shard), 'commandUsPerSec', sum)
    const commands = ofNodes(series, nodeIds(shard), 'opsPerSec', sum)
    return shardLine(
      shard,
      ratio(busyUs, commands).map((us) => (us === null ? null : Number((us / 1000).toPrecision(4)))),
    )
  })
}

/** What the whole cache receives and sends. */
export function networkLines(series: Series): ChartLine[] {
  const all = series.lines.map((line) => line.nodeId)
  return [
    {
      id: 'out',
      label: 'Sent',
      ordinal: null,
      values: rounded(ofNodes(series, all, 'netOutBytesPerSec', sum)),
    },
    {
      id: 'in',
      label: 'Received',
      ordinal: null,
      dashed: true,
      values: rounded(ofNodes(series, all, 'netInBytesPerSec', sum)),
    },
  ]
}

/** One line per replica, in its shard's colour. */
export function replicaLines(
  series: Series,
  shards: Shard[],
  metric: 'lagSeconds' | 'lagBytes',
): ChartLine[] {
  return shards.flatMap((shard) =>
    shard.nodes
      .filter((node) => node.role === 'replica')
      .map((node) => ({
        id: `node-${node.nodeId}`,
        label: node.address,
        ordinal: shard.ordinal,
        values: rounded(ofNodes(series, [node.nodeId], metric, max)),
      })),
  )
}

function ofNodes(series: Series, ids: number[], metric: NodeMetric, combine: Combine): Values {
  const columns = series.lines
    .filter((line) => ids.includes(line.nodeId))
    .map((line) => line.metrics[metric])
    .filter((column) => column !== undefined)
  return series.at.map((_, index) => {
    const known = columns.map((column) => column[index]).filter((value) => value != null)
    return known.length === 0 ? null : combine(known)
  })
}

function shardLine(shard: Shard, values: Values): ChartLine {
  return {
    id: `shard-${shard.shardId}`,
    label: `Shard ${shard.ordinal}`,
    ordinal: shard.ordinal,
    values: rounded(values),
  }
}

function ratio(parts: Values, wholes: Values): Values {
  return parts.map((part, index) => {
    const whole = wholes[index] ?? null
    return part === null || whole === null || whole === 0 ? null : part / whole
  })
}

function plus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b
}

/** Four digits are more than a line shows, and keep the page small. */
function rounded(values: Values): Values {
  return values.map((value) => (value === null ? null : Number(value.toPrecision(4))))
}

function nodeIds(shard: Shard): number[] {
  return shard.nodes.map((node) => node.nodeId)
}

/** The sum over all nodes; empty where there is no series. */
export function totalLine(series: Series | undefined, metric: NodeMetric): Values {
  if (series === undefined) return []
  const all = series.lines.map((line) => line.nodeId)
  return rounded(ofNodes(series, all, metric, sum))
}
