import type { MitigationStep } from '../../../../core/mitigations/model.ts'
import { Time } from '../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../_components/data-table.tsx'
import { EmptyState } from '../../../_components/empty-state.tsx'
import { Panel } from '../../../_components/panel.tsx'
import { formatMs, plural } from '../../../_lib/format.ts'
import { PHASE_TEXT } from '../../../_lib/mitigation-text.ts'
import classes from './detail.module.css'

const RESULTS: Record<MitigationStep['result'], { word: string; tone?: 'warn' | 'harm' }> = {
  started: { word: 'started' },
  ok: { word: 'ok' },
  failed: { word: 'failed', tone: 'harm' },
  skipped: { word: 'skipped', tone: 'warn' },
}

/** Every step in its order: what was sent where, what came back, how long it took. */
export function StepsPanel({ steps, wayBack }: { steps: MitigationStep[]; wayBack: string | null }) {
  const columns: Column<MitigationStep>[] = [
    { key: 'at', header: 'Time', cell: (step) => <Time at={step.startedAt} show="time" /> },
    { key: 'phase', header: 'Phase', hideBelow: 'sm', cell: (step) => PHASE_TEXT[step.phase] },
    {
      key: 'name',
      header: 'Step',
      grow: true,
      cell: (step) => (
        <span className={classes.step}>
          {step.name}
          {step.command !== null && <code>{step.command}</code>}
          {step.message !== null && <span className={classes.quiet}>{step.message}</span>}
        </span>
      ),
    },
    {
      key: 'node',
      header: 'Node',
      hideBelow: 'sm',
      cell: (step) =>
        step.node === null ? <span className={classes.quiet}>–</span> : <code>{step.node}</code>,
    },
    {
      key: 'result',
      header: 'Result',
      cell: (step) => (
        <span className={classes.result} data-tone={RESULTS[step.result].tone}>
          {RESULTS[step.result].word}
        </span>
      ),
    },
    {
      key: 'took',
      header: 'Took',
      align: 'right',
      cell: (step) =>
        step.endedAt === null ? '–' : formatMs(Date.parse(step.endedAt) - Date.parse(step.startedAt)),
    },
  ]
  return (
    <Panel
      title="What was done, step by step"
      flush
      hint={wayBack === null ? undefined : `Way back: ${wayBack}`}
      aside={steps.length === 0 ? undefined : plural(steps.length, 'step')}
    >
      <DataTable
        caption="Steps, the first first"
        columns={columns}
        rows={steps}
        rowKey={(step) => String(step.stepId)}
        maxHeight={520}
        empty={
          <EmptyState compact title="No step was taken yet">
            <p>The collector that holds the cache writes each one down before it is done.</p>
          </EmptyState>
        }
      />
    </Panel>
  )
}
