import type { ReactNode } from 'react'
import { Notice } from './notice.tsx'
import classes from './page-head.module.css'
import { HEADING_ID } from './page-heading.ts'

/**
 * The opening of a page: where we are, the sentence that says the state, and the way on.
 * @param tone of the sentence's mark: harm is red, warn amber
 */
export function PageHead({
  title,
  crumbs,
  answer,
  action,
  tone = 'calm',
  badge,
  notice,
}: {
  title: ReactNode
  crumbs?: ReactNode
  answer: ReactNode
  action?: ReactNode
  tone?: 'calm' | 'warn' | 'harm'
  badge?: ReactNode
  /** What was wrong with the address, from readPageRange. */
  notice?: string | null
}) {
  return (
    <header className={classes.head}>
      <div className={classes.titleRow}>
        {crumbs !== undefined && (
          <nav className={classes.crumbs} aria-label="Breadcrumb">
            {crumbs}
          </nav>
        )}
        <h1 className={classes.title} id={HEADING_ID} tabIndex={-1}>
          {title}
        </h1>
        {badge}
      </div>
      <div className={classes.answerRow} data-tone={tone}>
        <p className={classes.answer}>{answer}</p>
        {action !== undefined && <div className={classes.action}>{action}</div>}
      </div>
      {notice != null && <Notice tone="warn">{notice}</Notice>}
    </header>
  )
}
