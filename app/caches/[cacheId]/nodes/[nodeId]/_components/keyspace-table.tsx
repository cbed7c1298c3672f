import type { KeyspaceRow } from '../../../../../../core/model.ts'
import { Age } from '../../../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../../../_components/data-table.tsx'
import { EmptyState } from '../../../../../_components/empty-state.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import { formatCount, formatDuration, formatShare } from '../../../../../_lib/format.ts'

const columns: Column<KeyspaceRow>[] = [
  { key: 'db', header: 'Database', grow: true, cell: (row) => row.db },
  { key: 'keys', header: 'Keys', align: 'right', cell: (row) => formatCount(row.keys) },
  {
    key: 'expires',
    header: 'With a TTL',
    align: 'right',
    cell: (row) => (row.keys === 0 ? '0%' : formatShare(row.expires / row.keys)),
  },
  {
    key: 'ttl',
    header: 'Average TTL',
    align: 'right',
    // Redis says 0 where no key of the database expires.
    cell: (row) =>
      row.expires === 0 ? 'none' : formatDuration(row.avgTtlMs === null ? null : row.avgTtlMs / 1000),
  },
]

export function KeyspaceTable({ keyspaces }: { keyspaces: { at: string | null; rows: KeyspaceRow[] } }) {
  return (
    <Panel title="Databases" flush aside={keyspaces.at === null ? undefined : <Age at={keyspaces.at} />}>
      <DataTable
        caption="Keys per database"
        columns={columns}
        rows={keyspaces.rows}
        rowKey={(row) => String(row.db)}
        empty={
          <EmptyState title={keyspaces.at === null ? 'Not read yet' : 'This node holds no key'} compact />
        }
      />
    </Panel>
  )
}
