/** When the viral article is viral: some time after the start, then on and off. Times in milliseconds. */
export type ViralSchedule = { afterMs: number; onMs: number; offMs: number }

export const VIRAL_ARTICLE = 42
/** On for long enough to mitigate it in each way and to see it come back; a proof needs a minute of steady traffic. */
export const DEFAULT_VIRAL: ViralSchedule = { afterMs: 60_000, onMs: 600_000, offMs: 60_000 }

/** @param sinceStartMs time since the demo's traffic began */
export function isViral(schedule: ViralSchedule, sinceStartMs: number): boolean {
  const since = sinceStartMs - schedule.afterMs
  return since >= 0 && since % (schedule.onMs + schedule.offMs) < schedule.onMs
}
