/**
 * Judges a history: no read older than promised, no acknowledged write lost, no deleted value back after the window,
 * and a process reads its own writes where that is promised. Pure.
 */
import type { Fault, HistoryEvent, Read, Span, Write } from './history.ts'
import { Register } from './register.ts'

export type Rule =
  /** A value that nobody wrote to this key, or not yet. */
  | 'foreign-value'
  /** Older than promised. */
  | 'stale-read'
  /** The same, of a value whose key was deleted meanwhile. */
  | 'deleted-value-returned'
  /** The base key itself, read without the library, has an older value than was acknowledged. */
  | 'lost-write'
  | 'own-write-unseen'
  /** A process had a rejection that nobody took. */
  | 'unhandled-rejection'
  /** A key that was written and never read from its base at the end: nothing is proven of its last write. */
  | 'unread'

export type Violation = {
  rule: Rule
  key: string
  message: string
  read: Read | null
  write: Write | null
  /** How long the value had been replaced, less what was allowed. */
  beyondMs: number
}

/** Upper edges in milliseconds, the last bucket has what is above them. */
export const STALENESS_EDGES_MS = [0, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000] as const

export type ActionCounts = {
  reads: number
  stale: number
  maxStaleMs: number
  /** Counts by STALENESS_EDGES_MS, one more at the end. */
  histogram: number[]
  /** Stale by what Redis itself lost or a deposed primary still answered: not counted as stale above. */
  excused: number
}
export type Verdict = {
  violations: Violation[]
  writes: { acknowledged: number; unknown: number; lostByRedis: number }
  failures: number
  faults: Record<string, number>
  /** By the action in force; `none`: without one; `bare`: without the library. */
  actions: Record<string, ActionCounts>
}

export type CheckOptions = {
  /** For what a busy machine adds to a promise; nothing is added where no mitigation is in force. */
  toleranceMs: number
  /** So long after a fault a span's worst case counts, not its usual one. */
  settleMs: number
}
const DEFAULTS: CheckOptions = { toleranceMs: 500, settleMs: 15_000 }

export function checkHistory(history: HistoryEvent[], options: Partial<CheckOptions> = {}): Verdict {
  const { toleranceMs, settleMs } = { ...DEFAULTS, ...options }
  const faults = history.filter((event) => event.kind === 'fault')
  const spans = Map.groupBy(
    history.filter((event) => event.kind === 'span'),
    ({ key }) => key,
  )
  const writes = history.filter((event) => event.kind === 'write')
  const reads = history.filter((event) => event.kind === 'read')
  const verdict: Verdict = {
    violations: [],
    writes: {
      acknowledged: writes.filter(({ outcome }) => outcome === 'ok').length,
      unknown: writes.filter(({ outcome }) => outcome === 'unknown').length,
      lostByRedis: 0,
    },
    failures: history.filter((event) => event.kind === 'failure').length,
    faults: {},
    actions: {},
  }
  for (const { name } of faults) verdict.faults[name] = (verdict.faults[name] ?? 0) + 1
  for (const event of history) {
    if (event.kind !== 'unhandled') continue
    const message = `${event.process} (${event.via}) at ${(event.atUs / 1e6).toFixed(3)} s: ${event.error}`
    verdict.violations.push({
      ...{ rule: 'unhandled-rejection', key: '', message, read: null, write: null, beyondMs: 0 },
    })
  }
  const byKey = Map.groupBy(reads, ({ key }) => key)
  const writtenByKey = Map.groupBy(writes, ({ key }) => key)
  for (const key of new Set([...byKey.keys(), ...writtenByKey.keys()])) {
    const register = new Register(key, writtenByKey.get(key) ?? [], faults)
    const judge = new KeyJudge(register, spans.get(key) ?? [], faults, toleranceMs, settleMs, verdict)
    judge.check(byKey.get(key) ?? [])
  }
  return verdict
}

class KeyJudge {
  readonly #register: Register
  readonly #spans: Span[]
  readonly #faults: Fault[]
  readonly #toleranceMs: number
  readonly #settleUs: number
  readonly #verdict: Verdict
  readonly #lost = new Set<Write>()

  constructor(
    register: Register,
    spans: Span[],
    faults: Fault[],
    toleranceMs: number,
    settleMs: number,
    verdict: Verdict,
  ) {
    this.#register = register
    this.#spans = spans
    this.#faults = faults
    this.#toleranceMs = toleranceMs
    this.#settleUs = settleMs * 1_000
    this.#verdict = verdict
  }

  check(reads: Read[]): void {
    for (const read of reads) this.#checkRead(read)
    this.#checkOwnWrites(reads)
    this.#checkEnd(reads)
    this.#verdict.writes.lostByRedis += this.#lost.size
  }

  #checkRead(read: Read): void {
    const { value, invokedUs, returnedUs } = read
    const written = value === null ? null : this.#register.written(value)
    if (value !== null && (written === null || written.invokedUs > returnedUs)) {
      const what = written === null ? 'nobody wrote to this key' : 'was written only later'
      this.#report('foreign-value', read, null, 0, `read a value that ${what}: ${value}`)
      return
    }
    const span = read.via === 'bare' ? null : this.#spanOf(read)
    const counts = this.#countsOf(read.via === 'bare' ? 'bare' : (span?.action ?? 'none'))
    counts.reads++
    const strictUs = this.#register.ageUs(value, invokedUs, returnedUs, true)
    const isExcusable = strictUs > 0 && this.#register.mayHaveLostBefore(returnedUs)
    const ageUs = isExcusable ? this.#register.ageUs(value, invokedUs, returnedUs, false) : strictUs
    if (isExcusable && ageUs < strictUs) {
      counts.excused++
      if (read.via === 'bare') this.#noteLost(read)
    }
    count(counts, ageUs / 1_000)
    const allowedMs = span === null ? 0 : this.#allowedMs(span, read)
    if (ageUs / 1_000 <= allowedMs) return
    const beyondMs = ageUs / 1_000 - allowedMs
    const deletion = value === null ? null : this.#register.deletedBy(value, invokedUs - allowedMs * 1_000)
    const rule = deletion ? 'deleted-value-returned' : read.via === 'bare' ? 'lost-write' : 'stale-read'
    const age = ageUs === Number.POSITIVE_INFINITY ? 'was never current' : `was replaced ${ms(ageUs)} before`
    const message = `read ${value ?? 'nothing'}, which ${age} (${span?.action ?? 'no mitigation'}: ${allowedMs} ms are allowed)`
    this.#report(rule, read, deletion, beyondMs, message)
  }

  /** Where several follow each other closely, the longest promise. */
  #spanOf(read: Read): Span | null {
    const over = this.#spans.filter(({ fromUs, toUs }) => fromUs <= read.returnedUs && toUs >= read.invokedUs)
    return over.toSorted((a, b) => b.worstMs - a.worstMs)[0] ?? null
  }

  #allowedMs(span: Span, { invokedUs, returnedUs }: Read): number {
    const isSettled = !this.#faults.some(
      ({ startedUs, endedUs }) => startedUs <= returnedUs && endedUs + this.#settleUs >= invokedUs,
    )
    return (isSettled ? span.usualMs : span.worstMs) + this.#toleranceMs
  }

  /** Acknowledged writes that the base key itself had forgotten when it was read. */
  #noteLost(read: Read): void {
    for (const write of this.#register.writes) {
      if (write.outcome !== 'ok' || write.returnedUs >= read.invokedUs) continue
      if (this.#register.mayBeLost(write) && this.#register.precedes(read.value, write, read.returnedUs)) {
        this.#lost.add(write)
      }
    }
  }

  #checkOwnWrites(reads: Read[]): void {
    const own = Map.groupBy(
      this.#register.writes.filter(({ outcome }) => outcome === 'ok'),
      ({ process }) => process,
    )
    for (const [process, written] of own) {
      const writes = written.toSorted((a, b) => a.returnedUs - b.returnedUs)
      let next = 0
      let last: Write | null = null
      for (const read of reads
        .filter((one) => one.process === process)
        .toSorted((a, b) => a.invokedUs - b.invokedUs)) {
        for (; (writes[next]?.returnedUs ?? Infinity) <= read.invokedUs; next++) last = writes[next] ?? last
        if (last === null) continue
        const span = read.via === 'bare' ? null : this.#spanOf(read)
        if (span !== null && read.invokedUs - last.returnedUs >= span.ownReadsMs * 1_000) continue
        if (this.#register.mayBeLost(last)) continue
        if (!this.#register.precedes(read.value, last, read.returnedUs)) continue
        const lateMs = (read.invokedUs - last.returnedUs) / 1_000
        const message = `read ${read.value ?? 'nothing'} ${lateMs.toFixed(1)} ms after its own ${last.value ?? 'deletion'} was acknowledged (${span?.action ?? 'no mitigation'})`
        this.#report('own-write-unseen', read, last, lateMs, message)
      }
    }
  }

  #checkEnd(reads: Read[]): void {
    const last = Math.max(...this.#register.writes.map(({ returnedUs }) => returnedUs))
    for (const via of ['bare', 'library'] as const) {
      if (reads.some((read) => read.via === via && read.invokedUs >= last)) continue
      this.#verdict.violations.push({
        rule: 'unread',
        key: this.#register.key,
        message: `was not read by a ${via} client after its last write`,
        read: null,
        write: null,
        beyondMs: 0,
      })
    }
  }

  #countsOf(action: string): ActionCounts {
    const known = this.#verdict.actions[action]
    if (known) return known
    const histogram = new Array<number>(STALENESS_EDGES_MS.length + 1).fill(0)
    const counts: ActionCounts = { reads: 0, stale: 0, maxStaleMs: 0, histogram, excused: 0 }
    this.#verdict.actions[action] = counts
    return counts
  }

  #report(rule: Rule, read: Read, write: Write | null, beyondMs: number, message: string): void {
    const { key } = this.#register
    const text = `${read.process} at ${(read.invokedUs / 1e6).toFixed(3)} s, ${read.how}: ${message}`
    this.#verdict.violations.push({ rule, key, message: text, read, write, beyondMs })
  }
}

function count(counts: ActionCounts, ageMs: number): void {
  const bucket = STALENESS_EDGES_MS.findIndex((edge) => ageMs <= edge)
  const at = bucket === -1 ? STALENESS_EDGES_MS.length : bucket
  counts.histogram[at] = (counts.histogram[at] ?? 0) + 1
  if (ageMs > 0) counts.stale++
  counts.maxStaleMs = Math.max(counts.maxStaleMs, ageMs)
}

const ms = (us: number): string => `${(us / 1_000).toFixed(1)} ms`
