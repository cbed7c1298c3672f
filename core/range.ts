/** The time range of a page or a query: what the URL says, and which resolution answers it cheaply. */
import { CachescopeError } from './errors.ts'

export const RANGES = {
  '15m': 15 * 60_000,
  '1h': 3_600_000,
  '6h': 6 * 3_600_000,
  '24h': 24 * 3_600_000,
  '7d': 7 * 24 * 3_600_000,
} as const
export type RangeName = keyof typeof RANGES
export const DEFAULT_RANGE: RangeName = '15m'

export type Resolution = 'raw' | '1m' | '1h'
/** Epoch milliseconds. */
export type TimeRange = { name: RangeName | 'custom'; from: number; to: number }

const DAY_MS = 86_400_000
/** The longest that any retention may be: there is nothing before. */
const OLDEST_DAYS = 3_650
/** A chart has about this many points at most, whatever its range: any page costs about the same. */
const MAX_POINTS = 360
/** Finest first; a range longer than `maxMs` is too long for it. The last steps hold the longest range there is. */
const RESOLUTIONS: { resolution: Resolution; maxMs: number; stepsMs: number[] }[] = [
  { resolution: 'raw', maxMs: 3_600_000, stepsMs: [2_000, 5_000, 10_000] },
  { resolution: '1m', maxMs: 25 * 3_600_000, stepsMs: [60_000, 120_000, 300_000] },
  {
    resolution: '1h',
    maxMs: Number.POSITIVE_INFINITY,
    stepsMs: [1, 2, 6, 12, 24, 48, 7 * 24, 30 * 24].map((hours) => hours * 3_600_000),
  },
]

/**
 * @param params `range` (a name of RANGES), or `from` and `to` as ISO 8601 or epoch milliseconds
 * @throws CachescopeError invalid-parameter with the field in `where`
 */
export function parseRange(params: { range?: string; from?: string; to?: string }, now: number): TimeRange {
  if (params.from !== undefined || params.to !== undefined) {
    if (params.range !== undefined) {
      throw new CachescopeError('invalid-parameter', 'Give either range, or from and to, not both.', {
        where: 'range',
      })
    }
    const to = params.to === undefined ? now : parseTime('to', params.to)
    const from = params.from === undefined ? to - RANGES[DEFAULT_RANGE] : parseTime('from', params.from)
    if (from >= to)
      throw new CachescopeError('invalid-parameter', 'from must be before to.', { where: 'from' })
    if (to > now + DAY_MS)
      throw new CachescopeError('invalid-parameter', 'to is at most a day from now.', { where: 'to' })
    if (from < now - OLDEST_DAYS * DAY_MS) {
      const where = params.from === undefined ? 'to' : 'from'
      throw new CachescopeError('invalid-parameter', `${where} is at most ${OLDEST_DAYS} days ago.`, {
        where,
      })
    }
    return { name: 'custom', from, to }
  }
  const name = params.range ?? DEFAULT_RANGE
  if (!Object.hasOwn(RANGES, name)) {
    throw new CachescopeError('invalid-parameter', `range is one of ${Object.keys(RANGES).join(', ')}.`, {
      where: 'range',
    })
  }
  return { name: name as RangeName, from: now - RANGES[name as RangeName], to: now }
}

function parseTime(field: string, text: string): number {
  const at = /^\d{1,16}$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isFinite(at) || at < 0 || at > 8.64e15) {
    throw new CachescopeError('invalid-parameter', `${field} is a time: ISO 8601 or epoch milliseconds.`, {
      where: field,
    })
  }
  return at
}

/**
 * Which resolution answers a range, and the distance of two points of a chart: the finest that its length allows and
 * that still has its beginning, or as much of it as any coarser one.
 * @param oldest since when each resolution is there, epoch ms; null where it has nothing
 */
export function chooseResolution(
  { from, to }: Pick<TimeRange, 'from' | 'to'>,
  oldest: Record<Resolution, number | null>,
): { resolution: Resolution; stepMs: number } {
  const length = to - from
  const since = (resolution: Resolution) => oldest[resolution] ?? Number.POSITIVE_INFINITY
  const allowed = RESOLUTIONS.filter(({ maxMs }) => length <= maxMs)
  const chosen = allowed.find(({ resolution }, index) => {
    const coarser = allowed.slice(index + 1).map((other) => since(other.resolution))
    return since(resolution) <= Math.max(from, Math.min(...coarser))
  })
  const { resolution, stepsMs } = chosen ?? (allowed.at(-1) as (typeof RESOLUTIONS)[number])
  const stepMs = stepsMs.find((step) => length / step <= MAX_POINTS) ?? (stepsMs.at(-1) as number)
  return { resolution, stepMs }
}
