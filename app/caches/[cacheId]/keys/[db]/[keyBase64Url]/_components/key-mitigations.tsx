import Link from 'next/link'
import type { Mitigation } from '../../../../../../../core/mitigations/model.ts'
import { Age, Until } from '../../../../../../_components/clock.tsx'
import { ChangeButtons } from '../../../../../../_components/mitigations/change-buttons.tsx'
import { PhaseMark, VerdictMark } from '../../../../../../_components/mitigations/marks.tsx'
import { Panel } from '../../../../../../_components/panel.tsx'
import type { Subject } from '../../../../../../_lib/mitigation-subject.ts'
import { ACTION_TEXT, mitigationState } from '../../../../../../_lib/mitigation-text.ts'
import { mitigationHref } from '../../../../../../_lib/urls.ts'
import classes from './key-mitigations.module.css'

/** What is done about the key now, with its phase and the way back; and what was done before. */
export function KeyMitigations({ mitigations, subject }: { mitigations: Mitigation[]; subject: Subject }) {
  if (mitigations.length === 0) return null
  const running = mitigations.find(({ phase }) => phase !== 'off')
  const past = mitigations.filter(({ phase }) => phase === 'off')
  return (
    <Panel title={running === undefined ? 'What was done about it?' : 'What is done about it?'}>
      {running !== undefined && (
        <div className={classes.running}>
          <p className={classes.state}>
            <Link href={mitigationHref(running.mitigationId)} prefetch={false}>
              {ACTION_TEXT[running.action].name}
            </Link>{' '}
            {mitigationState(running)}
          </p>
          <p className={classes.marks}>
            <PhaseMark phase={running.phase} desired={running.desired} />
            <VerdictMark mitigation={running} />
            <span className={classes.note}>
              by {running.actor}, drains <Until at={running.expiresAt} />
            </span>
          </p>
          <ChangeButtons mitigation={running} subject={subject} />
        </div>
      )}
      {past.length > 0 && (
        <ul className={classes.past}>
          {past.map((one) => (
            <li key={one.mitigationId}>
              <Link href={mitigationHref(one.mitigationId)} prefetch={false}>
                {ACTION_TEXT[one.action].name}
              </Link>
              <VerdictMark mitigation={one} />
              <span className={classes.note}>
                <Age at={one.createdAt} />, by {one.actor}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
