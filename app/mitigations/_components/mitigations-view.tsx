import Link from 'next/link'
import type { Mitigation } from '../../../core/mitigations/model.ts'
import type { Page } from '../../../store/page.ts'
import { EmptyState } from '../../_components/empty-state.tsx'
import { NoCache } from '../../_components/no-cache.tsx'
import { PageHead } from '../../_components/page-head.tsx'
import { Panel } from '../../_components/panel.tsx'
import { plural } from '../../_lib/format.ts'
import type { PageRange } from '../../_lib/page-range.ts'
import { hotKeysHref, mitigationsHref, withQuery } from '../../_lib/urls.ts'
import { mitigationsAnswer } from '../_lib/list-answer.ts'
import { CacheFilter } from './cache-filter.tsx'
import { MitigationTable } from './mitigation-table.tsx'

/** What runs now with its phases, then what is over. */
export function MitigationsView({
  caches,
  cacheId,
  running,
  past,
  older,
  page,
  notice,
}: {
  caches: string[]
  /** Of the filter. */
  cacheId: string | null
  running: Mitigation[]
  past: Page<Mitigation>
  /** Whether `past` is not its first page. */
  older: boolean
  page: PageRange
  notice: string | null
}) {
  const answer = mitigationsAnswer(running, older ? null : past.items, cacheId)
  if (caches.length === 0 && running.length === 0) {
    return (
      <NoCache
        title="Mitigations"
        consequence="nothing can be mitigated"
        purpose="This page lists what is done about hot keys, and whether it worked"
      />
    )
  }
  return (
    <>
      <PageHead
        title="Mitigations"
        answer={answer.text}
        tone={answer.tone}
        notice={notice ?? page.notice}
        action={
          running.length === 0 ? (
            <Link href={hotKeysHref({}, page.query)} prefetch={false}>
              See the hot keys
            </Link>
          ) : undefined
        }
      />
      <CacheFilter caches={caches} cacheId={cacheId} range={page.query} />
      <Panel title="Running" flush hint="Each drains by itself at its time, and at once when it does harm.">
        <MitigationTable
          caption="Running mitigations, the newest first"
          rows={running}
          range={page.query}
          empty={<NothingRuns />}
        />
      </Panel>
      <Panel title="Past" flush>
        <MitigationTable
          caption="Past mitigations, the newest first"
          rows={past.items}
          range={page.query}
          empty={
            older ? (
              <EmptyState compact title="None is older">
                <p>What ended long ago is forgotten.</p>
              </EmptyState>
            ) : (
              <EmptyState compact title="None is over yet">
                <p>A mitigation moves here once it is off, with its verdict, its figures and every step.</p>
              </EmptyState>
            )
          }
        />
      </Panel>
      {(older || past.nextCursor !== null) && (
        <p>
          {older && (
            <Link
              href={mitigationsHref(cacheId === null ? {} : { cache: cacheId }, page.query)}
              prefetch={false}
            >
              The newest
            </Link>
          )}{' '}
          {past.nextCursor !== null && (
            <Link
              href={withQuery('/mitigations', { cache: cacheId, cursor: past.nextCursor, ...page.query })}
              prefetch={false}
            >
              Older than these {plural(past.items.length, 'mitigation')}
            </Link>
          )}
        </p>
      )}
    </>
  )
}

function NothingRuns() {
  return (
    <EmptyState compact title="Nothing is being mitigated">
      <p>
        Open a hot key and press Mitigate: it shows what would be done and what it would do to every shard,
        before anything is done. Applications take part with the library <code>@cachescope/client</code>,
        while failover, slots, memory and clients need nothing of them.
      </p>
    </EmptyState>
  )
}
