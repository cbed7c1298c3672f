import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { cacheId as cacheIdSchema, nodeId as nodeIdSchema } from '../../../../../core/api/parameters.ts'
import { getCache } from '../../../../../store/caches.ts'
import type { Store } from '../../../../../store/client.ts'
import { listCommands } from '../../../../../store/commands.ts'
import { listEvents } from '../../../../../store/events.ts'
import { listHotKeys } from '../../../../../store/hot-keys.ts'
import { listKeyspaces } from '../../../../../store/keyspaces.ts'
import { getNode, getNodeInfo } from '../../../../../store/nodes.ts'
import { getSeries } from '../../../../../store/samples.ts'
import { listSlowlog } from '../../../../../store/slowlog.ts'
import { StoreDown } from '../../../../_components/store-down.tsx'
import { load } from '../../../../_lib/load.ts'
import { readPageRange, type SearchParams } from '../../../../_lib/page-range.ts'
import { CHART_METRICS } from './_components/node-charts.tsx'
import { type NodeData, NodeView } from './_components/node-view.tsx'

const MAX_SLOWLOG = 20
const MAX_EVENTS = 100
const MAX_HOT_KEYS = 10

type Props = { params: Promise<{ cacheId: string; nodeId: string }>; searchParams: Promise<SearchParams> }

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { cacheId, nodeId } = await params
  return { title: `Node ${nodeId} of ${cacheId}` }
}

export default async function NodePage({ params, searchParams }: Props) {
  const [path, search] = await Promise.all([params, searchParams])
  const cacheId = cacheIdSchema.safeParse(path.cacheId)
  const nodeId = nodeIdSchema.safeParse(/^\d{1,10}$/.test(path.nodeId) ? Number(path.nodeId) : null)
  if (!cacheId.success || !nodeId.success) notFound()
  const loaded = await load((store, now) => readNode(store, cacheId.data, nodeId.data, search, now))
  if (!loaded.ok) return <StoreDown {...loaded} />
  if (loaded.value === null) notFound()
  return <NodeView data={loaded.value} />
}

async function readNode(
  store: Store,
  cacheId: string,
  nodeId: number,
  search: SearchParams,
  now: number,
): Promise<NodeData | null> {
  const page = readPageRange(search, now)
  const { range } = page
  const [node, cache, series, hotKeys, commands, keyspaces, slowlog, events, info] = await Promise.all([
    getNode(store, nodeId),
    getCache(store, cacheId, now),
    getSeries(store, { cacheId, nodeIds: [nodeId], metrics: CHART_METRICS, range }),
    listHotKeys(store, { cacheId, nodeId, limit: MAX_HOT_KEYS, now }),
    listCommands(store, nodeId, range),
    listKeyspaces(store, nodeId),
    listSlowlog(store, { nodeId, range, limit: MAX_SLOWLOG }),
    listEvents(store, { cacheId, nodeId, range, limit: MAX_EVENTS }),
    getNodeInfo(store, nodeId),
  ])
  if (node === null || cache === null || node.cacheId !== cacheId) return null
  return {
    node,
    series,
    hotKeys: hotKeys.items,
    commands,
    keyspaces,
    slowlog,
    events: events.items,
    info,
    intervalMs: cache.intervalMs,
    page,
  }
}
