import type { ReactNode } from 'react'
import classes from './empty-state.module.css'

/** What would be here, why it is not, and what to do. */
export function EmptyState({
  title,
  icon,
  compact = false,
  page = false,
  children,
}: {
  title: string
  /** It stands for the whole page: its title is the page's heading. */
  page?: boolean
  icon?: ReactNode
  compact?: boolean
  children?: ReactNode
}) {
  return (
    <div className={classes.empty} data-compact={compact || undefined}>
      {icon}
      {page ? <h1 className={classes.title}>{title}</h1> : <p className={classes.title}>{title}</p>}
      {children !== undefined && <div className={classes.text}>{children}</div>}
    </div>
  )
}
