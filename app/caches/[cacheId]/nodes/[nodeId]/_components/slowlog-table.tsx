import type { SlowlogRow } from '../../../../../../core/model.ts'
import { Age } from '../../../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../../../_components/data-table.tsx'
import { EmptyState } from '../../../../../_components/empty-state.tsx'
import { KeyName } from '../../../../../_components/key-name.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import { formatUs, plural } from '../../../../../_lib/format.ts'
import classes from './node-view.module.css'

const SHOWN_KEYS = 3

const columns: Column<SlowlogRow>[] = [
  { key: 'command', header: 'Command', cell: (row) => <code>{row.command.toUpperCase()}</code> },
  { key: 'duration', header: 'Took', align: 'right', cell: (row) => formatUs(row.durationUs) },
  {
    key: 'keys',
    header: 'Keys',
    grow: true,
    cell: (row) => (
      <span className={classes.keys}>
        {row.keys.length === 0 && 'none'}
        {row.keys.slice(0, SHOWN_KEYS).map((key) => (
          <KeyName key={key.keyBase64} text={key.key} />
        ))}
        {row.keys.length > SHOWN_KEYS && <span>and {plural(row.keys.length - SHOWN_KEYS, 'more key')}</span>}
      </span>
    ),
  },
  {
    key: 'arguments',
    header: 'Arguments',
    align: 'right',
    hideBelow: 'md',
    cell: (row) => row.argumentCount.toLocaleString('en-US'),
  },
  {
    key: 'client',
    header: 'Client',
    hideBelow: 'md',
    cell: (row) => <code>{row.clientAddress ?? 'unknown'}</code>,
  },
  { key: 'at', header: 'When', align: 'right', cell: (row) => <Age at={row.at} /> },
]

/** Slow commands of the page's range, the newest first. Values are not read: only the command and its keys. */
export function SlowlogTable({ slowlog }: { slowlog: SlowlogRow[] }) {
  return (
    <Panel
      title="Slow log"
      flush
      hint="What the server counts as slow is its setting slowlog-log-slower-than."
    >
      <DataTable
        caption="Slow commands, the newest first"
        columns={columns}
        rows={slowlog}
        rowKey={(row) =>
          `${row.at} ${row.durationUs} ${row.command} ${row.keys[0]?.keyBase64 ?? ''} ${row.clientAddress}`
        }
        empty={
          <EmptyState title="No slow command in this time" compact>
            <p>A command appears here when it took longer than the server's slowlog-log-slower-than.</p>
          </EmptyState>
        }
      />
    </Panel>
  )
}
