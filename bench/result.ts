/** What a benchmark gives back, and how it is printed. */
import { cpus, totalmem } from 'node:os'

export type BenchResult = {
  name: string
  machine: string
  /** One row a thing measured; columns are named with their unit. */
  rows: Record<string, string | number>[]
  /** How it was measured, and what to make of it. */
  notes: string[]
}

export function describeMachine(): string {
  const cores = cpus()
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(1)
  return `${cores.length} × ${cores[0]?.model.trim() ?? 'unknown CPU'}, ${memoryGiB} GiB, ${process.platform}, Node ${process.version}`
}

/** The value below which the share `p` (0 to 1) of the values lies. */
export function percentile(values: number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN
}

/** Three significant digits, never an exponent. */
export function round(value: number): number {
  return Number(value.toPrecision(3))
}

export function formatResult({ name, machine, rows, notes }: BenchResult): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? '')))
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  )
  const numeric = columns.map((column) => rows.every((row) => typeof (row[column] ?? 0) === 'number'))
  const line = (row: string[]) =>
    row
      .map((cell, index) =>
        numeric[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [
    name,
    machine,
    '',
    line(columns),
    line(widths.map((width) => '-'.repeat(width))),
    ...cells.map(line),
    '',
    ...notes.map((note) => `- ${note}`),
  ].join('\n')
}
