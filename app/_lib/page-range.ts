import { CachescopeError } from '../../core/errors.ts'
import { parseRange, type TimeRange } from '../../core/range.ts'

export type SearchParams = Record<string, string | string[] | undefined>
export type RangeQuery = { range?: string; from?: string; to?: string }
/** The range a page shows; `notice` says what was wrong with the URL where the default stands in. */
export type PageRange = { range: TimeRange; query: RangeQuery; notice: string | null }

export function readPageRange(params: SearchParams, now: number): PageRange {
  const query: RangeQuery = { range: one(params.range), from: one(params.from), to: one(params.to) }
  try {
    return { range: parseRange(query, now), query, notice: null }
  } catch (error) {
    if (!(error instanceof CachescopeError)) throw error
    return {
      range: parseRange({}, now),
      query: {},
      notice: `The address asks for a time range that cannot be shown (${error.message.replace(/\.$/, '')}). These are the last 15 minutes.`,
    }
  }
}

/** The first value of a parameter. */
function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
