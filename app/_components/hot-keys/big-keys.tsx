import Link from 'next/link'
import type { CacheHotKey } from '../../../core/model.ts'
import { formatByteRate, formatBytes, formatRate } from '../../_lib/format.ts'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { hotKeysHref, keyHref } from '../../_lib/urls.ts'
import { Age } from '../clock.tsx'
import { type Column, DataTable } from '../data-table.tsx'
import { EmptyState } from '../empty-state.tsx'
import { KeyName } from '../key-name.tsx'
import { Panel } from '../panel.tsx'

/** Keys by rate × size: what fills the network, though others are asked for more often. */
export function BigKeys({
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
    { key: 'bytes', header: 'Bytes', align: 'right', cell: (row) => formatByteRate(row.bytesPerSec) },
    { key: 'size', header: 'Size', align: 'right', cell: (row) => formatBytes(row.sizeBytes) },
    {
      key: 'rate',
      header: 'Rate',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => formatRate(row.opsPerSec),
    },
    {
      key: 'age',
      header: 'Checked',
      align: 'right',
      cell: (row) => (row.probedAt === null ? 'not yet' : <Age at={row.probedAt} />),
    },
  ]
  return (
    <Panel
      title="Biggest by bytes per second"
      flush
      hint="Rate × MEMORY USAGE of each hot key: what would move if each command took the whole value."
      aside={
        <Link prefetch={false} href={hotKeysHref({ cache: cacheId, list: 'big' }, range)}>
          All big keys
        </Link>
      }
    >
      <DataTable
        caption="Hot keys, the most bytes per second first"
        columns={columns}
        rows={rows}
        rowKey={(row) => `${row.cacheId} ${row.db} ${row.keyBase64}`}
        empty={
          <EmptyState compact title="No size of a hot key is known now">
            The nodes are asked with MEMORY USAGE, a few keys at a time, where it is permitted.
          </EmptyState>
        }
      />
    </Panel>
  )
}
