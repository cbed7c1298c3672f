import Link from 'next/link'
import type { Mitigation } from '../../../../../../../core/mitigations/model.ts'
import { Age, Until } from '../../../../../../_components/clock.tsx'
import { ChangeButtons } from '../../../../../../_components/mitigations/change-buttons.tsx'
import { PhaseMark, VerdictMark } from '../../../../../../_components/mitigations/marks.tsx'
import { Panel } from '../../../../../../_components/panel.tsx'
import { isStaying } from '../../../../../../_lib/mitigation-end.ts'
import type { Subject } from '../../../../../../_lib/mitigation-subject.ts'
import { ACTION_TEXT, mitigationState } from '../../../../../../_lib/mitigation-text.ts'
import { mitigationHref } from '../../../../../../_lib/urls.ts'
import classes from './key-mitigations.module.css'

/** What is done about the key now, with its phase and the way back; and what was done before. */
export function KeyMitigations({ mitigations, subject }: { mitigations: Mitigation[]; subject: Subject }) {
  const running = mitigations.find(({ phase }) => phase !== 'off')
  const changed = running ?? mitigations[0]
  if (changed === undefined) return null
  const past = mitigations.filter(({ phase }) => phase === 'off')
  return (
    <Panel title={running === undefined ? 'What was done about it?' : 'What is done about it?'}>
      <div className={running === undefined ? undefined : classes.running}>
        {running !== undefined && (
          <>
            <p className={classes.state}>
              <Link href={mitigationHref(running.mitigationId)} prefetch={false}>
                {ACTION_TEXT[running.action].name}
              </Link>{' '}
              {mitigationState(running)}
            </p>
            <p className={classes.marks}>
              <PhaseMark mitigation={running} />
              <VerdictMark mitigation={running} />
              <span className={classes.note}>
                by {running.requestedBy}
                {isStaying(running) && (
                  <>
                    , drains <Until at={running.expiresAt} />
                  </>
                )}
              </span>
            </p>
          </>
        )}
        <ChangeButtons
          key={changed.mitigationId}
          mitigation={changed}
          subject={subject}
          // The page's own button asks for one.
          repeats={false}
        />
      </div>
      {past.length > 0 && (
        <ul className={classes.past}>
          {past.map((one) => (
            <li key={one.mitigationId}>
              <Link href={mitigationHref(one.mitigationId)} prefetch={false}>
                {ACTION_TEXT[one.action].name}
              </Link>
              <VerdictMark mitigation={one} />
              <span className={classes.note}>
                <Age at={one.createdAt} />, by {one.requestedBy}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
