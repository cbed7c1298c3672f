/**
 * One key as a register: when each value may have been the current one. Whatever cannot be known counts in favour of
 * the system, so that what is reported as stale is stale.
 */
import type { Fault, Write } from './history.ts'

/** Redis answers a write before its replica has it: what was answered so shortly before a fault may go with it. */
const LOSS_US = 1_000_000
/** A write whose answer was an error may still be carried out for so long after whatever held it up. */
const IN_DOUBT_US = 2_000_000
/** Servers round a time to live to milliseconds. */
const EXPIRY_US = 2_000

/** A span in which the key may have been absent: since a deletion or an expiry, or from the beginning. */
type Absence = { fromUs: number; afterUs: number; write: Write | null }

export class Register {
  readonly key: string
  readonly writes: Write[]
  readonly #byValue = new Map<string, Write>()
  readonly #faults: Fault[]
  readonly #allFaults: Fault[]
  readonly #acknowledged: Successors
  readonly #kept: Successors
  readonly #absences: Absence[]

  /** @param faults those of the whole history */
  constructor(key: string, writes: Write[], faults: Fault[]) {
    this.key = key
    this.writes = writes
    this.#allFaults = faults
    this.#faults = faults.filter(({ mayLose }) => mayLose.includes(key))
    for (const write of writes) if (write.value !== null) this.#byValue.set(write.value, write)
    const answered = writes.filter(({ outcome }) => outcome === 'ok')
    this.#acknowledged = new Successors(answered)
    this.#kept = new Successors(answered.filter((write) => !this.mayBeLost(write)))
    this.#absences = [{ fromUs: Number.NEGATIVE_INFINITY, afterUs: Number.NEGATIVE_INFINITY, write: null }]
    for (const write of writes) {
      const afterUs = this.endOf(write)
      if (write.value === null) this.#absences.push({ fromUs: write.invokedUs, afterUs, write })
      else if (write.expiresInMs !== null) {
        const fromUs = write.invokedUs + write.expiresInMs * 1_000 - EXPIRY_US
        this.#absences.push({ fromUs, afterUs, write })
      }
    }
  }

  written(value: string): Write | null {
    return this.#byValue.get(value) ?? null
  }

  /** Whether Redis itself may have forgotten a write that it had acknowledged. */
  mayBeLost(write: Write): boolean {
    return this.#faults.some(
      ({ startedUs, endedUs }) => write.returnedUs >= startedUs - LOSS_US && write.returnedUs <= endedUs,
    )
  }

  /** From then on the write has been carried out, or never will be. */
  endOf(write: Write): number {
    if (write.outcome === 'ok') return write.returnedUs
    const held = this.#allFaults.filter(
      ({ startedUs, endedUs }) => startedUs <= write.returnedUs && endedUs >= write.invokedUs,
    )
    return Math.max(write.returnedUs, ...held.map(({ endedUs }) => endedUs)) + IN_DOUBT_US
  }

  /**
   * How long before `atUs` the value was last the current one; 0 when it may have been at `atUs`.
   * `strict`: as if Redis never lost a write that it had acknowledged.
   */
  ageUs(value: string | null, atUs: number, untilUs: number, strict: boolean): number {
    return Math.max(0, atUs - this.#lastCurrentUs(value, untilUs, strict))
  }

  /** Whether a value that is current again by a fault is possible for a read that ended then. */
  mayHaveLostBefore(untilUs: number): boolean {
    return this.#faults.some(({ startedUs }) => startedUs <= untilUs)
  }

  /** The deletion, if it was one, that ended the value. */
  deletedBy(value: string, beforeUs: number): Write | null {
    const write = this.written(value)
    if (write === null) return null
    const end = this.endOf(write)
    return (
      this.writes.find(
        (next) =>
          next.value === null && next.outcome === 'ok' && next.invokedUs > end && next.returnedUs < beforeUs,
      ) ?? null
    )
  }

  /** Whether what was read is older than `own` for certain. */
  precedes(value: string | null, own: Write, untilUs: number): boolean {
    if (value !== null) {
      const write = this.written(value)
      return write !== null && write !== own && this.endOf(write) < own.invokedUs
    }
    return !this.#absences.some(
      ({ fromUs, afterUs, write }) => fromUs <= untilUs && (write === own || afterUs >= own.invokedUs),
    )
  }

  #lastCurrentUs(value: string | null, untilUs: number, strict: boolean): number {
    const successors = strict ? this.#acknowledged : this.#kept
    if (value !== null) {
      const write = this.written(value)
      if (write === null) return Number.NEGATIVE_INFINITY
      const end = this.endOf(write)
      const expiresUs = write.expiresInMs === null ? Infinity : end + write.expiresInMs * 1_000 + EXPIRY_US
      return Math.min(successors.firstAfter(end), expiresUs)
    }
    let last = Number.NEGATIVE_INFINITY
    for (const { fromUs, afterUs } of this.#absences) {
      if (fromUs > untilUs) continue
      const ended = successors.firstAfter(afterUs)
      if (ended >= fromUs) last = Math.max(last, ended)
    }
    return last
  }
}

/** Acknowledged writes, asked for the first that was certainly carried out after a moment. */
class Successors {
  readonly #invoked: number[]
  /** The earliest answer among the writes from this one on. */
  readonly #answered: number[]

  constructor(writes: Write[]) {
    const sorted = writes.toSorted((a, b) => a.invokedUs - b.invokedUs)
    this.#invoked = sorted.map(({ invokedUs }) => invokedUs)
    this.#answered = sorted.map(({ returnedUs }) => returnedUs)
    for (let at = sorted.length - 2; at >= 0; at--) {
      this.#answered[at] = Math.min(this.#answered[at] ?? Infinity, this.#answered[at + 1] ?? Infinity)
    }
  }

  /** @returns when it was answered; Infinity: there is none */
  firstAfter(us: number): number {
    let low = 0
    let high = this.#invoked.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#invoked[middle] ?? 0) > us) high = middle
      else low = middle + 1
    }
    return this.#answered[low] ?? Number.POSITIVE_INFINITY
  }
}
