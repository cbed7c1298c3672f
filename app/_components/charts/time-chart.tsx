'use client'

import { IconChartLine, IconTable } from '@tabler/icons-react'
import { useId, useState } from 'react'
import type { MetricUnit } from '../../../core/metrics.ts'
import { formatUnit } from '../../_lib/format.ts'
import { Time, useInBrowser } from '../clock.tsx'
import { type ChartEvent, type ChartLine, isSilent, lineColor, summarize } from './chart-lines.ts'
import { sharedCursor, sharedTables } from './chart-state.ts'
import { ChartTable } from './chart-table.tsx'
import { Plot } from './plot.tsx'
import { PlotOverlay } from './plot-overlay.tsx'
import classes from './time-chart.module.css'

const HEIGHT = 168

/**
 * Figures over time, as lines from zero, or as a table of the same figures.
 *
 * @param title the question that the chart answers
 * @param at epoch milliseconds, evenly spaced, oldest first; `from` and `to` bound the axis
 * @param tickMs how often their source tells, milliseconds: says which newest values are of now
 * @param lines at most eight (see limitLines)
 * @param nothing what to say where no line has a value
 */
export function TimeChart({
  title,
  unit,
  at,
  from,
  to,
  lines,
  events = [],
  nothing = 'Nothing was measured in this range.',
  tickMs,
}: {
  title: string
  unit: MetricUnit
  at: number[]
  from: number
  to: number
  lines: ChartLine[]
  events?: ChartEvent[]
  nothing?: string
  tickMs?: number | undefined
}) {
  const id = useId()
  const inBrowser = useInBrowser()
  const allTables = sharedTables.use()
  // A choice for one chart holds until all are switched.
  const [own, setOwn] = useState({ asTable: false, amid: false })
  const asTable = own.amid === allTables ? own.asTable : allTables
  const known = lines.some((line) => line.values.some((value) => value !== null))
  return (
    <figure className={classes.chart} aria-labelledby={id}>
      <div className={classes.head}>
        <h3 className={classes.title} id={id}>
          {title}
        </h3>
        {known && (
          <button
            type="button"
            className={classes.toggle}
            aria-pressed={asTable}
            aria-label={`${title} As a table`}
            title={asTable ? 'Show the chart (t: all charts)' : 'Show a table (t: all charts)'}
            onClick={() => setOwn({ asTable: !asTable, amid: allTables })}
          >
            {asTable ? (
              <IconChartLine size={15} aria-hidden="true" />
            ) : (
              <IconTable size={15} aria-hidden="true" />
            )}
          </button>
        )}
      </div>
      <Legend lines={lines} at={at} unit={unit} known={known} tickMs={tickMs} />
      {!known ? (
        <p className={classes.nothing} style={{ height: HEIGHT }}>
          {nothing}
        </p>
      ) : asTable ? (
        <ChartTable title={title} unit={unit} at={at} lines={lines} events={events} height={HEIGHT} />
      ) : (
        <div className={classes.plot} style={{ height: HEIGHT }}>
          {inBrowser && (
            <>
              <Plot at={at} lines={lines} from={from} to={to} unit={unit} height={HEIGHT} />
              <PlotOverlay from={from} to={to} at={at} events={events} />
            </>
          )}
        </div>
      )}
    </figure>
  )
}

/** Names with the newest value, or the value under the cursor. */
function Legend({
  lines,
  at,
  unit,
  known,
  tickMs,
}: {
  lines: ChartLine[]
  at: number[]
  unit: MetricUnit
  known: boolean
  tickMs: number | undefined
}) {
  const cursor = sharedCursor.use()
  const index = cursor === null ? -1 : at.indexOf(cursor)
  return (
    <div className={classes.legend}>
      {lines.map((line) => {
        const { min, max, last } = summarize(line.values)
        const newest = line.endsWithGap === true ? (line.values.at(-1) ?? null) : last
        const value = index === -1 ? newest : (line.values[index] ?? null)
        const silent = index === -1 && value !== null && isSilent(at, line.values, tickMs)
        return (
          <span
            key={line.id}
            className={classes.legendItem}
            title={`lowest ${formatUnit(unit, min)}, highest ${formatUnit(unit, max)}, last ${formatUnit(unit, last)}`}
          >
            <span
              className={classes.stroke}
              data-dashed={line.dashed || undefined}
              style={{ color: lineColor(line) }}
              aria-hidden="true"
            />
            {line.label} {silent && 'last '}
            {known && <b data-silent={silent || undefined}>{formatUnit(unit, value)}</b>}
            {known && lines.length === 1 && (
              <span className={classes.extremes}>{`max ${formatUnit(unit, max)}`}</span>
            )}
          </span>
        )
      })}
      {cursor !== null && index !== -1 && (
        <span className={classes.cursorTime}>
          <Time at={cursor} show="time" />
        </span>
      )}
    </div>
  )
}
