/** What one mitigation has written of itself: steps before they are done, its memory, its message. */
import type { Acknowledgement, MitigationPhase } from '../../core/mitigations/model.ts'
import type { Store } from '../../store/client.ts'
import {
  listStepsDone,
  type Patch,
  patchMitigation,
  type RunningMitigation,
  savePhase,
  saveStepEnded,
  saveStepStarted,
  type Writer,
} from '../../store/mitigation-progress.ts'
import type { Clock } from '../clock.ts'
import { NodeFailure } from '../connection/failure.ts'
import { sameAcknowledgement } from './acknowledgement.ts'
import type { StepOptions } from './action.ts'
import { Halted } from './halted.ts'

export type JournalOptions = {
  store: Store
  writer: Writer
  clock: Clock
  /** Whether the cache is certainly ours. */
  isHeld(): boolean
  /** Told before and after every write. */
  onWrite(at: string): void | Promise<void>
}

export class Journal {
  row: RunningMitigation
  readonly #options: JournalOptions
  #done: Map<string, number> | null = null
  /** As the store has it. */
  #acknowledgement: Acknowledgement | null
  /** Counted since, and told with what the turn comes to say: the two name the same numbers. */
  #counted: Acknowledgement | null = null
  /** Steps whose last attempt a node has failed: the next one waits longer each time. */
  readonly #failed = new Map<string, { error: NodeFailure; delayMs: number; retryAt: number }>()
  #wroteAt = Number.NEGATIVE_INFINITY

  constructor(row: RunningMitigation, options: JournalOptions) {
    this.row = row
    this.#acknowledgement = row.acknowledgement
    this.#options = options
  }

  /** It has gone to another phase, and what the store has of it now was not taken yet. */
  isStale = false

  /** @param readAt when it was asked for, by the monotonic clock: what is behind what was written here is ignored */
  take(row: RunningMitigation, readAt: number): void {
    if (readAt <= this.#wroteAt) return
    this.row = row
    this.#acknowledgement = row.acknowledgement
    this.#counted = null
    this.isStale = false
  }

  /**
   * @throws Halted, CachescopeError store-unreachable, and what `run` throws; the same once more, without a look, for a
   * while after a node's failure
   */
  async step<T>(options: StepOptions, run: () => Promise<T>): Promise<T | undefined> {
    const { mitigationId, phase } = this.row
    const { store, writer, clock } = this.#options
    const id = `${phase} ${options.name}`
    this.#done ??= await listStepsDone(store, mitigationId)
    if (this.#done.has(id)) return undefined
    const failed = this.#failed.get(id)
    if (failed !== undefined && clock.monotonic() < failed.retryAt) throw failed.error
    const name = options.name.replace(/ from \d{4}-.*$/, '')
    const { node = null, command = null } = options
    const step = { mitigationId, phase, name: options.name, node, command, now: clock.now() }
    const stepId = await this.#write(`step ${name}`, () => saveStepStarted(store, writer, step))
    if (stepId === null) throw new Halted()
    const end = (result: 'ok' | 'failed', message: string | null) =>
      this.#write(`${result} of step ${name}`, () =>
        saveStepEnded(store, writer, stepId, { result, message, now: clock.now() }),
      )
    let value: T
    try {
      value = await run()
    } catch (error) {
      if (!(error instanceof Halted)) {
        // What only lies elsewhere by now is tried there at once.
        if (error instanceof NodeFailure && error.movedTo === null) {
          const delayMs = Math.min(RETRY_MS.most, (failed?.delayMs ?? RETRY_MS.least / 2) * 2)
          this.#failed.set(id, { error, delayMs, retryAt: clock.monotonic() + delayMs })
        }
        await end('failed', error instanceof Error ? error.message : null)
      }
      throw error
    }
    this.#failed.delete(id)
    await end('ok', null)
    this.#done.set(id, clock.now())
    return value
  }

  /** When the step of this phase ended as ok, in epoch milliseconds; null while it has not. */
  async doneAt(name: string): Promise<number | null> {
    this.#done ??= await listStepsDone(this.#options.store, this.row.mitigationId)
    return this.#done.get(`${this.row.phase} ${name}`) ?? null
  }

  /** @throws Halted, CachescopeError store-unreachable */
  async saveState(state: unknown): Promise<void> {
    const isPolicyChange = planOf(state) !== planOf(this.row.state)
    await this.patch('state', { state, isPolicyChange })
    this.row = { ...this.row, state }
  }

  /** To be written with the next message, or before the phase is left. */
  noteAcknowledgement(acknowledgement: Acknowledgement): void {
    this.row = { ...this.row, acknowledgement }
    this.#counted = acknowledgement
  }

  /** With what was counted since the last one. Nothing is written where nothing is new. */
  async saveMessage(message: string | null, progress: RunningMitigation['progress']): Promise<void> {
    const { row } = this
    const isNew = message !== row.message || JSON.stringify(progress) !== JSON.stringify(row.progress)
    const acknowledgement = this.#newCount()
    if (!isNew && acknowledgement === undefined) return
    const what = isNew ? 'message' : 'acknowledgement'
    await this.patch(what, { ...(isNew ? { message, progress } : {}), acknowledgement })
    this.row = { ...this.row, message, progress }
    if (acknowledgement !== undefined) this.#acknowledgement = acknowledgement
  }

  #newCount(): Acknowledgement | undefined {
    const [before, counted] = [this.#acknowledgement, this.#counted]
    if (counted === null) return undefined
    if (before === null || !sameAcknowledgement(before, counted)) return counted
    // The page shows how old it is: what was counted again is not as old as what it says.
    return Date.parse(counted.at) - Date.parse(before.at) > RENEW_MS ? counted : undefined
  }

  async patch(what: string, patch: Patch): Promise<void> {
    const { store, writer } = this.#options
    const isSaved = await this.#write(what, () =>
      patchMitigation(store, writer, this.row.mitigationId, patch),
    )
    if (!isSaved) throw new Halted()
  }

  /** @throws Halted where it is in another phase by now, or the lease is gone */
  async go(
    to: MitigationPhase,
    options: { outcome: RunningMitigation['outcome']; message: string | null; event: string },
  ): Promise<void> {
    const { store, writer, clock } = this.#options
    const { mitigationId, phase: from } = this.row
    const change = { mitigationId, from, to, ...options, now: clock.now() }
    this.isStale = true
    if (this.#newCount() !== undefined) await this.saveMessage(options.message, null)
    const isSaved = await this.#write(`phase ${to}`, () => savePhase(store, writer, change))
    if (!isSaved) throw new Halted()
  }

  async #write<T>(what: string, run: () => Promise<T>): Promise<T> {
    const { isHeld, onWrite, clock } = this.#options
    if (!isHeld()) throw new Halted()
    await onWrite(`before writing ${what}`)
    try {
      return await run()
    } finally {
      this.#wroteAt = clock.monotonic()
      await onWrite(`after writing ${what}`)
    }
  }
}

const RETRY_MS = { least: 400, most: 5_000 }

/** After which an acknowledgement that says the same is written again. */
const RENEW_MS = 10_000

/** What applications can see of a state. */
function planOf(state: unknown): string {
  return typeof state === 'object' && state !== null && 'plan' in state ? JSON.stringify(state.plan) : 'null'
}
