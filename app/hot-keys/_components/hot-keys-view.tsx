import Link from 'next/link'
import type { Node } from '../../../core/model.ts'
import { NoCache } from '../../_components/no-cache.tsx'
import { PageHead } from '../../_components/page-head.tsx'
import type { PageRange } from '../../_lib/page-range.ts'
import { keyHref } from '../../_lib/urls.ts'
import type { Filters, KnownShard } from '../_lib/filters.ts'
import { type Listed, topKey } from '../_lib/listed.ts'
import type { ListName } from '../_lib/lists.ts'
import { isCurrent } from '../_lib/ranking.ts'
import { FilterForm } from './filter-form.tsx'
import { ListAnswer } from './list-answer.tsx'
import { ListPanel } from './list-panel.tsx'
import { ListTabs } from './list-tabs.tsx'

/** A key above this share of a shard, or a missing one of a cache, makes the load its own. */
const HARMFUL_SHARE = 0.25

export type HotKeysData = {
  listed: Listed
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
  const { listed, limit, nodes, filters, cacheIds, shards, page } = data
  const { list, rows } = listed
  const top = topKey(listed)
  const hot = top !== null && isCurrent(top, now)
  const full = rows.length === limit
  if (cacheIds.length === 0) {
    return (
      <NoCache
        title="Hot keys"
        consequence="no key can be hot"
        purpose="This page ranks the keys that take the most commands"
      />
    )
  }
  return (
    <>
      <PageHead
        title="Hot keys"
        answer={<ListAnswer listed={listed} full={full} now={now} />}
        tone={hot && list !== 'big' && (top.share ?? 0) >= HARMFUL_SHARE ? 'warn' : 'calm'}
        notice={page.notice}
        action={
          hot ? (
            <Link href={keyHref(top.cacheId, top.db, top.keyBase64, page.query)} prefetch={false}>
              See this key
            </Link>
          ) : undefined
        }
      />
      <ListTabs list={list} typed={filters.typed} range={page.query} />
      <FilterForm filters={filters} cacheIds={cacheIds} shards={shards} list={list} range={page.query} />
      <ListPanel
        listed={listed}
        full={full}
        nodes={nodes}
        filtered={isFiltered(list, filters.active)}
        now={now}
        page={page}
      />
    </>
  )
}

/** Patterns are of all keys, however they are used. */
function isFiltered(list: ListName, active: Filters['active']): boolean {
  const { cacheId, shardId, pattern, heat } = active
  const ofKeys = list !== 'patterns' && (pattern !== undefined || heat !== undefined)
  return cacheId !== undefined || shardId !== undefined || ofKeys
}
