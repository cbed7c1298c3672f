/** How much of the stream never arrived, and what that does to a share. */
import type { HotKeyRate } from '../../core/hot-keys/report.ts'

const KEPT_MS = 10_000

export class LossMeter {
  readonly #now: () => number
  #lines = 0
  #skipped = 0
  #dropped: { at: number; part: number }[] = []
  #since = 0
  #skippedPart = 0

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

  /** By `stats`, about once a second: the part of the lines that workers dropped, for all watchers. */
  noteDropped(part: number): void {
    const at = this.#now()
    this.#dropped = this.#dropped.filter((entry) => at - entry.at < KEPT_MS)
    this.#dropped.push({ at, part })
    if (at - this.#since < KEPT_MS / 2 && this.#skipped === 0) return
    const all = this.#lines + this.#skipped
    if (all > 0) this.#skippedPart = this.#skipped / all
    if (at - this.#since < KEPT_MS / 2) return
    this.#since = at
    this.#lines = 0
    this.#skipped = 0
  }

  /** Part of what happened while watching that was not seen, 0 to 1. */
  get lost(): number {
    const { length } = this.#dropped
    const dropped = length === 0 ? 0 : this.#dropped.reduce((sum, { part }) => sum + part, 0) / length
    return 1 - (1 - dropped) * (1 - this.#skippedPart)
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
    this.#skippedPart = 0
    this.#dropped = []
  }
}

/**
 * Lines are lost by worker thread and by moment, not evenly: a key may have lost none of its own, or twice the mean.
 * Its share is within what those two would make of it. @param lost 0 to 1
 */
export function widen(rate: HotKeyRate, lost: number): HotKeyRate {
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
