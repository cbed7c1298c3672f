/**
 * Which tables answer a range: its own resolution as far as that is rolled up, then the finer ones for the end, so
 * that a chart reaches to now.
 */
import { chooseResolution, type Resolution, type TimeRange } from '../core/range.ts'
import { query, type Store } from './client.ts'
import { partitionStart } from './partitions.ts'

/** Half-open, epoch ms. */
export type Segment = { resolution: Resolution; from: number; to: number }

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** However far the roll-up lags, this much of a range is read from the finer table at most. */
const RAW_TAIL_MAX_MS = 15 * MINUTE_MS
const MINUTE_TAIL_MAX_MS = 6 * HOUR_MS

type RollUpProgress = { minutesDone: number; hoursDone: number }
/** What the tables hold: how far the roll-ups are, and since when each resolution is there. Epoch ms. */
export type Holdings = RollUpProgress & { oldest: Record<Resolution, number | null> }

/** @throws CachescopeError store-unreachable */
export async function readHoldings(store: Store): Promise<Holdings> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ resolution: Resolution; doneMs: number | null; day: string | null }[]>`
      SELECT r.resolution, to_ms(w.done_at)::double precision AS "doneMs", p.day
      FROM (VALUES ('raw', 'node_sample'), ('1m', 'node_sample_1m'), ('1h', 'node_sample_1h'))
        AS r(resolution, parent)
      LEFT JOIN rollup_watermark w USING (resolution)
      CROSS JOIN LATERAL (
        SELECT right(min(c.relname::text COLLATE "C"), 8) AS day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = r.parent::regclass
      ) p`,
  )
  const find = (resolution: Resolution) => rows.find((row) => row.resolution === resolution)
  const oldest = (resolution: Resolution) => {
    const day = find(resolution)?.day ?? null
    return day === null ? null : partitionStart(day)
  }
  return {
    minutesDone: find('1m')?.doneMs ?? 0,
    hoursDone: find('1h')?.doneMs ?? 0,
    oldest: { raw: oldest('raw'), '1m': oldest('1m'), '1h': oldest('1h') },
  }
}

/** @returns segments without a gap or overlap, oldest first, none empty */
export function planSegments(
  range: Pick<TimeRange, 'from' | 'to'> & { resolution: Resolution },
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

export type ReadPlan = { resolution: Resolution; stepMs: number; segments: Segment[] }

/** @throws CachescopeError store-unreachable */
export async function planReads(store: Store, range: TimeRange): Promise<ReadPlan> {
  const holdings = await readHoldings(store)
  const { resolution, stepMs } = chooseResolution(range, holdings.oldest)
  return { resolution, stepMs, segments: planSegments({ ...range, resolution }, holdings) }
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

/** The smallest multiple of a step that holds at least `atLeastMs`. */
export function widenStep(stepMs: number, atLeastMs: number): number {
  return Math.max(1, Math.ceil(atLeastMs / stepMs)) * stepMs
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
