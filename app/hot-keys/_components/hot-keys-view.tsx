import Link from 'next/link'
import type { HotKeyRow, Node } from '../../../core/model.ts'
import { EmptyState } from '../../_components/empty-state.tsx'
import { PageHead } from '../../_components/page-head.tsx'
import { Panel } from '../../_components/panel.tsx'
import { formatDuration } from '../../_lib/format.ts'
import type { PageRange } from '../../_lib/page-range.ts'
import { fleetHref, keyHref } from '../../_lib/urls.ts'
import type { Filters, KnownShard } from '../_lib/filters.ts'
import { isCurrent } from '../_lib/ranking.ts'
import { FilterForm } from './filter-form.tsx'
import { HotKeyTable } from './hot-key-table.tsx'
import { HotKeysAnswer } from './hot-keys-answer.tsx'
import { NoHotKeys } from './no-hot-keys.tsx'

/** A key above this share of a shard makes the shard's load its own. */
const HARMFUL_SHARE = 0.25

export type HotKeysData = {
  rows: HotKeyRow[]
  /** At most so many rows are listed. */
  limit: number
  /** The nodes that the filter leaves. */
  nodes: Node[]
  filters: Filters
  cacheIds: string[]
  shards: KnownShard[]
  page: PageRange
}

export function HotKeysView({ data, now }: { data: HotKeysData; now: number }) {
  const { rows, limit, nodes, filters, cacheIds, shards, page } = data
  const top = rows[0]
  const hot = top !== undefined && isCurrent(top, now)
  if (cacheIds.length === 0) {
    return (
      <>
        <PageHead title="Hot keys" answer="No cache is configured, so no key can be hot" />
        <EmptyState title="This page ranks the keys that take the most commands">
          <p>
            Name your caches in <code>cachescope.yaml</code>; the <Link href={fleetHref()}>fleet page</Link>{' '}
            says how.
          </p>
        </EmptyState>
      </>
    )
  }
  return (
    <>
      <PageHead
        title="Hot keys"
        answer={<HotKeysAnswer rows={rows} full={rows.length === limit} now={now} />}
        tone={hot && (top.share ?? 0) >= HARMFUL_SHARE ? 'warn' : 'calm'}
        notice={page.notice}
        action={
          hot ? (
            <Link href={keyHref(top.cacheId, top.db, top.keyBase64, page.query)} prefetch={false}>
              See this key
            </Link>
          ) : undefined
        }
      />
      <FilterForm filters={filters} cacheIds={cacheIds} shards={shards} range={page.query} />
      <Panel
        title="Ranking"
        flush
        hint={
          rows.length === limit
            ? `The ${limit} busiest; a filter finds the others. Bars show the 95% interval; rates are per node.`
            : "Bars show the share of the node's commands with its 95% interval; rates are per node."
        }
      >
        {rows.length === 0 ? (
          <NoHotKeys nodes={nodes} filtered={Object.keys(filters.active).length > 0} />
        ) : (
          <HotKeyTable
            rows={rows}
            now={now}
            rangeLabel={formatDuration((page.range.to - page.range.from) / 1000)}
            rangeQuery={page.query}
          />
        )}
      </Panel>
    </>
  )
}
