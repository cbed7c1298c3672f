import Link from 'next/link'
import type { HotKeyRow } from '../../../core/model.ts'
import { formatRate } from '../../_lib/format.ts'
import { shardColor } from '../../_lib/palette.ts'
import { hotKeysHref, keyHref } from '../../_lib/urls.ts'
import { Sparkline } from '../charts/sparkline.tsx'
import { type Column, DataTable } from '../data-table.tsx'
import { EmptyState } from '../empty-state.tsx'
import { HotKeyShare } from '../hot-key-share.tsx'
import { KeyName } from '../key-name.tsx'
import { Panel } from '../panel.tsx'
import { ShardName } from '../shard-name.tsx'

/** The hottest keys of a cache, and the way to all of them. */
export function TopKeys({
  cacheId,
  rows,
  range,
}: {
  /** null: of every cache. */
  cacheId: string | null
  rows: HotKeyRow[]
  range: Record<string, string | undefined>
}) {
  const columns: Column<HotKeyRow>[] = [
    {
      key: 'key',
      header: 'Key',
      grow: true,
      cell: (row) => <KeyName text={row.key} href={keyHref(row.cacheId, row.db, row.keyBase64, range)} />,
    },
    {
      key: 'share',
      header: 'Share of its node',
      width: 200,
      cell: (row) => <HotKeyShare row={row} ordinal={row.shardOrdinal} />,
    },
    { key: 'rate', header: 'Rate', align: 'right', cell: (row) => formatRate(row.opsPerSec) },
    {
      key: 'shard',
      header: 'Shard',
      hideBelow: 'sm',
      cell: (row) => (
        <ShardName
          ordinal={row.shardOrdinal}
          label={cacheId === null ? `${row.cacheId} ${row.shardOrdinal}` : undefined}
        />
      ),
    },
    {
      key: 'trend',
      header: 'Over the range',
      hideBelow: 'md',
      cell: (row) => (
        <Sparkline values={row.sparkline} color={shardColor(row.shardOrdinal)} label={`Rate of ${row.key}`} />
      ),
    },
  ]
  return (
    <Panel
      title="Which keys cause the load?"
      aside={
        <Link prefetch={false} href={hotKeysHref(cacheId === null ? {} : { cache: cacheId }, range)}>
          All hot keys
        </Link>
      }
      flush
    >
      <DataTable
        caption="Hottest keys"
        columns={columns}
        rows={rows}
        rowKey={(row) => `${row.nodeId} ${row.db} ${row.keyBase64}`}
        empty={
          <EmptyState compact title="No key stood out in this range">
            A key is listed once its share of a node’s commands is high enough to matter.
          </EmptyState>
        }
      />
    </Panel>
  )
}
