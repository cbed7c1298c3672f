/** The figures of a mitigation over time, on the axis of its cache's charts. Pure. */
import type { Series, Shard } from '../../../../core/model.ts'
import { shardLines } from '../../../_lib/shard-series.ts'

type Values = (number | null)[]

/** At each point of the axis the mean of what was reported since the point before; what is older than `holdMs` is a gap. */
export function onAxis(
  axis: number[],
  points: { at: number; value: number | null }[],
  holdMs: number,
): Values {
  const step = (axis[1] ?? 0) - (axis[0] ?? 0)
  const known = points.filter((point): point is { at: number; value: number } => point.value !== null)
  let next = 0
  let last: { at: number; value: number } | null = null
  return axis.map((at) => {
    const within: number[] = []
    for (let point = known[next]; point !== undefined && point.at < at + step; point = known[next]) {
      if (point.at >= at) within.push(point.value)
      last = point
      next += 1
    }
    if (within.length > 0) return within.reduce((sum, value) => sum + value, 0) / within.length
    return last !== null && at - last.at <= holdMs ? last.value : null
  })
}

/** Load of the busiest shard ÷ mean load, at each point; null where a shard is not known, or there is one only. */
export function hottestOverMean(series: Series, shards: Shard[]): Values {
  const lines = shardLines(series, shards, 'opsPerSec', 'sum')
  return series.at.map((_, index) => {
    const loads = lines.map((line) => line.values[index] ?? null)
    const known = loads.filter((load) => load !== null)
    if (known.length < 2 || known.length < loads.length) return null
    const sum = known.reduce((total, load) => total + load, 0)
    return sum === 0 ? null : (Math.max(...known) * known.length) / sum
  })
}
