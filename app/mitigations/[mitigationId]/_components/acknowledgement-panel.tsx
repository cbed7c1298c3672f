import { MAX_LISTED_CLIENTS } from '../../../../core/mitigations/limits.ts'
import type { Acknowledgement, Mitigation } from '../../../../core/mitigations/model.ts'
import { Age } from '../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../_components/data-table.tsx'
import { EmptyState } from '../../../_components/empty-state.tsx'
import { Panel } from '../../../_components/panel.tsx'
import { plural } from '../../../_lib/format.ts'
import classes from './detail.module.css'

type Laggard = Acknowledgement['laggards'][number]

/** Who has applied it, of those that should; the laggards by host, and the connections that cannot. */
export function AcknowledgementPanel({ mitigation }: { mitigation: Mitigation }) {
  const { acknowledgement, rev } = mitigation
  if (acknowledgement === null) {
    return (
      <Panel title="Who takes part?">
        <EmptyState compact title="No application has answered yet">
          <p>Each process with the library tells within seconds which revision it has applied.</p>
        </EmptyState>
      </Panel>
    )
  }
  const { applied, instances, laggards, connectionsWithoutLibrary, at } = acknowledgement
  const isWaitedFor = laggards.some(({ isDisabled }) => !isDisabled)
  const more = instances - applied - laggards.length
  const columns: Column<Laggard>[] = [
    { key: 'host', header: 'Host', grow: true, cell: (row) => row.host },
    { key: 'app', header: 'Application', cell: (row) => row.app },
    { key: 'pid', header: 'Process', align: 'right', cell: (row) => row.pid },
    {
      key: 'rev',
      header: 'Revision',
      align: 'right',
      cell: (row) => (row.isDisabled ? 'switched off' : `${row.rev} of ${rev}`),
    },
    { key: 'seen', header: 'Heard', align: 'right', cell: (row) => <Age at={row.seenAt} /> },
  ]
  return (
    <Panel title="Who takes part?" aside={<Age at={at} />} flush>
      <div className={classes.ack}>
        <p className={classes.applied} data-tone={isWaitedFor ? 'warn' : undefined}>
          {instances === 0
            ? 'No process with the library is heard of now'
            : `Applied on ${applied} of ${instances}`}
        </p>
        <p className={classes.quiet}>
          {connectionsWithoutLibrary === null
            ? `Connections without the library are not counted: not yet, or a primary has more than ${plural(MAX_LISTED_CLIENTS, 'client')}.`
            : connectionsWithoutLibrary === 0
              ? instances === 0
                ? 'No application is connected without it either.'
                : 'Every connection to the cache has the library.'
              : `${plural(connectionsWithoutLibrary, 'connection')} without the library read the key as before.`}
        </p>
      </div>
      {laggards.length > 0 && (
        <DataTable
          caption="Processes that have not applied it"
          columns={columns}
          rows={laggards}
          rowKey={(row) => `${row.app} ${row.host} ${row.pid}`}
          maxHeight={260}
        />
      )}
      {more > 0 && <p className={classes.footnote}>and {plural(more, 'process', 'processes')} more</p>}
    </Panel>
  )
}
