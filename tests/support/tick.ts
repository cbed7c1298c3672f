/** Ticks for tests: empty ones, and samples with the figures that a test names. */
import { type NodeMetrics, nodeMetricNames } from '../../core/metrics.ts'
import type { CollectorStatus, HotKeySample, NodeSample, NodeStatus, Tick } from '../../core/sample.ts'
import type { Store } from '../../store/client.ts'
import { saveCaches, saveTopology } from '../../store/topology.ts'

export const NODE = { cacheId: 'shop', address: '10.0.0.1:7000' }
export const REPLICA = { cacheId: 'shop', address: '10.0.0.1:7001' }

/** The cache `shop` with one shard: NODE, and REPLICA. */
export async function saveShop(store: Store, at: number): Promise<void> {
  await saveCaches(store, [
    { cacheId: 'shop', kind: 'cluster', seeds: [NODE.address], intervalMs: 2_000, mitigationsEnabled: true },
  ])
  await saveTopology(store, {
    cacheId: 'shop',
    at,
    shards: [
      {
        ordinal: 1,
        slots: [[0, 16_383]],
        nodes: [
          { address: NODE.address, role: 'primary', clusterNodeId: 'a' },
          { address: REPLICA.address, role: 'replica', clusterNodeId: 'b' },
        ],
      },
    ],
  })
}

export function emptyTick(at: number, rows: Partial<Tick> = {}): Tick {
  return {
    at,
    statuses: [],
    samples: [],
    commands: [],
    keyspaces: [],
    hotKeys: [],
    hotPatterns: [],
    slowlog: [],
    events: [],
    infos: [],
    ...rows,
  }
}

export function sample(at: number, metrics: Partial<NodeMetrics> = {}, node = NODE): NodeSample {
  const unknown = Object.fromEntries(nodeMetricNames.map((name) => [name, null])) as NodeMetrics
  return { ...node, at, metrics: { ...unknown, ...metrics } }
}

export function status(at: number, over: Partial<NodeStatus> = {}): NodeStatus {
  return {
    ...NODE,
    at,
    state: 'up',
    message: null,
    role: 'primary',
    version: '7.0.15',
    engine: 'redis',
    uptimeSeconds: 10,
    maxMemoryPolicy: 'noeviction',
    maxClients: 10_000,
    hotKeysRefusal: null,
    watching: null,
    ...over,
  }
}

export function hotKey(
  at: number,
  key: Uint8Array | string,
  share: number,
  over: Partial<HotKeySample> = {},
): HotKeySample {
  return {
    ...NODE,
    at,
    windowFrom: at - 10_000,
    sampledCommands: 20_000,
    db: 0,
    key: typeof key === 'string' ? new TextEncoder().encode(key) : key,
    share,
    shareLow: share * 0.9,
    shareHigh: share * 1.1,
    opsPerSec: share * 1_000,
    opsPerSecLow: share * 900,
    opsPerSecHigh: share * 1_100,
    readsPerSec: share * 800,
    writesPerSec: share * 200,
    topCommand: 'GET',
    commands: ['GET'],
    cpuShare: null,
    lfuCounter: null,
    sizeBytes: null,
    isMissing: null,
    probedAt: null,
    source: 'monitor',
    rank: 1,
    ...over,
  }
}

export function collector(at: number, collectorId = 'collector-1'): CollectorStatus {
  return {
    collectorId,
    host: 'localhost',
    pid: 1,
    version: '0.1.0',
    startedAt: 0,
    at,
    nodes: 1,
    bufferedTicks: 0,
    droppedTicks: 0,
  }
}
