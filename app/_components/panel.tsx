import type { ReactNode } from 'react'
import classes from './panel.module.css'

/** A titled section of a page. `aside`: a link or control at the right of the title. */
export function Panel({
  title,
  hint,
  aside,
  flush = false,
  id,
  children,
}: {
  title: string
  hint?: ReactNode
  aside?: ReactNode
  /** Content to the edges: tables. */
  flush?: boolean
  id?: string
  children: ReactNode
}) {
  return (
    <section className={classes.panel} id={id} aria-label={title}>
      <header className={classes.header}>
        <h2 className={classes.title}>{title}</h2>
        {aside !== undefined && <div className={classes.aside}>{aside}</div>}
        {hint !== undefined && <p className={classes.hint}>{hint}</p>}
      </header>
      <div className={flush ? classes.flush : classes.body}>{children}</div>
    </section>
  )
}
