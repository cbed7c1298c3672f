import { IconAlertTriangle, IconCircleX, IconInfoCircle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './notice.module.css'

const ICONS = { info: IconInfoCircle, warn: IconAlertTriangle, harm: IconCircleX }

/** A banner in the flow of the page. */
export function Notice({
  tone = 'info',
  children,
}: {
  tone?: 'info' | 'warn' | 'harm'
  children: ReactNode
}) {
  const Icon = ICONS[tone]
  return (
    <div className={classes.notice} data-tone={tone} role={tone === 'harm' ? 'alert' : 'status'}>
      <Icon size={17} stroke={1.9} aria-hidden="true" />
      <div>{children}</div>
    </div>
  )
}
