import type { Measures } from '../../../../core/mitigations/measures.ts'
import type { Mitigation } from '../../../../core/mitigations/model.ts'
import { Time } from '../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../_components/data-table.tsx'
import { EmptyState } from '../../../_components/empty-state.tsx'
import { LoadForecast, NodeForecast } from '../../../_components/mitigations/load-forecast.tsx'
import { VerdictMark } from '../../../_components/mitigations/marks.tsx'
import { Panel } from '../../../_components/panel.tsx'
import { formatDuration, formatShare } from '../../../_lib/format.ts'
import { incidentNotes, type ProofRow, proofRows, waitsFor, waitsNote } from '../_lib/proof-rows.ts'
import classes from './detail.module.css'

/** The verdict with its numbers; what was predicted beside what came. */
export function ProofPanel({ mitigation }: { mitigation: Mitigation }) {
  const { proof, preview } = mitigation
  const before = proof?.before ?? null
  const measured = proof?.after.at(-1) ?? null
  const divergence = proof?.divergence ?? null
  const note = waitsNote(mitigation)
  const ended = mitigation.phase === 'off'
  if (before === null && measured === null && preview === null) {
    return (
      <Panel title="Did it work?">
        <EmptyState compact title="Nothing was measured">
          <p>
            {ended
              ? waitsFor(mitigation)
              : 'The figures before and after stand here once it has been prepared.'}
          </p>
        </EmptyState>
      </Panel>
    )
  }
  return (
    <Panel
      title="Did it work?"
      aside={<VerdictMark mitigation={mitigation} />}
      hint={hintOf(mitigation)}
      flush
    >
      <div className={classes.forecasts}>
        <section>
          <h3>Predicted</h3>
          <LoadForecast
            before={preview?.before ?? before?.shards ?? []}
            after={preview?.after ?? null}
            overMean={[preview?.hottestOverMeanBefore ?? null, preview?.hottestOverMeanAfter ?? null]}
            words={['when it was asked for', 'predicted']}
          />
          {preview?.nodes != null && preview.nodes.length > 0 && (
            <>
              <h3>Predicted, of each node of its shard</h3>
              <NodeForecast nodes={preview.nodes} />
            </>
          )}
        </section>
        <section>
          <h3>Measured</h3>
          {before === null ? (
            <p className={classes.quiet}>The time before was not measured{ended ? '' : ' yet'}.</p>
          ) : (
            <LoadForecast
              before={before.shards}
              after={measured?.shards ?? null}
              overMean={[before.hottestOverMean, measured?.hottestOverMean ?? null]}
              words={['before', 'after']}
              missing={`after: not measured${ended ? '' : ' yet'}`}
            />
          )}
        </section>
      </div>
      <DataTable
        caption="Figures before and after"
        columns={columnsOf(proof?.after ?? [], before)}
        rows={proofRows(mitigation)}
        rowKey={(row) => row.name}
      />
      {incidentNotes(proof).map(({ window, incident }) => (
        <p key={window} className={classes.footnote}>
          {window} In this window: {incident}
        </p>
      ))}
      {note !== null && <p className={classes.footnote}>{note}</p>}
      {divergence !== null && (
        <p className={classes.footnote}>
          Copies compared with the base key {divergence.probes.toLocaleString('en-US')} times:{' '}
          {divergence.diverged === 0
            ? 'never different'
            : `different ${divergence.diverged.toLocaleString('en-US')} times (${formatShare(divergence.diverged / Math.max(1, divergence.probes))})`}
          .
        </p>
      )}
    </Panel>
  )
}

function hintOf(mitigation: Mitigation) {
  const decidedAt = mitigation.proof?.decidedAt ?? null
  if (decidedAt !== null) {
    return (
      <>
        Decided at <Time at={decidedAt} show="time" />, of the time before and the windows after it became
        active.
      </>
    )
  }
  return waitsFor(mitigation)
}

function columnsOf(after: Measures[], before: Measures | null): Column<ProofRow>[] {
  const span = (one: Measures | null | undefined) =>
    one == null ? '' : `, ${formatDuration((Date.parse(one.to) - Date.parse(one.from)) / 1_000)}`
  const figure = (value: string) => (
    <span className={value === 'unknown' ? classes.quiet : undefined}>{value}</span>
  )
  // A narrow screen has room for one window: the newest.
  const isConfirmed = after.length > 1
  return [
    { key: 'name', header: 'Figure', grow: true, cell: (row) => row.name },
    { key: 'before', header: `Before${span(before)}`, align: 'right', cell: (row) => figure(row.before) },
    {
      key: 'predicted',
      header: 'Predicted',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => figure(row.predicted),
    },
    {
      key: 'after1',
      header: `After${span(after[0])}`,
      align: 'right',
      ...(isConfirmed ? { hideBelow: 'sm' } : {}),
      cell: (row) => figure(row.after[0] ?? ''),
    },
    {
      key: 'after2',
      header: isConfirmed ? `Confirmed${span(after.at(-1))}` : 'Confirmed',
      align: 'right',
      ...(isConfirmed ? {} : { hideBelow: 'sm' }),
      cell: (row) => <b>{figure(row.after[1] ?? '')}</b>,
    },
  ]
}
