/** The columns of the node sample tables, from the list of metrics. */
import { NODE_METRICS, type NodeMetric, nodeMetricNames } from '../core/metrics.ts'

/** `opsPerSec` → `ops_per_sec` */
export function columnOf(metric: NodeMetric): string {
  return metric.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function hasPeak(metric: NodeMetric): boolean {
  return 'peak' in NODE_METRICS[metric]
}

/** Whole numbers in raw samples: bytes and counts. */
export function rawType(metric: NodeMetric): 'bigint' | 'real' {
  const { unit } = NODE_METRICS[metric]
  return unit === 'bytes' || unit === 'count' ? 'bigint' : 'real'
}

/** The average of a count has decimals; that of bytes needs none. */
export function rollupType(metric: NodeMetric): 'bigint' | 'real' {
  return NODE_METRICS[metric].unit === 'bytes' ? 'bigint' : 'real'
}

/** `s.ops_per_sec AS "opsPerSec", …` of all metrics. */
export function selectMetrics(alias: string): string {
  return nodeMetricNames.map((metric) => `${alias}.${columnOf(metric)} AS "${metric}"`).join(', ')
}
