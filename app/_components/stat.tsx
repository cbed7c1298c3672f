import type { ReactNode } from 'react'
import { UNKNOWN } from '../_lib/format.ts'
import { Age } from './clock.tsx'
import classes from './stat.module.css'

/**
 * One figure with its name.
 * @param value already formatted, with its unit
 * @param at when it was measured; its age is shown once older than `staleAfterMs` (two ticks)
 */
export function Stat({
  label,
  value,
  note,
  tone,
  at,
  staleAfterMs = 0,
}: {
  label: string
  value: ReactNode
  note?: ReactNode
  tone?: 'warn' | 'harm'
  at?: string | null
  staleAfterMs?: number
}) {
  return (
    <div className={classes.stat}>
      <dt className={classes.label}>{label}</dt>
      <dd className={classes.value} data-tone={tone} data-unknown={value === UNKNOWN || undefined}>
        {value}
      </dd>
      {(note !== undefined || at) && (
        <dd className={classes.note}>
          {note}
          {at && <Age at={at} staleAfterMs={staleAfterMs} prefix={note === undefined ? '' : ' · '} />}
        </dd>
      )}
    </div>
  )
}

/** A row of figures, as many a line as fit. */
export function Stats({ children }: { children: ReactNode }) {
  return <dl className={classes.stats}>{children}</dl>
}
