import { shardColor } from '../../_lib/palette.ts'

/** One line of a chart; `values[i]` belongs to the chart's `at[i]`, null is a gap. */
export type ChartLine = {
  id: string
  label: string
  values: (number | null)[]
  /** Its shard, which gives the colour; null for a line of no single shard. */
  ordinal: number | null
  dashed?: boolean
  /** A gap at the end means that it is not known now, and the legend says so; else the legend has the last known value. */
  endsWithGap?: boolean
  /** The 95% interval of each value, drawn as a band behind the line. */
  interval?: { low: (number | null)[]; high: (number | null)[] }
}
export type ChartEvent = { at: number; label: string }

const MAX_LINES = 8
const KEPT_LINES = 6

export function lineColor(line: ChartLine): string {
  return line.ordinal === null ? 'var(--cs-calm)' : shardColor(line.ordinal)
}

/** The lines as columns of figures: an interval follows its line as two of them. */
export function tableColumns(lines: ChartLine[]): Pick<ChartLine, 'id' | 'label' | 'values'>[] {
  return lines.flatMap(({ id, label, values, interval }) => [
    { id, label, values },
    ...(interval === undefined
      ? []
      : [
          { id: `${id} low`, label: '95% from', values: interval.low },
          { id: `${id} high`, label: 'to', values: interval.high },
        ]),
  ])
}

/** More lines than an eye can follow become the highest ones and the median of the rest. */
export function limitLines(lines: ChartLine[], noun = 'shard'): ChartLine[] {
  if (lines.length <= MAX_LINES) return lines
  const ranked = lines.toSorted((a, b) => weight(b) - weight(a))
  const rest = ranked.slice(KEPT_LINES)
  const kept = ranked.slice(0, KEPT_LINES).toSorted((a, b) => lines.indexOf(a) - lines.indexOf(b))
  const length = lines[0]?.values.length ?? 0
  const values = Array.from({ length }, (_, index) => median(rest.map((line) => line.values[index] ?? null)))
  return [
    ...kept,
    { id: 'others', label: `Median of ${rest.length} other ${noun}s`, values, ordinal: null, dashed: true },
  ]
}

/** The lowest, the highest and the newest known value of a line. */
export function summarize(values: (number | null)[]): {
  min: number | null
  max: number | null
  last: number | null
} {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return { min: null, max: null, last: null }
  return {
    min: known.reduce((low, value) => Math.min(low, value)),
    max: known.reduce((high, value) => Math.max(high, value)),
    last: known.at(-1) ?? null,
  }
}

/** Of lines whose ticks are not known. */
const NOW_MS = 30_000

/**
 * Whether the line ends before the chart does: its newest value stands in the legend as the last one, not as what is now.
 * @param tickMs how often its source tells; older than two ticks is silent, but three steps of the chart may stand between
 */
export function isSilent(at: number[], values: (number | null)[], tickMs?: number): boolean {
  const nowMs = tickMs === undefined ? NOW_MS : 2 * tickMs
  const last = values.findLastIndex((value) => value !== null)
  const step = (at[1] ?? 0) - (at[0] ?? 0)
  return last !== -1 && (at.at(-1) ?? 0) - (at[last] ?? 0) > Math.max(nowMs, 3 * step)
}

/** Large where a line is high at its end; its peak breaks ties. */
function weight(line: ChartLine): number {
  const { max, last } = summarize(line.values)
  return (last ?? 0) + (max ?? 0) / 1000
}

function median(values: (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b)
  if (sorted.length === 0) return null
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
