/** Measures a mitigation: one window before it was active, two after, what they come to, and then whether it does harm. */

import type { Measures, Proof } from '../../core/mitigations/measures.ts'
import type { Mitigation } from '../../core/mitigations/model.ts'
import type { Observed } from '../../core/mitigations/observed.ts'
import { decide } from '../../core/mitigations/proof.ts'
import { findHarm } from '../../core/mitigations/proof-harm.ts'
import type { WaitFigures } from '../../core/waits.ts'
import type { Store } from '../../store/client.ts'
import { measureWindow, waitMeasures } from '../../store/mitigation-measures.ts'
import type { Journal } from './journal.ts'
import type { MirrorStatus } from './mirror/mirror.ts'

/** Applications hear of it within two polls, and the heartbeat after that still tells of the time before as well. */
const SETTLE_MS = 10_000
/** Samples and heartbeats of a window are in the store so long after its end. */
const ARRIVE_MS = 2_500
const WINDOWS = 2

export type ProveOptions = {
  mirror: MirrorStatus | null
  /** From when on it has its effect, in epoch milliseconds. */
  sinceMs: number
  now: number
  /** What the action sees itself of whom it is aimed at. */
  observe?(when: 'before' | 'after'): Promise<Observed | null>
  /** How long the applications' reads of the target took between the two, epoch milliseconds; null where none tells. */
  waitsBetween?(from: number, to: number): WaitFigures | null
}

export class Prover {
  readonly #store: Store
  readonly #windowMs: number
  /** The end of the window that was last looked at for harm. */
  #watchedTo = Number.NEGATIVE_INFINITY

  constructor(store: Store, windowMs: number) {
    this.#store = store
    this.#windowMs = windowMs
  }

  /**
   * @param mitigation one that is active
   * @returns what has become known since; null while there is nothing new
   * @throws CachescopeError store-unreachable
   */
  async prove(mitigation: Mitigation, options: ProveOptions): Promise<Proof | null> {
    const { mirror, sinceMs, now, observe = async () => null, waitsBetween } = options
    const activeAt = Date.parse(mitigation.phaseSince)
    const proof = mitigation.proof ?? empty()
    const divergence = divergenceOf(proof, mirror)
    if (proof.before === null && proof.after.length === 0) {
      if (now < activeAt + ARRIVE_MS) return null
      const from = activeAt - this.#windowMs
      const waits = waitsBetween?.(from, activeAt) ?? null
      const before = withWaits(await this.#measure(mitigation, from), waits)
      return { ...proof, before: { ...before, ...seen(await observe('before')) }, divergence }
    }
    // A pause has come to something once it is over; until then it may do harm.
    if (mitigation.action === 'pause-writes' && sinceMs <= activeAt) {
      return this.#watch(mitigation, { proof, divergence, from: activeAt + SETTLE_MS, now })
    }
    const from = sinceMs + SETTLE_MS + proof.after.length * this.#windowMs
    if (proof.after.length >= WINDOWS) return this.#watch(mitigation, { proof, divergence, from, now })
    if (now < from + this.#windowMs + ARRIVE_MS) return null
    const window = await this.#measure(mitigation, from)
    const after = [...proof.after, { ...window, ...seen(await observe('after')) }]
    const { action, parameters, preview } = mitigation
    const decision = decide({ action, parameters, preview, before: proof.before, after, divergence })
    return { before: proof.before, after, ...decision, decidedAt: new Date(now).toISOString(), divergence }
  }

  /** The newest window of those that follow `from` one after another: the verdict stays unless it does harm. */
  async #watch(
    mitigation: Mitigation,
    options: { proof: Proof; divergence: Proof['divergence']; from: number; now: number },
  ): Promise<Proof | null> {
    const { proof, divergence, from, now } = options
    const hasChanged = toldOf(divergence) !== toldOf(proof.divergence)
    const count = Math.floor((now - ARRIVE_MS - from) / this.#windowMs)
    const to = from + count * this.#windowMs
    if (count < 1 || to <= this.#watchedTo) return hasChanged ? { ...proof, divergence } : null
    const window = await this.#measure(mitigation, to - this.#windowMs)
    const earlier =
      count > 1 ? await this.#measure(mitigation, to - 2 * this.#windowMs) : (proof.after.at(-1) ?? null)
    this.#watchedTo = to
    const { action } = mitigation
    const harm = findHarm({ action, before: proof.before }, window, earlier, divergence)
    if (harm === null) return divergence === null ? null : { ...proof, divergence }
    const decidedAt = new Date(now).toISOString()
    return { ...proof, verdict: 'harmful', because: harm, decidedAt, divergence }
  }

  #measure(mitigation: Mitigation, from: number): ReturnType<typeof measureWindow> {
    return measureWindow(this.#store, mitigation, from, from + this.#windowMs)
  }
}

/** What was timed while it was prepared is of a second or two, in which a machine may have been idle or stuck: nothing is compared with it. */
function withWaits(before: Measures, waits: WaitFigures | null): Measures {
  return { ...before, ...(waits === null ? { p99LowUs: null, p99HighUs: null } : waitMeasures(waits)) }
}

/** @returns what is to be done about what the mitigation has come to; null: nothing yet */
export async function proveAndWrite(
  prover: Prover,
  journal: Journal,
  options: ProveOptions,
): Promise<'harmful' | 'decided' | null> {
  const { row } = journal
  // Killed between the two: it is written, and was not acted upon.
  if (row.proof?.verdict === 'harmful') return 'harmful'
  const proof = await prover.prove(row, options)
  if (proof !== null) {
    await journal.patch('proof', { proof })
    journal.row = { ...journal.row, proof }
  }
  if (journal.row.proof?.verdict === 'harmful') return 'harmful'
  return isDecided(journal.row.proof) ? 'decided' : null
}

/** Whether a proof has all its windows. */
function isDecided(proof: Proof | null): boolean {
  return proof !== null && proof.after.length >= WINDOWS
}

function seen(observed: Observed | null): Pick<Measures, 'observed'> {
  return observed === null ? {} : { observed }
}

function empty(): Proof {
  return { before: null, after: [], verdict: null, because: null, decidedAt: null, divergence: null }
}

/** Comparisons alone, one a second, are no news. */
function toldOf(divergence: Proof['divergence']): string {
  return divergence === null ? '' : `${divergence.diverged} ${divergence.since}`
}

function divergenceOf(proof: Proof, mirror: MirrorStatus | null): Proof['divergence'] {
  if (mirror === null) return proof.divergence
  const { probes, diverged, divergedSince } = mirror
  return {
    probes,
    diverged,
    since: divergedSince === null ? null : new Date(divergedSince).toISOString(),
  }
}
