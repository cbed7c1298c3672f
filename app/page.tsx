import type { Series } from '../core/model.ts'
import { listCaches } from '../store/caches.ts'
import { getSeries } from '../store/samples.ts'
import { AnswerAction, AnswerText } from './_components/answer-text.tsx'
import classes from './_components/fleet/cache-card.module.css'
import { CacheCard } from './_components/fleet/cache-card.tsx'
import { NoCaches } from './_components/fleet/no-caches.tsx'
import { PageHead } from './_components/page-head.tsx'
import { StoreDown } from './_components/store-down.tsx'
import { bySeverity, fleetAnswer } from './_lib/answers.ts'
import { load } from './_lib/load.ts'
import { readPageRange, type SearchParams } from './_lib/page-range.ts'
import { totalLine } from './_lib/shard-series.ts'

export const metadata = { title: 'Fleet' }

export default async function FleetPage({ searchParams }: { searchParams: Promise<SearchParams> }) {
  const page = readPageRange(await searchParams, Date.now())
  const loaded = await load(async (store, now) => {
    const caches = await listCaches(store, now)
    const series = await Promise.all(
      caches.map(({ cacheId }) => getSeries(store, { cacheId, metrics: ['opsPerSec'], range: page.range })),
    )
    return { caches, loads: new Map(caches.map(({ cacheId }, index) => [cacheId, series[index] as Series])) }
  })
  if (!loaded.ok) return <StoreDown code={loaded.code} message={loaded.message} />
  const { caches, loads } = loaded.value
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
    </>
  )
}
