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
/** Epoch milliseconds; `stepMs` is the distance of two points of a chart, a multiple of the resolution's own. */
export type TimeRange = {
  name: RangeName | 'custom'
  from: number
  to: number
  resolution: Resolution
  stepMs: number
}

/** A chart has about this many points at most, whatever its range: any page costs about the same. */
const MAX_POINTS = 360
const STEPS: Record<Resolution, number[]> = {
  raw: [2_000, 5_000, 10_000],
  '1m': [60_000, 120_000, 300_000],
  '1h': [3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000],
}
/** Ranges up to this long are answered from raw samples, then minutes, then hours. */
const RAW_MAX_MS = 3_600_000
const MINUTE_MAX_MS = 25 * 3_600_000

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
    return plan('custom', from, to, now)
  }
  const name = params.range ?? DEFAULT_RANGE
  if (!Object.hasOwn(RANGES, name)) {
    throw new CachescopeError('invalid-parameter', `range is one of ${Object.keys(RANGES).join(', ')}.`, {
      where: 'range',
    })
  }
  return plan(name as RangeName, now - RANGES[name as RangeName], now, now)
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

function plan(name: TimeRange['name'], from: number, to: number, now: number): TimeRange {
  const length = to - from
  // Raw samples live two days, minutes thirty: an old short range is answered by what is still there.
  const age = now - from
  const resolution: Resolution =
    length <= RAW_MAX_MS && age <= 47 * 3_600_000
      ? 'raw'
      : length <= MINUTE_MAX_MS && age <= 29 * 86_400_000
        ? '1m'
        : '1h'
  const steps = STEPS[resolution]
  const stepMs = steps.find((step) => length / step <= MAX_POINTS) ?? (steps.at(-1) as number)
  return { name, from, to, resolution, stepMs }
}
