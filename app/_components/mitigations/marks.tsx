import { IconCircleCheck, IconCircleDashed, IconCircleX, IconMinus } from '@tabler/icons-react'
import Link from 'next/link'
import type { Mitigation } from '../../../core/mitigations/model.ts'
import { isLeaving } from '../../_lib/mitigation-end.ts'
import { ACTION_TEXT, PHASE_TEXT, VERDICT_TEXT } from '../../_lib/mitigation-text.ts'
import { mitigationHref } from '../../_lib/urls.ts'
import classes from './marks.module.css'

/** A phase as a shape and a word. */
export function PhaseMark({
  mitigation,
}: {
  mitigation: Pick<Mitigation, 'phase' | 'desired' | 'isMeasured'>
}) {
  const { phase } = mitigation
  const leaving = isLeaving(mitigation)
  return (
    <span
      className={classes.mark}
      data-tone={leaving ? 'warn' : undefined}
      data-quiet={phase === 'off' || undefined}
    >
      <span className={classes.phase} data-phase={phase} aria-hidden="true" />
      {leaving && phase !== 'draining' ? `${PHASE_TEXT[phase]}, to be drained` : PHASE_TEXT[phase]}
    </span>
  )
}

const VERDICTS = {
  worked: { tone: undefined, Icon: IconCircleCheck },
  'no-effect': { tone: 'warn', Icon: IconMinus },
  harmful: { tone: 'harm', Icon: IconCircleX },
  unknown: { tone: undefined, Icon: IconCircleDashed },
} as const

/** A verdict as an icon and a word; null is not known yet, or never once it is off. */
export function VerdictMark({ mitigation }: { mitigation: Pick<Mitigation, 'phase' | 'proof'> }) {
  const verdict = mitigation.proof?.verdict ?? null
  if (verdict === null) {
    return (
      <span className={classes.mark} data-quiet>
        {mitigation.phase === 'off' ? 'none' : 'not yet'}
      </span>
    )
  }
  const { tone, Icon } = VERDICTS[verdict]
  return (
    <span className={classes.mark} data-tone={tone}>
      <Icon size={16} stroke={1.9} aria-hidden="true" />
      {VERDICT_TEXT[verdict]}
    </span>
  )
}

/** At a key or node: what runs on it, as a link; nothing where nothing does. */
export function RunningMark({ mitigation }: { mitigation: Mitigation | undefined }) {
  if (mitigation === undefined) return null
  const { mitigationId, action, phase } = mitigation
  return (
    <Link href={mitigationHref(mitigationId)} prefetch={false} className={classes.rowMark}>
      <span className={classes.phase} data-phase={phase} aria-hidden="true" />
      {ACTION_TEXT[action].name}, {PHASE_TEXT[phase].toLowerCase()}
    </Link>
  )
}
