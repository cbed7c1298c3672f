/** The columns of the node sample tables, from the list of metrics. */
import { NODE_METRICS, type NodeMetric, nodeMetricNames } from '../core/metrics.ts'
import type { Resolution } from '../core/range.ts'

/** `opsPerSec` → `ops_per_sec` */
export function columnOf(metric: NodeMetric): string {
  return metric.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function hasPeak(metric: NodeMetric): boolean {
  return 'peak' in NODE_METRICS[metric]
}

/** Raw samples keep bytes and counts whole. In a roll-up the average of a count has decimals, that of bytes needs none. */
export function columnType(metric: NodeMetric, resolution: Resolution): 'bigint' | 'real' {
  const { unit } = NODE_METRICS[metric]
  return unit === 'bytes' || (unit === 'count' && resolution === 'raw') ? 'bigint' : 'real'
}

/** `s.ops_per_sec AS "opsPerSec", …` of all metrics, as numbers that JavaScript has. */
export function selectMetrics(alias: string, resolution: Resolution): string {
  return nodeMetricNames
    .map((metric) => {
      const cast = columnType(metric, resolution) === 'bigint' ? '::double precision' : ''
      return `${alias}.${columnOf(metric)}${cast} AS "${metric}"`
    })
    .join(', ')
}

export function tableOf(table: string, resolution: Resolution): string {
  return resolution === 'raw' ? table : `${table}_${resolution}`
}
