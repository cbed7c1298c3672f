import type { CommandRow } from '../../../../../../core/model.ts'
import { type Column, DataTable } from '../../../../../_components/data-table.tsx'
import { EmptyState } from '../../../../../_components/empty-state.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import { formatRate, formatShare, formatUs } from '../../../../../_lib/format.ts'

type Row = CommandRow & { timeShare: number | null }

const columns: Column<Row>[] = [
  { key: 'command', header: 'Command', grow: true, cell: (row) => <code>{row.command.toUpperCase()}</code> },
  { key: 'calls', header: 'Calls', align: 'right', cell: (row) => formatRate(row.callsPerSec) },
  { key: 'us', header: 'Per call', align: 'right', cell: (row) => formatUs(row.usPerCall) },
  {
    key: 'time',
    header: 'Of command time',
    align: 'right',
    hideBelow: 'sm',
    cell: (row) => formatShare(row.timeShare),
  },
  { key: 'p50', header: 'p50', align: 'right', hideBelow: 'md', cell: (row) => formatUs(row.p50Us) },
  { key: 'p99', header: 'p99', align: 'right', hideBelow: 'sm', cell: (row) => formatUs(row.p99Us) },
  { key: 'p999', header: 'p99.9', align: 'right', hideBelow: 'md', cell: (row) => formatUs(row.p999Us) },
  {
    key: 'failed',
    header: 'Failed',
    align: 'right',
    hideBelow: 'lg',
    cell: (row) => formatRate(row.failedPerSec),
  },
  {
    key: 'rejected',
    header: 'Rejected',
    align: 'right',
    hideBelow: 'lg',
    cell: (row) => formatRate(row.rejectedPerSec),
  },
]

/** Commands by the time they took, over the page's range. */
export function CommandsTable({ commands }: { commands: CommandRow[] }) {
  const timeOf = ({ callsPerSec, usPerCall }: CommandRow) =>
    usPerCall === null ? null : callsPerSec * usPerCall
  const total = commands.reduce((sum, row) => sum + (timeOf(row) ?? 0), 0)
  const rows = commands
    .map((row) => {
      const time = timeOf(row)
      return { ...row, timeShare: time === null || total === 0 ? null : time / total }
    })
    .toSorted((a, b) => (b.timeShare ?? 0) - (a.timeShare ?? 0) || b.callsPerSec - a.callsPerSec)
  return (
    <Panel
      title="Commands"
      flush
      hint="Rates and time per call are of the time shown above. Percentiles are the server's own: of every call since its start or the last CONFIG RESETSTAT."
    >
      <DataTable
        caption="Commands, those that took the most time first"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.command}
        empty={
          <EmptyState title="No command was counted in this time" compact>
            <p>Commands are listed from the second reading of a node on.</p>
          </EmptyState>
        }
      />
    </Panel>
  )
}
