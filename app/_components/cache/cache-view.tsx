import Link from 'next/link'
import type { Cache, CacheHotKey, Event, HotKeyRow, HotPattern, Series, Shard } from '../../../core/model.ts'
import { cacheAnswer } from '../../_lib/answers.ts'
import { formatDuration } from '../../_lib/format.ts'
import type { PageRange } from '../../_lib/page-range.ts'
import { fleetHref } from '../../_lib/urls.ts'
import { AnswerAction, AnswerText } from '../answer-text.tsx'
import { ShardLoad } from '../charts/shard-load.tsx'
import { Age } from '../clock.tsx'
import { Columns } from '../columns.tsx'
import { EmptyState } from '../empty-state.tsx'
import { EventList } from '../event-list.tsx'
import { HealthBadge } from '../health-badge.tsx'
import { HotPatterns } from '../hot-keys/hot-patterns.tsx'
import { MissingKeys } from '../hot-keys/missing-keys.tsx'
import { MitigateButton } from '../mitigations/mitigate-button.tsx'
import { PageHead } from '../page-head.tsx'
import { Panel } from '../panel.tsx'
import { CacheCharts } from './cache-charts.tsx'
import { CacheStats } from './cache-stats.tsx'
import { TopKeys } from './top-keys.tsx'
import { TopologyTable } from './topology-table.tsx'

export type CacheFacts = {
  cache: Cache
  shards: Shard[]
  series: Series
  hotKeys: HotKeyRow[]
  missing: CacheHotKey[]
  patterns: HotPattern[]
  events: Event[]
}

/** All about one cache: what is wrong, who causes it, how it came, what it is made of. */
export function CacheView({ facts, page }: { facts: CacheFacts; page: PageRange }) {
  const { cache, shards } = facts
  const answer = cacheAnswer(cache, shards)
  return (
    <>
      <PageHead
        title={cache.cacheId}
        crumbs={
          <Link prefetch={false} href={fleetHref(page.query)}>
            Fleet
          </Link>
        }
        badge={
          <HealthBadge health={cache.health} detail={`${cache.nodesUp} of ${cache.nodeCount} nodes up`} />
        }
        answer={<AnswerText answer={answer} />}
        action={<AnswerAction answer={answer} range={page.query} />}
        tone={answer.tone}
        notice={page.notice}
      />
      {shards.length === 0 ? <NothingFound cache={cache} /> : <Facts facts={facts} page={page} />}
    </>
  )
}

function Facts({ facts, page }: { facts: CacheFacts; page: PageRange }) {
  const { cache, shards, series, hotKeys, missing, patterns, events } = facts
  const staleAfterMs = 2 * cache.intervalMs
  return (
    <>
      <CacheStats cache={cache} />
      <Columns>
        <Panel
          title="How is the load spread over the shards?"
          hint={
            <>
              Commands per second of each shard, with its replicas
              {cache.sampledAt !== null && (
                <Age at={cache.sampledAt} staleAfterMs={staleAfterMs} prefix=" · " />
              )}
            </>
          }
        >
          <ShardLoad cacheId={cache.cacheId} shards={shards} range={page.query} />
        </Panel>
        <TopKeys cacheId={cache.cacheId} rows={hotKeys} range={page.query} />
      </Columns>
      <Columns>
        <HotPatterns cacheId={cache.cacheId} rows={patterns} range={page.query} />
        <MissingKeys cacheId={cache.cacheId} rows={missing} range={page.query} />
      </Columns>
      <CacheCharts
        series={series}
        shards={shards}
        range={page.range}
        events={events}
        intervalMs={cache.intervalMs}
      />
      <Panel title="What happened?" flush>
        <EventList events={events} range={page.query} />
      </Panel>
      <Panel
        title="Which nodes make up the cache?"
        aside={
          <MitigateButton
            text={`Act on ${cache.cacheId}`}
            subject={{ cacheId: cache.cacheId, label: cache.cacheId }}
          />
        }
        flush
      >
        <TopologyTable shards={shards} staleAfterMs={staleAfterMs} range={page.query} />
      </Panel>
    </>
  )
}

function NothingFound({ cache }: { cache: Cache }) {
  return (
    <EmptyState title="No node has been found yet">
      <p>
        The load per shard, the hottest keys and the nodes will be here once the collector has asked; it does
        so every {formatDuration(cache.intervalMs / 1000)}. If this lasts longer than a minute, check the
        addresses of {cache.cacheId} in <code>cachescope.yaml</code>, and the collector’s log.
      </p>
    </EmptyState>
  )
}
