/** Counters of two readings of one node, as rates. What cannot be told is null: never negative, never absurd. */

export type CounterReading = {
  /** Milliseconds of a clock that never steps. */
  atMs: number
  /** The server's id of this run; null where it does not say. */
  runId: string | null
  uptimeSeconds: number | null
  role: string | null
  /** Counters that only grow while the server runs; null is unknown. */
  counters: Readonly<Record<string, number | null>>
}
export type CounterBreak = 'restart' | 'counters-reset' | 'role-change'
export type CounterDiff = {
  /** Since the reading before; null without one. */
  elapsedMs: number | null
  /** Why the two cannot be compared; null when they can. */
  break: CounterBreak | null
  /** Growth of each counter of the current reading; null where unknown or not comparable. */
  deltas: Record<string, number | null>
  /** The same per second. */
  perSecond: Record<string, number | null>
}

/** Uptime has whole seconds and our clock has jitter: less than this is not a restart. */
const UPTIME_SLACK_SECONDS = 2
/** Rates over less are noise. */
const MIN_ELAPSED_MS = 50

export function diffCounters(previous: CounterReading | null, current: CounterReading): CounterDiff {
  const names = Object.keys(current.counters)
  const nothing = () => Object.fromEntries(names.map((name) => [name, null]))
  if (!previous) return { elapsedMs: null, break: null, deltas: nothing(), perSecond: nothing() }

  const elapsedMs = current.atMs - previous.atMs
  const why = findBreak(previous, current)
  if (why !== null || elapsedMs < MIN_ELAPSED_MS) {
    return { elapsedMs, break: why, deltas: nothing(), perSecond: nothing() }
  }
  const deltas: Record<string, number | null> = {}
  const perSecond: Record<string, number | null> = {}
  for (const name of names) {
    const delta = deltaOf(previous.counters[name], current.counters[name])
    deltas[name] = delta
    perSecond[name] = delta === null ? null : (delta * 1_000) / elapsedMs
  }
  return { elapsedMs, break: null, deltas, perSecond }
}

function deltaOf(before: number | null | undefined, now: number | null | undefined): number | null {
  return before === null || before === undefined || now === null || now === undefined ? null : now - before
}

function findBreak(previous: CounterReading, current: CounterReading): CounterBreak | null {
  if (previous.runId !== null && current.runId !== null) {
    if (previous.runId !== current.runId) return 'restart'
  } else if (previous.uptimeSeconds !== null && current.uptimeSeconds !== null) {
    if (current.uptimeSeconds < previous.uptimeSeconds - UPTIME_SLACK_SECONDS) return 'restart'
  }
  const wentBack = Object.entries(current.counters).some(([name, now]) => {
    const delta = deltaOf(previous.counters[name], now)
    return delta !== null && delta < 0
  })
  if (wentBack) return 'counters-reset'
  // A replica's counters hold what its primary sent it: after a failover the difference is of two kinds of load.
  return previous.role !== null && current.role !== null && previous.role !== current.role
    ? 'role-change'
    : null
}

/** What clients did, without the commands that we sent ourselves; never below zero. */
export function withoutOwn(total: number | null, own: number): number | null {
  return total === null ? null : Math.max(0, total - own)
}
