/**
 * Which tables answer a range: its own resolution as far as that is rolled up, then the finer ones for the end, so
 * that a chart reaches to now.
 */
import type { Resolution, TimeRange } from '../core/range.ts'
import { query, type Store } from './client.ts'

/** Half-open, epoch ms. */
export type Segment = { resolution: Resolution; from: number; to: number }

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** However far the roll-up lags, this much of a range is read from the finer table at most. */
const RAW_TAIL_MAX_MS = 15 * MINUTE_MS
const MINUTE_TAIL_MAX_MS = 6 * HOUR_MS

export type RollUpProgress = { minutesDone: number; hoursDone: number }

/** @throws CachescopeError store-unreachable */
export async function readRollUpProgress(store: Store): Promise<RollUpProgress> {
  const rows = await query(store, (prisma) => prisma.rollupWatermark.findMany())
  const done = (resolution: string) =>
    rows.find((row) => row.resolution === resolution)?.doneAt.getTime() ?? 0
  return { minutesDone: done('1m'), hoursDone: done('1h') }
}

/** @returns segments without a gap or overlap, oldest first, none empty */
export function planSegments(
  range: Pick<TimeRange, 'from' | 'to' | 'resolution'>,
  progress: RollUpProgress,
): Segment[] {
  const { from, to, resolution } = range
  if (resolution === 'raw') return [{ resolution, from, to }]
  const rawFrom = clamp(Math.max(progress.minutesDone, to - RAW_TAIL_MAX_MS), from, to)
  const minuteFrom =
    resolution === '1m' ? from : clamp(Math.max(progress.hoursDone, to - MINUTE_TAIL_MAX_MS), from, rawFrom)
  const segments: Segment[] = [
    { resolution: '1h', from, to: minuteFrom },
    { resolution: '1m', from: minuteFrom, to: rawFrom },
    { resolution: 'raw', from: rawFrom, to },
  ]
  return segments.filter((segment) => segment.from < segment.to)
}

/** @throws CachescopeError store-unreachable */
export async function planReads(store: Store, range: TimeRange): Promise<Segment[]> {
  if (range.resolution === 'raw') return planSegments(range, { minutesDone: 0, hoursDone: 0 })
  return planSegments(range, await readRollUpProgress(store))
}

/** Evenly spaced points that cover a range: `at[i]` is the start of a step. */
export function planPoints(
  range: { from: number; to: number },
  stepMs: number,
): { from: number; at: number[] } {
  const from = Math.floor(range.from / stepMs) * stepMs
  const count = Math.max(1, Math.ceil((range.to - from) / stepMs))
  return { from, at: Array.from({ length: count }, (_, index) => from + index * stepMs) }
}

/** The smallest multiple of the range's step that holds at least `atLeastMs`. */
export function widenStep(stepMs: number, atLeastMs: number): number {
  return Math.max(1, Math.ceil(atLeastMs / stepMs)) * stepMs
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
