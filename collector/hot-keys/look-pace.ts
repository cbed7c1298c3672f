/**
 * How much of this process the looks for new hot keys may take: a report costs milliseconds, and hundreds of busy
 * nodes have several bursts a second each. Rows in their usual rhythm are made all the same.
 */
import type { Clock } from '../clock.ts'

/** Of one core. */
const SHARE = 0.2
/** What is saved up while nothing is looked at. */
const MAX_SAVED_MS = 200

export class LookPace {
  readonly #clock: Pick<Clock, 'monotonic'>
  #savedMs = MAX_SAVED_MS
  #at: number

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
    this.#at = clock.monotonic()
  }

  /** Whether there is time for a look now. */
  get isFree(): boolean {
    const now = this.#clock.monotonic()
    this.#savedMs = Math.min(MAX_SAVED_MS, this.#savedMs + (now - this.#at) * SHARE)
    this.#at = now
    return this.#savedMs > 0
  }

  /** A look took so long. */
  spend(ms: number): void {
    this.#savedMs -= ms
  }
}
