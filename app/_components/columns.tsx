import type { ReactNode } from 'react'
import classes from './columns.module.css'

/** Panels side by side where there is room. */
export function Columns({ children }: { children: ReactNode }) {
  return <div className={classes.columns}>{children}</div>
}
