import type { Metadata } from 'next'
import Link from 'next/link'
import { notFound } from 'next/navigation'
import { getCache } from '../../../store/caches.ts'
import { listEvents } from '../../../store/events.ts'
import { listHotKeyRows } from '../../../store/hot-keys.ts'
import { getSeries } from '../../../store/samples.ts'
import { listShards } from '../../../store/shards.ts'
import { AnswerAction, AnswerText } from '../../_components/answer-text.tsx'
import { CacheCharts } from '../../_components/cache/cache-charts.tsx'
import { CacheStats } from '../../_components/cache/cache-stats.tsx'
import { TopKeys } from '../../_components/cache/top-keys.tsx'
import { TopologyTable } from '../../_components/cache/topology-table.tsx'
import { ShardLoad } from '../../_components/charts/shard-load.tsx'
import { Age } from '../../_components/clock.tsx'
import { Columns } from '../../_components/columns.tsx'
import { EventList } from '../../_components/event-list.tsx'
import { HealthBadge } from '../../_components/health-badge.tsx'
import { PageHead } from '../../_components/page-head.tsx'
import { Panel } from '../../_components/panel.tsx'
import { StoreDown } from '../../_components/store-down.tsx'
import { cacheAnswer } from '../../_lib/answers.ts'
import { load } from '../../_lib/load.ts'
import { readPageRange, type SearchParams } from '../../_lib/page-range.ts'
import { SHARD_METRICS } from '../../_lib/shard-series.ts'
import { fleetHref } from '../../_lib/urls.ts'

type Props = { params: Promise<{ cacheId: string }>; searchParams: Promise<SearchParams> }

const TOP_KEYS = 5
const EVENTS = 50

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: decodeURIComponent((await params).cacheId) }
}

export default async function CachePage({ params, searchParams }: Props) {
  const cacheId = decodeURIComponent((await params).cacheId)
  const page = readPageRange(await searchParams, Date.now())
  const loaded = await load(async (store, now) => {
    const [cache, shards, series, hotKeys, events] = await Promise.all([
      getCache(store, cacheId, now),
      listShards(store, cacheId, now),
      getSeries(store, { cacheId, metrics: [...SHARD_METRICS], range: page.range }),
      listHotKeyRows(store, { cacheId, range: page.range, limit: TOP_KEYS, now }),
      listEvents(store, { cacheId, range: page.range, limit: EVENTS }),
    ])
    return { cache, shards, series, hotKeys, events: events.items }
  })
  if (!loaded.ok) return <StoreDown code={loaded.code} message={loaded.message} />
  const { cache, shards, series, hotKeys, events } = loaded.value
  if (cache === null) notFound()
  const answer = cacheAnswer(cache, shards)
  const staleAfterMs = 2 * cache.intervalMs
  return (
    <>
      <PageHead
        title={cacheId}
        crumbs={<Link href={fleetHref(page.query)}>Fleet</Link>}
        badge={
          <HealthBadge health={cache.health} detail={`${cache.nodesUp} of ${cache.nodeCount} nodes up`} />
        }
        answer={<AnswerText answer={answer} />}
        action={<AnswerAction answer={answer} range={page.query} />}
        tone={answer.tone}
        notice={page.notice}
      />
      <CacheStats cache={cache} />
      <Columns>
        <Panel
          title="How is the load spread over the shards?"
          hint={
            cache.sampledAt !== null && (
              <>
                Commands per second of each shard, now{' '}
                <Age at={cache.sampledAt} staleAfterMs={staleAfterMs} />
              </>
            )
          }
        >
          <ShardLoad cacheId={cacheId} shards={shards} range={page.query} />
        </Panel>
        <TopKeys cacheId={cacheId} rows={hotKeys} range={page.query} />
      </Columns>
      <CacheCharts series={series} shards={shards} range={page.range} events={events} />
      <Panel title="Which nodes make up the cache?" flush>
        <TopologyTable shards={shards} staleAfterMs={staleAfterMs} range={page.query} />
      </Panel>
      <Panel title="What happened?" flush>
        <EventList events={events} range={page.query} />
      </Panel>
    </>
  )
}
