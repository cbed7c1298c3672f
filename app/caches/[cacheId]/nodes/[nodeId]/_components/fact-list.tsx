import type { ReactNode } from 'react'
import { UNKNOWN } from '../../../../../_lib/format.ts'
import classes from './fact-list.module.css'

/** Facts of one subject, a line each: name, figure, and what helps to read it. */
export function FactList({ children }: { children: ReactNode }) {
  return <dl className={classes.list}>{children}</dl>
}

export function Fact({
  label,
  value,
  note,
  tone,
}: {
  label: string
  value: ReactNode
  note?: string
  tone?: 'warn' | 'harm'
}) {
  return (
    <div className={classes.fact}>
      <dt>{label}</dt>
      <dd data-tone={tone} data-unknown={value === UNKNOWN || undefined}>
        {value}
        {note !== undefined && <span className={classes.note}>{note}</span>}
      </dd>
    </div>
  )
}
