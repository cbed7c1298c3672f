/** A stream of keys by Zipf's law whose 1,000 most used are replaced by others midway. */
import { seededRandom, zipf } from './zipf.ts'

export const EVENTS = 1_000_000
export const KEYS = 1_000_000
const REPLACED = 1_000
const TOP = 100

export type Truth = { counts: ReadonlyMap<string, number>; top: [key: string, uses: number][] }
/** The most used keys as one counter has them: estimated uses, by key. */
export type Estimates = ReadonlyMap<string, number>
export type Accuracy = { recall: number; meanError: number }

export function drawEvents(exponent: number, events = EVENTS): string[] {
  const draw = zipf(KEYS, exponent, seededRandom(20_260_101))
  return Array.from({ length: events }, (_, at) => {
    const rank = draw()
    return rank < REPLACED && at >= events / 2 ? `news:${rank}` : `item:${rank}`
  })
}

export function countEvents(events: readonly string[]): Truth {
  const counts = new Map<string, number>()
  for (const key of events) counts.set(key, (counts.get(key) ?? 0) + 1)
  return { counts, top: [...counts].sort(([, one], [, other]) => other - one).slice(0, TOP) }
}

/** @param named hottest first @returns of the first `size`, those that are among the truly `size` hottest */
export function recallOf(truth: Truth, named: readonly string[], size: number): number {
  // Keys used as often as the last of them are as right as it.
  const least = truth.top[size - 1]?.[1] ?? 0
  return named.slice(0, size).filter((key) => (truth.counts.get(key) ?? 0) >= least).length / size
}

/** The error is that of the true top 100, on average: a key that is not known is wrong by all of its uses. */
export function judge(truth: Truth, estimates: Estimates): Accuracy {
  const named = [...estimates].sort(([, one], [, other]) => other - one).map(([key]) => key)
  const errors = truth.top.map(([key, uses]) => Math.abs((estimates.get(key) ?? 0) - uses) / uses)
  const meanError = errors.reduce((sum, error) => sum + error, 0) / errors.length
  return { recall: recallOf(truth, named, TOP), meanError }
}
