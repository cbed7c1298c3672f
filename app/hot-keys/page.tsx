import type { Metadata } from 'next'
import { listCaches } from '../../store/caches.ts'
import type { Store } from '../../store/client.ts'
import { listCacheHotKeys, listHotKeyRows } from '../../store/hot-keys.ts'
import { listHotPatterns } from '../../store/hot-patterns.ts'
import { listMitigations } from '../../store/mitigations.ts'
import { listNodes } from '../../store/nodes.ts'
import { StoreDown } from '../_components/store-down.tsx'
import { load } from '../_lib/load.ts'
import { runningByKey } from '../_lib/mitigation-news.ts'
import { type PageRange, readPageRange, type SearchParams } from '../_lib/page-range.ts'
import { type HotKeysData, HotKeysView } from './_components/hot-keys-view.tsx'
import { type Filters, type KnownShard, readFilters } from './_lib/filters.ts'
import { type Listed, overCaches } from './_lib/listed.ts'
import { type ListName, readList } from './_lib/lists.ts'

const MAX_ROWS = 50
/** A key among the first of a node is among these of all caches. */
const MAX_MERGED = 2_000
const MAX_RUNNING = 200

const TITLES: Record<ListName, string> = {
  keys: 'Hot keys',
  patterns: 'Hot patterns',
  missing: 'Hot missing keys',
  big: 'Hot big keys',
}
type Props = { searchParams: Promise<SearchParams> }

export async function generateMetadata({ searchParams }: Props): Promise<Metadata> {
  return { title: TITLES[readList(await searchParams).list] }
}

export default async function HotKeysPage({ searchParams }: Props) {
  const params = await searchParams
  const loaded = await load((store, now) => readHotKeys(store, params, now))
  return loaded.ok ? <HotKeysView data={loaded.value} now={loaded.now} /> : <StoreDown {...loaded} />
}

async function readHotKeys(store: Store, params: SearchParams, now: number): Promise<HotKeysData> {
  const page = readPageRange(params, now)
  const { list, problem } = readList(params)
  const [caches, nodes] = await Promise.all([listCaches(store, now), listNodes(store, {})])
  const cacheIds = caches.map(({ cacheId }) => cacheId)
  const shards = shardsOf(nodes)
  const filters = readFilters(params, { cacheIds, shards })
  const { cacheId, shardId } = filters.active
  return {
    listed: await readListed(store, { list, active: filters.active, page, now }),
    nodes: nodes.filter(
      (node) =>
        (cacheId === undefined || node.cacheId === cacheId) &&
        (shardId === undefined || node.shardId === shardId),
    ),
    limit: MAX_ROWS,
    filters,
    cacheIds,
    shards,
    page: { ...page, notice: page.notice ?? problem },
  }
}

async function readListed(
  store: Store,
  asked: { list: ListName; active: Filters['active']; page: PageRange; now: number },
): Promise<Listed> {
  const { list, active, page, now } = asked
  if (list === 'keys') {
    const { cacheId, pattern } = active
    const [rows, merged, mitigations] = await Promise.all([
      listHotKeyRows(store, { ...active, range: page.range, limit: MAX_ROWS, now }),
      // Over all its nodes, whichever of them the filter leaves.
      listCacheHotKeys(store, {
        ...(cacheId === undefined ? {} : { cacheId }),
        ...(pattern === undefined ? {} : { pattern }),
        limit: MAX_MERGED,
        now,
      }),
      listMitigations(store, { running: true, limit: MAX_RUNNING }),
    ])
    const running = runningByKey(mitigations.items)
    return { list, rows, overCaches: overCaches(merged.items), running }
  }
  if (list === 'patterns') {
    const { cacheId, shardId } = active
    const filter = {
      ...(cacheId === undefined ? {} : { cacheId }),
      ...(shardId === undefined ? {} : { shardId }),
    }
    return { list, rows: (await listHotPatterns(store, { ...filter, limit: MAX_ROWS, now })).items }
  }
  const order = list === 'missing' ? { missing: true } : { by: 'bytes' as const }
  const { items } = await listCacheHotKeys(store, { ...active, ...order, limit: MAX_ROWS, now })
  return { list, rows: list === 'missing' ? items : items.filter((row) => row.bytesPerSec !== null) }
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
