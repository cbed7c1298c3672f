/** What the collectors' heartbeats say about the figures on the page. Pure: `now` is passed in. */
import type { Collector } from '../../core/model.ts'

/** A heartbeat is written every second, whatever the interval of the caches. */
const DEAD_AFTER_MS = 15_000
/** A tick or two wait behind every slow save. */
const WAITING_TICKS = 10

export type CollectorNews =
  | { kind: 'none' }
  | { kind: 'dead'; newest: Collector }
  | { kind: 'waiting'; ticks: number; droppedTicks: number }

/** null where all is as it should be. */
export function collectorNews(collectors: Collector[], now: number): CollectorNews | null {
  const newest = collectors.toSorted((a, b) => b.heartbeatAt.localeCompare(a.heartbeatAt))[0]
  if (newest === undefined) return { kind: 'none' }
  const alive = collectors.filter(({ heartbeatAt }) => now - Date.parse(heartbeatAt) <= DEAD_AFTER_MS)
  if (alive.length === 0) return { kind: 'dead', newest }
  const waiting = alive.filter(({ bufferedTicks }) => bufferedTicks >= WAITING_TICKS)
  if (waiting.length === 0) return null
  return {
    kind: 'waiting',
    ticks: waiting.reduce((sum, { bufferedTicks }) => sum + bufferedTicks, 0),
    droppedTicks: waiting.reduce((sum, { droppedTicks }) => sum + droppedTicks, 0),
  }
}
