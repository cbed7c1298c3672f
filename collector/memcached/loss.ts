/** How much of the stream never arrived, and what that does to a share. */
const KEPT_MS = 10_000

type Entry = { at: number; lines: number; skipped: number; dropped: number | null }

export class LossMeter {
  readonly #now: () => number
  #lines = 0
  #skipped = 0
  /** Of the last ten seconds. */
  #entries: Entry[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  noteLine(): void {
    this.#lines++
  }

  /** By `skipped=` in our stream: the server's buffer for us was full. */
  noteSkipped(count: number): void {
    this.#skipped += count
  }

  /**
   * About once a second: what was noted since. @param dropped by `stats`: the part of the lines that workers dropped,
   * for all watchers; null where the version does not tell, or none was written
   */
  settle(dropped: number | null): void {
    const at = this.#now()
    this.#entries = this.#entries.filter((entry) => at - entry.at < KEPT_MS)
    this.#entries.push({ at, lines: this.#lines, skipped: this.#skipped, dropped })
    this.#lines = 0
    this.#skipped = 0
  }

  /** Part of what happened while watching that was not seen, 0 to 1. */
  get lost(): number {
    const told = this.#entries.filter(({ dropped }) => dropped !== null)
    const dropped = told.length === 0 ? 0 : sum(told, (entry) => entry.dropped ?? 0) / told.length
    const lines = sum(this.#entries, (entry) => entry.lines)
    const skipped = sum(this.#entries, (entry) => entry.skipped)
    const skippedPart = skipped === 0 ? 0 : skipped / (lines + skipped)
    return 1 - (1 - dropped) * (1 - skippedPart)
  }

  /** For the node's page; null while next to nothing is lost. */
  get sentence(): string | null {
    if (this.lost < 0.01) return null
    const percent = Math.round(this.lost * 100)
    return `${percent}% of the stream is lost, and intervals are wider for it: larger buffers (-o watcher_logbuf_size=8192,worker_logbuf_size=4096) keep it.`
  }

  reset(): void {
    this.#lines = 0
    this.#skipped = 0
    this.#entries = []
  }
}

function sum(entries: readonly Entry[], value: (entry: Entry) => number): number {
  return entries.reduce((total, entry) => total + value(entry), 0)
}

type Interval = {
  share: number
  shareLow: number
  shareHigh: number
  opsPerSec: number
  opsPerSecLow: number
  opsPerSecHigh: number
}

/**
 * Lines are lost by worker thread and by moment, not evenly: a key may have lost none of its own, or twice the mean.
 * Its share is within what those two would make of it. @param lost 0 to 1
 */
export function widen<T extends Interval>(rate: T, lost: number): T {
  if (lost <= 0) return rate
  const down = 1 - Math.min(lost, 1)
  const up = lost < 0.5 ? (1 - lost) / (1 - 2 * lost) : Number.POSITIVE_INFINITY
  const nodeOps = rate.share > 0 ? rate.opsPerSec / rate.share : 0
  const shareLow = rate.shareLow * down
  const shareHigh = Math.min(1, rate.shareHigh * up)
  return {
    ...rate,
    shareLow,
    shareHigh,
    opsPerSecLow: shareLow * nodeOps,
    opsPerSecHigh: shareHigh * nodeOps,
  }
}
