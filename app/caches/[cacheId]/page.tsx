import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { getCache } from '../../../store/caches.ts'
import { listEvents } from '../../../store/events.ts'
import { listMissingKeys } from '../../../store/hot-key-lists.ts'
import { listHotKeyRows } from '../../../store/hot-keys.ts'
import { listHotPatterns } from '../../../store/hot-patterns.ts'
import { getSeries } from '../../../store/samples.ts'
import { listShards } from '../../../store/shards.ts'
import { CacheView } from '../../_components/cache/cache-view.tsx'
import { StoreDown } from '../../_components/store-down.tsx'
import { load } from '../../_lib/load.ts'
import { readPageRange, type SearchParams } from '../../_lib/page-range.ts'
import { SHARD_METRICS } from '../../_lib/shard-series.ts'

type Props = { params: Promise<{ cacheId: string }>; searchParams: Promise<SearchParams> }

const TOP_KEYS = 5
const MISSING_KEYS = 5
const PATTERNS = 6
const EVENTS = 50

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).cacheId }
}

export default async function CachePage({ params, searchParams }: Props) {
  const { cacheId } = await params
  const page = readPageRange(await searchParams, Date.now())
  const loaded = await load(async (store, now) => {
    const [cache, shards, series, hotKeys, missing, patterns, events] = await Promise.all([
      getCache(store, cacheId, now),
      listShards(store, cacheId, now),
      getSeries(store, { cacheId, metrics: [...SHARD_METRICS], range: page.range }),
      listHotKeyRows(store, { cacheId, range: page.range, limit: TOP_KEYS, now }),
      listMissingKeys(store, { cacheId, limit: MISSING_KEYS, now }),
      listHotPatterns(store, { cacheId, limit: PATTERNS, now }),
      listEvents(store, { cacheId, range: page.range, limit: EVENTS }),
    ])
    if (cache === null) return null
    return { cache, shards, series, hotKeys, missing, patterns: patterns.items, events: events.items }
  })
  if (!loaded.ok) return <StoreDown code={loaded.code} message={loaded.message} />
  if (loaded.value === null) notFound()
  return <CacheView facts={loaded.value} page={page} />
}
