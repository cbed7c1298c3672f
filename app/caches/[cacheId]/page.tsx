import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { getCache } from '../../../store/caches.ts'
import { listEvents } from '../../../store/events.ts'
import { listHotKeyRows } from '../../../store/hot-keys.ts'
import { getSeries } from '../../../store/samples.ts'
import { listShards } from '../../../store/shards.ts'
import { CacheView } from '../../_components/cache/cache-view.tsx'
import { StoreDown } from '../../_components/store-down.tsx'
import { load } from '../../_lib/load.ts'
import { readPageRange, type SearchParams } from '../../_lib/page-range.ts'
import { SHARD_METRICS } from '../../_lib/shard-series.ts'

type Props = { params: Promise<{ cacheId: string }>; searchParams: Promise<SearchParams> }

const TOP_KEYS = 5
const EVENTS = 50

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).cacheId }
}

export default async function CachePage({ params, searchParams }: Props) {
  const { cacheId } = await params
  const page = readPageRange(await searchParams, Date.now())
  const loaded = await load(async (store, now) => {
    const [cache, shards, series, hotKeys, events] = await Promise.all([
      getCache(store, cacheId, now),
      listShards(store, cacheId, now),
      getSeries(store, { cacheId, metrics: [...SHARD_METRICS], range: page.range }),
      listHotKeyRows(store, { cacheId, range: page.range, limit: TOP_KEYS, now }),
      listEvents(store, { cacheId, range: page.range, limit: EVENTS }),
    ])
    return cache === null ? null : { cache, shards, series, hotKeys, events: events.items }
  })
  if (!loaded.ok) return <StoreDown code={loaded.code} message={loaded.message} />
  if (loaded.value === null) notFound()
  return <CacheView facts={loaded.value} page={page} />
}
