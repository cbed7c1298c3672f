import Link from 'next/link'
import type { HotPattern } from '../../../core/model.ts'
import { formatCount, formatRate } from '../../_lib/format.ts'
import { isGlobOfItself } from '../../_lib/hot-key-text.ts'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { hotKeysHref } from '../../_lib/urls.ts'
import { IntervalBar } from '../charts/interval-bar.tsx'
import { Age } from '../clock.tsx'
import { type Column, DataTable } from '../data-table.tsx'
import { EmptyState } from '../empty-state.tsx'
import { KeyName } from '../key-name.tsx'
import { Panel } from '../panel.tsx'

/** Keys by their shape: a load that no single key shows. */
export function HotPatterns({
  cacheId,
  rows,
  range,
}: {
  cacheId: string
  rows: HotPattern[]
  range: RangeQuery
}) {
  const columns: Column<HotPattern>[] = [
    {
      key: 'pattern',
      header: 'Pattern',
      grow: true,
      cell: (row) =>
        row.pattern === null ? (
          'all other keys'
        ) : (
          <KeyName
            text={row.pattern}
            href={
              isGlobOfItself(row.pattern)
                ? hotKeysHref({ cache: row.cacheId, pattern: row.pattern }, range)
                : undefined
            }
          />
        ),
    },
    {
      key: 'share',
      header: 'Share of the cache',
      width: 200,
      cell: (row) => <IntervalBar share={row.share} low={row.shareLow} high={row.shareHigh} ordinal={null} />,
    },
    { key: 'rate', header: 'Rate', align: 'right', cell: (row) => formatRate(row.opsPerSec) },
    {
      key: 'keys',
      header: 'Keys seen',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => formatCount(row.keysSeen),
    },
    { key: 'age', header: 'Age', align: 'right', cell: (row) => <Age at={row.window.to} suffix="" /> },
  ]
  return (
    <Panel
      title="Which kinds of keys?"
      flush
      hint="Keys of one shape together, as the sampled commands named them."
      aside={
        <Link prefetch={false} href={hotKeysHref({ cache: cacheId, list: 'patterns' }, range)}>
          All patterns
        </Link>
      }
    >
      <DataTable
        caption="Hot patterns, the most commands first"
        columns={columns}
        rows={rows}
        rowKey={(row) => JSON.stringify([row.cacheId, row.pattern])}
        empty={
          <EmptyState compact title="No pattern is known now">
            Patterns are learned from sampled commands; a source that names only single keys tells none.
          </EmptyState>
        }
      />
    </Panel>
  )
}
