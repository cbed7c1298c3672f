/** Memcached's `stats`: counters, and what they come to between two readings. Pure. */

export type MemcachedStats = {
  version: string | null
  pid: number | null
  uptimeSeconds: number | null
  threads: number | null
  /** Looks at and stores of keys since the start: a `get` of three keys has three. */
  keyUses: number
  /** Lines that its workers wrote and dropped for all watchers; null in versions that do not tell. */
  logWritten: number | null
  logDropped: number | null
  currentItems: number | null
  usedBytes: number | null
  limitBytes: number | null
}

/** `get_hits` and `get_misses` are parts of `cmd_get`; deletes and increments have no total of their own. */
const KEY_USES = [
  ...['cmd_get', 'cmd_set', 'cmd_touch', 'delete_hits', 'delete_misses'],
  ...['incr_hits', 'incr_misses', 'decr_hits', 'decr_misses'],
]

/** @param lines `STAT name value`; others are left out */
export function parseStats(lines: readonly string[]): MemcachedStats {
  const fields = new Map<string, string>()
  for (const line of lines) {
    const match = /^STAT (\S+) ?(.*)$/.exec(line)
    if (match?.[1] !== undefined) fields.set(match[1], match[2] ?? '')
  }
  const number = (name: string): number | null => {
    const text = fields.get(name)
    const value = Number(text)
    return text === undefined || text === '' || !Number.isFinite(value) ? null : value
  }
  return {
    version: fields.get('version') ?? null,
    pid: number('pid'),
    uptimeSeconds: number('uptime'),
    threads: number('threads'),
    keyUses: KEY_USES.reduce((sum, name) => sum + (number(name) ?? 0), 0),
    logWritten: number('log_worker_written'),
    logDropped: number('log_worker_dropped'),
    currentItems: number('curr_items'),
    usedBytes: number('bytes'),
    limitBytes: number('limit_maxbytes'),
  }
}

export type StatsReading = { stats: MemcachedStats; monotonicMs: number }

export type StatsDiff = {
  /** Uses of keys per second. */
  opsPerSec: number
  /** Of the lines that were to be written, the part that the workers dropped; null where it is not told. */
  dropped: number | null
}

/** @returns null after a restart, and when no time has passed */
export function diffStats(before: StatsReading, after: StatsReading): StatsDiff | null {
  const seconds = (after.monotonicMs - before.monotonicMs) / 1_000
  if (seconds <= 0 || isOther(before.stats, after.stats)) return null
  const written = difference(before.stats.logWritten, after.stats.logWritten)
  const dropped = difference(before.stats.logDropped, after.stats.logDropped)
  return {
    opsPerSec: (after.stats.keyUses - before.stats.keyUses) / seconds,
    dropped:
      written === null || dropped === null || written + dropped === 0 ? null : dropped / (written + dropped),
  }
}

/** Whether another process answers: counters that went backwards are of a restart. */
export function isOther(before: MemcachedStats, after: MemcachedStats): boolean {
  return before.pid !== after.pid || after.keyUses < before.keyUses
}

function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null || after < before ? null : after - before
}
