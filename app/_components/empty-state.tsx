import type { ReactNode } from 'react'
import classes from './empty-state.module.css'

/** What would be here, why it is not, and what to do. */
export function EmptyState({
  title,
  icon,
  compact = false,
  children,
}: {
  title: string
  icon?: ReactNode
  compact?: boolean
  children?: ReactNode
}) {
  return (
    <div className={classes.empty} data-compact={compact || undefined}>
      {icon}
      <p className={classes.title}>{title}</p>
      {children !== undefined && <div className={classes.text}>{children}</div>}
    </div>
  )
}
