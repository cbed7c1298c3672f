import type { ReactNode } from 'react'
import classes from './chart-grid.module.css'

/** Small multiples: as many charts a row as fit. */
export function ChartGrid({ children }: { children: ReactNode }) {
  return <div className={classes.grid}>{children}</div>
}
