import type { MitigationDetail, MitigationRevision } from '../../../../core/mitigations/model.ts'
import { Time } from '../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../_components/data-table.tsx'
import { Panel } from '../../../_components/panel.tsx'
import { revisionText } from '../_lib/revision-text.ts'
import classes from './detail.module.css'

/** Who asked for what, when and why: nothing of it is ever changed. */
export function RevisionsPanel({ mitigation }: { mitigation: MitigationDetail }) {
  const { revisions } = mitigation
  const columns: Column<MitigationRevision>[] = [
    {
      key: 'who',
      header: 'Who',
      cell: (row) => (
        <span className={classes.step}>
          <span>
            {row.actor} {revisionText(row, revisions[revisions.indexOf(row) - 1], mitigation)}
          </span>
          <span className={classes.quiet}>
            <Time at={row.at} />
          </span>
        </span>
      ),
    },
    { key: 'why', header: 'Why', grow: true, cell: (row) => row.reason },
    {
      key: 'until',
      header: 'Until',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => (row.desired === 'off' ? '–' : <Time at={row.expiresAt} />),
    },
  ]
  return (
    <Panel title="Who asked, and why" flush>
      <DataTable
        caption="Revisions, the first first"
        columns={columns}
        rows={revisions}
        rowKey={(row) => String(row.revision)}
      />
    </Panel>
  )
}
