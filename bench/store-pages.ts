/** Latency of each page's queries over 30 days of 100 nodes; minutes are written, hours and the last minutes rolled up. */
import { DEFAULT_RANGE, parseRange, type RangeName } from '../core/range.ts'
import { getCache, listCaches } from '../store/caches.ts'
import type { Store } from '../store/client.ts'
import { listCommands } from '../store/commands.ts'
import { listEvents } from '../store/events.ts'
import { getHotKey, listHotKeyRows } from '../store/hot-keys.ts'
import { listKeyspaces } from '../store/keyspaces.ts'
import { getNode, getNodeInfo } from '../store/nodes.ts'
import { getSeries } from '../store/samples.ts'
import { listShards } from '../store/shards.ts'
import { listSlowlog } from '../store/slowlog.ts'
import { type BenchResult, describeMachine, percentile, round } from './result.ts'
import { generateHistory, HISTORY } from './support/history.ts'
import { withBenchStore } from './support/postgres.ts'

const ROUNDS = 15
const PAGE_ROWS = 50
const CACHE_METRICS = [
  'opsPerSec',
  'hitsPerSec',
  'missesPerSec',
  'usedMemoryBytes',
  'evictedPerSec',
  'lagBytes',
] as const
const NODE_METRICS_SHOWN = ['opsPerSec', 'cpuShare', 'pingMs', 'usedMemoryBytes', 'connectedClients'] as const

type Query = { page: string; name: string; run: () => Promise<unknown> }

export function run(): Promise<BenchResult> {
  return withBenchStore(async (store) => {
    const now = Date.now()
    const generated = await generateHistory(store, now)
    const rows: BenchResult['rows'] = []
    for (const range of [DEFAULT_RANGE, '24h', '7d'] as RangeName[]) {
      for (const query of queriesOf(store, range, now)) rows.push(await measure(query, range))
    }
    const month = parseRange({ from: String(now - HISTORY.days * 86_400_000), to: String(now) }, now)
    for (const query of rangeQueries(store, month, now)) rows.push(await measure(query, `${HISTORY.days}d`))
    return {
      name: `store-pages: ${HISTORY.days} days of ${HISTORY.nodes} nodes`,
      machine: describeMachine(),
      rows,
      notes: [
        `${ROUNDS} rounds each, after one to warm up; one cache of ${HISTORY.shards} shards, the worst case for its page.`,
        ...generated,
      ],
    }
  })
}

function queriesOf(store: Store, name: RangeName, now: number): Query[] {
  const range = parseRange({ range: name }, now)
  const first: Query[] =
    name === DEFAULT_RANGE
      ? [
          { page: 'fleet', name: 'listCaches', run: () => listCaches(store, now) },
          { page: 'cache', name: 'getCache', run: () => getCache(store, 'shop', now) },
          { page: 'cache', name: 'listShards', run: () => listShards(store, 'shop', now) },
          { page: 'node', name: 'getNode', run: () => getNode(store, 1) },
          { page: 'node', name: 'getNodeInfo', run: () => getNodeInfo(store, 1) },
          { page: 'node', name: 'listKeyspaces', run: () => listKeyspaces(store, 1) },
        ]
      : []
  return [...first, ...rangeQueries(store, range, now)]
}

function rangeQueries(store: Store, range: ReturnType<typeof parseRange>, now: number): Query[] {
  const key = new TextEncoder().encode('article:42')
  return [
    {
      page: 'cache',
      name: 'getSeries (all nodes, 6 metrics)',
      run: () => getSeries(store, { cacheId: 'shop', metrics: [...CACHE_METRICS], range }),
    },
    {
      page: 'node',
      name: 'getSeries (one node, 5 metrics)',
      run: () => getSeries(store, { cacheId: 'shop', nodeIds: [1], metrics: [...NODE_METRICS_SHOWN], range }),
    },
    {
      page: 'hot keys',
      name: 'listHotKeyRows',
      run: () => listHotKeyRows(store, { range, limit: PAGE_ROWS, now }),
    },
    {
      page: 'key',
      name: 'getHotKey',
      run: () => getHotKey(store, { cacheId: 'shop', db: 0, key, range, now }),
    },
    { page: 'node', name: 'listCommands', run: () => listCommands(store, 1, range) },
    {
      page: 'node',
      name: 'listSlowlog',
      run: () => listSlowlog(store, { nodeId: 1, range, limit: PAGE_ROWS }),
    },
    {
      page: 'cache',
      name: 'listEvents',
      run: () => listEvents(store, { cacheId: 'shop', range, limit: PAGE_ROWS }),
    },
  ]
}

async function measure({ page, name, run: query }: Query, range: string) {
  const times: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const before = performance.now()
    await query()
    if (round > 0) times.push(performance.now() - before)
  }
  return {
    page,
    query: name,
    range,
    'p50 ms': round(percentile(times, 0.5)),
    'p95 ms': round(percentile(times, 0.95)),
  }
}
