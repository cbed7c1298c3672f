import { IconAlertTriangle, IconCircleX, IconInfoCircle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './notice.module.css'

const ICONS = { info: IconInfoCircle, warn: IconAlertTriangle, harm: IconCircleX }

/**
 * A banner in the flow of the page.
 * @param role how it is read out: `none` where what it stands in is @default at once where it is harm, else by and by
 */
export function Notice({
  tone = 'info',
  role = tone === 'harm' ? 'alert' : 'status',
  children,
}: {
  tone?: 'info' | 'warn' | 'harm'
  role?: 'alert' | 'status' | 'none'
  children: ReactNode
}) {
  const Icon = ICONS[tone]
  return (
    <div className={classes.notice} data-tone={tone} role={role}>
      <Icon size={17} stroke={1.9} aria-hidden="true" />
      <div>{children}</div>
    </div>
  )
}
