import { listCaches } from '../store/caches.ts'
import { listEvents } from '../store/events.ts'
import { listHotKeyRows } from '../store/hot-keys.ts'
import { getSeries } from '../store/samples.ts'
import { AnswerAction, AnswerText } from './_components/answer-text.tsx'
import { TopKeys } from './_components/cache/top-keys.tsx'
import { Columns } from './_components/columns.tsx'
import { EventList } from './_components/event-list.tsx'
import classes from './_components/fleet/cache-card.module.css'
import { CacheCard } from './_components/fleet/cache-card.tsx'
import { NoCaches } from './_components/fleet/no-caches.tsx'
import { PageHead } from './_components/page-head.tsx'
import { Panel } from './_components/panel.tsx'
import { StoreDown } from './_components/store-down.tsx'
import { bySeverity, fleetAnswer } from './_lib/answers.ts'
import { load } from './_lib/load.ts'
import { readPageRange, type SearchParams } from './_lib/page-range.ts'
import { totalLine } from './_lib/shard-series.ts'

const TOP_KEYS = 5
const EVENTS = 20
/** Beyond these a fleet page would cost more queries than its lines are worth. */
const SPARKLINES = 24

export const metadata = { title: 'Fleet' }

export default async function FleetPage({ searchParams }: { searchParams: Promise<SearchParams> }) {
  const page = readPageRange(await searchParams, Date.now())
  const loaded = await load(async (store, now) => {
    const [caches, hotKeys, events] = await Promise.all([
      listCaches(store, now),
      listHotKeyRows(store, { range: page.range, limit: TOP_KEYS, now }),
      listEvents(store, { range: page.range, limit: EVENTS }),
    ])
    const series = await Promise.all(
      caches
        .slice(0, SPARKLINES)
        .map(({ cacheId }) => getSeries(store, { cacheId, metrics: ['opsPerSec'], range: page.range })),
    )
    const loads = new Map(caches.map(({ cacheId }, index) => [cacheId, series[index]]))
    return { caches, loads, hotKeys, events: events.items }
  })
  if (!loaded.ok) return <StoreDown code={loaded.code} message={loaded.message} />
  const { caches, loads, hotKeys, events } = loaded.value
  if (caches.length === 0) return <NoCaches />
  const answer = fleetAnswer(caches)
  return (
    <>
      <PageHead
        title="Fleet"
        answer={<AnswerText answer={answer} />}
        action={<AnswerAction answer={answer} range={page.query} />}
        tone={answer.tone}
        notice={page.notice}
      />
      <ul className={classes.list}>
        {caches.toSorted(bySeverity).map((cache) => (
          <CacheCard
            key={cache.cacheId}
            cache={cache}
            load={totalLine(loads.get(cache.cacheId), 'opsPerSec')}
            range={page.query}
          />
        ))}
      </ul>
      <Columns>
        <TopKeys cacheId={null} rows={hotKeys} range={page.query} />
        <Panel title="What happened?" flush>
          <EventList events={events} range={page.query} />
        </Panel>
      </Columns>
    </>
  )
}
