'use client'

import { memo } from 'react'
import { Area, CartesianGrid, ComposedChart, Line, ResponsiveContainer, XAxis, YAxis } from 'recharts'
import type { MetricUnit } from '../../../core/metrics.ts'
import { formatUnit } from '../../_lib/format.ts'
import { type ChartLine, lineColor } from './chart-lines.ts'
import { timeLabel, timeTicks, yTicks } from './scale.ts'

/** Where the drawing area lies in the plot, in pixels from its edges; the overlay stands exactly on it. */
export const INSET = { left: 68, right: 10, top: 8, bottom: 22 }

type PlotProps = {
  at: number[]
  lines: ChartLine[]
  from: number
  to: number
  unit: MetricUnit
  height: number
}

type Point = { time: number; values: (number | null)[]; bands: ([number, number] | null)[] }

/** The lines and axes; redrawn only when the figures change, not when the pointer moves. */
export const Plot = memo(function Plot({ at, lines, from, to, unit, height }: PlotProps) {
  const data = at.map(
    (time, index): Point => ({
      time,
      values: lines.map((line) => line.values[index] ?? null),
      bands: lines.map((line) => bandAt(line, index)),
    }),
  )
  const ticks = yTicks(highest(lines), unit)
  const axis = { fontSize: 11, fill: 'var(--cs-muted)' }
  return (
    <ResponsiveContainer width="100%" height={height}>
      <ComposedChart
        data={data}
        margin={{ top: INSET.top, right: INSET.right, bottom: 0, left: 0 }}
        accessibilityLayer={false}
      >
        <CartesianGrid vertical={false} stroke="var(--cs-border)" />
        <XAxis
          dataKey="time"
          type="number"
          domain={[from, to]}
          ticks={timeTicks(from, to, -new Date(to).getTimezoneOffset() * 60_000, 6)}
          tickFormatter={(time: number) => timeLabel(time, to - from)}
          height={INSET.bottom}
          tick={axis}
          tickLine={false}
          axisLine={{ stroke: 'var(--cs-strong-border)' }}
          allowDataOverflow
          minTickGap={16}
        />
        <YAxis
          width={INSET.left}
          domain={[0, ticks.at(-1) ?? 1]}
          ticks={ticks}
          tickFormatter={(value: number) => yLabel(unit, value)}
          tick={axis}
          tickLine={false}
          axisLine={false}
          interval={0}
        />
        {lines.map(
          (line, index) =>
            line.interval && (
              <Area
                key={`${line.id} interval`}
                dataKey={(point: Point) => point.bands[index] ?? null}
                stroke="none"
                fill={lineColor(line)}
                fillOpacity={0.22}
                type="linear"
                dot={false}
                activeDot={false}
                isAnimationActive={false}
                connectNulls={false}
              />
            ),
        )}
        {lines.map((line, index) => (
          <Line
            key={line.id}
            dataKey={(point: Point) => point.values[index] ?? null}
            stroke={lineColor(line)}
            strokeWidth={1.75}
            strokeDasharray={line.dashed ? '4 3' : undefined}
            type="linear"
            dot={hasLonePoint(line.values) ? LoneDot : false}
            activeDot={false}
            isAnimationActive={false}
            connectNulls={false}
          />
        ))}
      </ComposedChart>
    </ResponsiveContainer>
  )
})

/** Kept on one line: Recharts breaks an axis label at a space. */
function yLabel(unit: MetricUnit, value: number): string {
  return value === 0 ? '0' : formatUnit(unit, value).replaceAll(' ', '\u00a0')
}

function bandAt({ interval }: ChartLine, index: number): [number, number] | null {
  const low = interval?.low[index] ?? null
  const high = interval?.high[index] ?? null
  return low === null || high === null ? null : [low, high]
}

function highest(lines: ChartLine[]): number {
  let max = 0
  for (const { values, interval } of lines) {
    for (const value of [...values, ...(interval?.high ?? [])]) if (value !== null && value > max) max = value
  }
  return max
}

function isLone(values: (number | null | undefined)[], index: number): boolean {
  return values[index] != null && values[index - 1] == null && values[index + 1] == null
}

function hasLonePoint(values: (number | null)[]): boolean {
  return values.some((_, index) => isLone(values, index))
}

/** A reading between two gaps would be a line of no length: it is drawn as a dot. */
function LoneDot({
  cx,
  cy,
  index,
  stroke,
  points,
}: {
  cx?: number
  cy?: number
  index?: number
  stroke?: string
  points?: readonly { value?: unknown }[]
}) {
  const known = (offset: number) => typeof points?.[(index ?? 0) + offset]?.value === 'number'
  if (cx == null || cy == null || known(-1) || known(1)) return <g />
  return <circle cx={cx} cy={cy} r={1.75} fill={stroke} />
}
