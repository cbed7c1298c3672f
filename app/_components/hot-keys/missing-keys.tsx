import Link from 'next/link'
import type { CacheHotKey } from '../../../core/model.ts'
import { formatRate, formatShare } from '../../_lib/format.ts'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { hotKeysHref, keyHref } from '../../_lib/urls.ts'
import { Age } from '../clock.tsx'
import { type Column, DataTable } from '../data-table.tsx'
import { EmptyState } from '../empty-state.tsx'
import { KeyName } from '../key-name.tsx'
import { Panel } from '../panel.tsx'

/** Keys that are asked for and do not exist: every read of one goes on to the origin. */
export function MissingKeys({
  cacheId,
  rows,
  range,
}: {
  cacheId: string
  rows: CacheHotKey[]
  range: RangeQuery
}) {
  const columns: Column<CacheHotKey>[] = [
    {
      key: 'key',
      header: 'Key',
      grow: true,
      cell: (row) => <KeyName text={row.key} href={keyHref(row.cacheId, row.db, row.keyBase64, range)} />,
    },
    { key: 'rate', header: 'Rate', align: 'right', cell: (row) => formatRate(row.opsPerSec) },
    {
      key: 'share',
      header: 'Of the cache',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => formatShare(row.share),
    },
    {
      key: 'asked',
      header: 'Checked',
      align: 'right',
      cell: (row) => (row.probedAt === null ? 'not yet' : <Age at={row.probedAt} />),
    },
  ]
  return (
    <Panel
      title="Hot missing keys"
      flush
      hint="They did not exist when the node was asked, so each read goes on to the origin."
      aside={
        <Link prefetch={false} href={hotKeysHref({ cache: cacheId, list: 'missing' }, range)}>
          All missing keys
        </Link>
      }
    >
      <DataTable
        caption="Hot keys that do not exist"
        columns={columns}
        rows={rows}
        rowKey={(row) => `${row.cacheId} ${row.db} ${row.keyBase64}`}
        empty={
          <EmptyState compact title="No hot key is known to be missing">
            A key is listed when it is hot and the node says that it is not there.
          </EmptyState>
        }
      />
    </Panel>
  )
}
