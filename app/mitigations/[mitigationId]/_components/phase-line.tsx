import type { MitigationDetail, MitigationPhase } from '../../../../core/mitigations/model.ts'
import { Age, Time } from '../../../_components/clock.tsx'
import { formatDuration } from '../../../_lib/format.ts'
import { PHASE_TEXT } from '../../../_lib/mitigation-text.ts'
import { phaseSpans } from '../_lib/phases.ts'
import classes from './detail.module.css'

const ORDER: MitigationPhase[] = ['prepare', 'active', 'draining', 'off']

/** What a phase that is ahead will do. */
function doesOf(phase: MitigationPhase, { target, isMeasured }: MitigationDetail): string {
  if (phase === 'active') return 'In force, and measured'
  const isOfKey = target.kind === 'key'
  if (phase === 'draining') {
    if (isMeasured) return 'Not entered: nothing is put back'
    return isOfKey ? 'Reads go back; what was set up is removed' : 'What can be put back is put back'
  }
  return isOfKey ? 'Nothing of it is left' : 'Nothing is left to do'
}

/** The four phases in a row: when each began, how long it took, and what it waits for. */
export function PhaseLine({ mitigation }: { mitigation: MitigationDetail }) {
  const { phase, phaseSince, message, progress } = mitigation
  const spans = phaseSpans(mitigation)
  const at = ORDER.indexOf(phase)
  return (
    <section aria-label="Phases" className={classes.phases}>
      <ol>
        {ORDER.map((name, index) => {
          const span = spans.get(name)
          const state =
            index === at
              ? 'now'
              : index < at && span !== undefined
                ? 'done'
                : index < at
                  ? 'skipped'
                  : 'ahead'
          return (
            <li
              key={name}
              data-state={state}
              data-phase={name}
              aria-current={index === at ? 'step' : undefined}
            >
              <span className={classes.phaseName}>{PHASE_TEXT[name]}</span>
              <span className={classes.phaseDoes}>
                {state === 'now' ? (
                  <>
                    since <Age at={phaseSince} suffix="" />
                    {name !== 'off' && message !== null && <>: {message}</>}
                  </>
                ) : state === 'done' && span !== undefined ? (
                  <>
                    <Time at={span.from} show="time" />, {formatDuration((span.to - span.from) / 1_000)}
                  </>
                ) : state === 'skipped' ? (
                  'not entered'
                ) : (
                  doesOf(name, mitigation)
                )}
              </span>
            </li>
          )
        })}
      </ol>
      {progress !== null && phase !== 'off' && (
        <p className={classes.progress}>
          <progress value={progress.done} max={progress.total} aria-label="Progress" />
          {progress.done.toLocaleString('en-US')} of {progress.total.toLocaleString('en-US')} {progress.unit}
        </p>
      )}
    </section>
  )
}
