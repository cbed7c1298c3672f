'use client'

import type { MetricUnit } from '../../../core/metrics.ts'
import { formatUnit } from '../../_lib/format.ts'
import { Time } from '../clock.tsx'
import { type ChartEvent, type ChartLine, summarize, tableColumns } from './chart-lines.ts'
import classes from './time-chart.module.css'

/** The figures of a chart: the extremes first, then every point, the newest first. */
export function ChartTable({
  title,
  unit,
  at,
  lines,
  events,
  height,
}: {
  title: string
  unit: MetricUnit
  at: number[]
  lines: ChartLine[]
  events: ChartEvent[]
  height: number
}) {
  const columns = tableColumns(lines)
  const summaries = columns.map((line) => summarize(line.values))
  const newestFirst = at.map((time, index) => ({ time, index })).reverse()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={classes.tableScroll} style={{ height }} tabIndex={0} aria-label={`${title} Table`}>
      <table className={classes.table}>
        <caption className="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {columns.map((line) => (
              <th key={line.id} scope="col">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(['last', 'max', 'min'] as const).map((which) => (
            <tr key={which} className={classes.summary}>
              <th scope="row">{which}</th>
              {summaries.map((summary, index) => (
                <td key={columns[index]?.id}>{formatUnit(unit, summary[which])}</td>
              ))}
            </tr>
          ))}
          {newestFirst.map(({ time, index }) => (
            <tr key={time}>
              <th scope="row">
                <Time at={time} show="time" />
              </th>
              {columns.map((line) => (
                <td key={line.id}>
                  {line.values[index] == null ? '–' : formatUnit(unit, line.values[index])}
                </td>
              ))}
            </tr>
          ))}
          {events.map((event) => (
            <tr key={`${event.at} ${event.label}`}>
              <th scope="row">
                <Time at={event.at} show="time" />
              </th>
              <td colSpan={Math.max(1, columns.length)}>{event.label}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
