/** The log lines of MONITOR bursts, as what they say of the budget. */
import type { BurstEnd } from '../../collector/monitor/burst.ts'

export type LoggedBurst = { costUs: number; end: BurstEnd }

/** The pause after a burst is drawn from this part of its mean upwards. */
const SHORTEST_PAUSE = 0.7

/** What a node may have been charged within a time if each burst was followed by its pause, in microseconds. */
export const mostWithin = (elapsedMs: number, budget: number): number =>
  (elapsedMs * 1_000 * budget) / SHORTEST_PAUSE

/** What the bursts of one node were charged that were followed by their pause: all but the newest, and those that failed. */
export function paidUs(bursts: readonly LoggedBurst[]): number {
  const looked = bursts.filter(({ end }) => !['failed', 'refused', 'aborted'].includes(end.kind))
  return looked.slice(0, -1).reduce((sum, { costUs }) => sum + costUs, 0)
}
