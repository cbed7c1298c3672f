import type { Metadata } from 'next'
import { listCaches } from '../../store/caches.ts'
import type { Store } from '../../store/client.ts'
import { listHotKeyRows } from '../../store/hot-keys.ts'
import { listNodes } from '../../store/nodes.ts'
import { StoreDown } from '../_components/store-down.tsx'
import { load } from '../_lib/load.ts'
import { readPageRange, type SearchParams } from '../_lib/page-range.ts'
import { type HotKeysData, HotKeysView } from './_components/hot-keys-view.tsx'
import { type KnownShard, readFilters } from './_lib/filters.ts'

const MAX_ROWS = 50

export const metadata: Metadata = { title: 'Hot keys' }

export default async function HotKeysPage({ searchParams }: { searchParams: Promise<SearchParams> }) {
  const params = await searchParams
  const loaded = await load((store, now) => readHotKeys(store, params, now))
  return loaded.ok ? <HotKeysView data={loaded.value} now={loaded.now} /> : <StoreDown {...loaded} />
}

async function readHotKeys(store: Store, params: SearchParams, now: number): Promise<HotKeysData> {
  const page = readPageRange(params, now)
  const [caches, nodes] = await Promise.all([listCaches(store, now), listNodes(store, {})])
  const cacheIds = caches.map(({ cacheId }) => cacheId)
  const shards = shardsOf(nodes)
  const filters = readFilters(params, { cacheIds, shards })
  const { cacheId, shardId } = filters.active
  return {
    rows: await listHotKeyRows(store, { ...filters.active, range: page.range, limit: MAX_ROWS, now }),
    nodes: nodes.filter(
      (node) =>
        (cacheId === undefined || node.cacheId === cacheId) &&
        (shardId === undefined || node.shardId === shardId),
    ),
    limit: MAX_ROWS,
    filters,
    cacheIds,
    shards,
    page,
  }
}

function shardsOf(
  nodes: { cacheId: string; shardId: number | null; shardOrdinal: number | null }[],
): KnownShard[] {
  const shards = new Map<number, KnownShard>()
  for (const { cacheId, shardId, shardOrdinal } of nodes) {
    if (shardId !== null && shardOrdinal !== null)
      shards.set(shardId, { cacheId, shardId, ordinal: shardOrdinal })
  }
  return [...shards.values()].toSorted((a, b) => a.cacheId.localeCompare(b.cacheId) || a.ordinal - b.ordinal)
}
