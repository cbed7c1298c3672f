/**
 * The figures of a node sample, once: the table's columns, the roll-up, the API's fields and the charts
 * all come from this list.
 *
 * `rollup` says how a minute is made of its samples, `peak: true` keeps the maximum beside the average.
 */
export type MetricUnit =
  | 'per-second'
  | 'bytes'
  | 'bytes-per-second'
  | 'ms'
  | 's'
  | 'share'
  | 'ratio'
  | 'count'
  | 'us-per-second'
export type Metric = {
  readonly unit: MetricUnit
  readonly rollup: 'avg' | 'max'
  readonly peak?: true
  readonly label: string
}

export const NODE_METRICS = {
  opsPerSec: { unit: 'per-second', rollup: 'avg', peak: true, label: 'Commands' },
  hitsPerSec: { unit: 'per-second', rollup: 'avg', label: 'Hits' },
  missesPerSec: { unit: 'per-second', rollup: 'avg', label: 'Misses' },
  expiredPerSec: { unit: 'per-second', rollup: 'avg', label: 'Expired keys' },
  evictedPerSec: { unit: 'per-second', rollup: 'avg', peak: true, label: 'Evicted keys' },
  netInBytesPerSec: { unit: 'bytes-per-second', rollup: 'avg', label: 'Network in' },
  netOutBytesPerSec: { unit: 'bytes-per-second', rollup: 'avg', label: 'Network out' },
  connectionsPerSec: { unit: 'per-second', rollup: 'avg', label: 'New connections' },
  rejectedPerSec: { unit: 'per-second', rollup: 'avg', label: 'Rejected connections' },
  errorsPerSec: { unit: 'per-second', rollup: 'avg', label: 'Error replies' },
  commandUsPerSec: { unit: 'us-per-second', rollup: 'avg', label: 'Time in commands' },
  cpuShare: { unit: 'share', rollup: 'avg', peak: true, label: 'CPU of the main thread' },
  usedMemoryBytes: { unit: 'bytes', rollup: 'avg', label: 'Memory used' },
  maxMemoryBytes: { unit: 'bytes', rollup: 'max', label: 'Memory limit' },
  rssBytes: { unit: 'bytes', rollup: 'avg', label: 'Memory resident' },
  connectedClients: { unit: 'count', rollup: 'avg', peak: true, label: 'Clients' },
  blockedClients: { unit: 'count', rollup: 'avg', label: 'Blocked clients' },
  pingMs: { unit: 'ms', rollup: 'avg', peak: true, label: 'PING round trip' },
  lagBytes: { unit: 'bytes', rollup: 'avg', peak: true, label: 'Replication lag' },
  lagSeconds: { unit: 's', rollup: 'avg', peak: true, label: 'Replication lag' },
  keys: { unit: 'count', rollup: 'avg', label: 'Keys' },
  expires: { unit: 'count', rollup: 'avg', label: 'Keys with a TTL' },
  ownCommandsPerSec: { unit: 'per-second', rollup: 'avg', label: 'Commands sent by Cachescope' },
  ownBytesPerSec: { unit: 'bytes-per-second', rollup: 'avg', label: 'Bytes moved by Cachescope' },
  ownCpuShare: { unit: 'share', rollup: 'avg', peak: true, label: 'Node time spent on Cachescope' },
} as const satisfies Record<string, Metric>

export type NodeMetric = keyof typeof NODE_METRICS
/** Every figure of one reading; `null` is unknown (not supported, not yet known, or the node is not up). */
export type NodeMetrics = { [M in NodeMetric]: number | null }

export const nodeMetricNames = Object.keys(NODE_METRICS) as NodeMetric[]
