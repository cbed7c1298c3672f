/** Takes one mitigation through its phases: one turn at a time, each from what is written. */
import { ENDING_ACTIONS, type Mitigation, type MitigationPhase } from '../../core/mitigations/model.ts'
import { PHASE_WORDS } from '../../core/mitigations/words.ts'
import { FINISHED } from '../../store/mitigation-rows.ts'
import { NodeFailure } from '../connection/failure.ts'
import type { Logger } from '../logger.ts'
import type { Action, ActionContext, Outcome } from './action.ts'
import { Halted } from './halted.ts'
import type { Journal } from './journal.ts'

export type RunnerOptions = {
  journal: Journal
  /** null: this version does not know how. */
  action: Action | null
  /** What the action is given, as of now. */
  context(): ActionContext
  /**
   * Measures its effect, and writes what it finds.
   * @param sinceMs from when on it has its effect, in epoch milliseconds
   * @returns null until it is decided; `harmful` at any time
   */
  prove(sinceMs: number): Promise<'harmful' | 'decided' | null>
  now(): number
  logger: Logger
}

export class Runner {
  readonly #options: RunnerOptions
  #running: Promise<void> | null = null

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  get isBusy(): boolean {
    return this.#running !== null
  }

  /** One turn, unless one is under way. @returns whether it has gone to another phase */
  async turn(): Promise<boolean> {
    if (this.#running || this.#options.journal.isStale) return false
    let hasGone = false
    this.#running = this.#turn().then((gone) => {
      hasGone = gone
    })
    try {
      await this.#running
    } finally {
      this.#running = null
    }
    return hasGone
  }

  /** Resolves when the turn under way has ended, and the action has let go. */
  async stop(): Promise<void> {
    await this.#running?.catch(() => {})
    await this.#options.action?.stop(this.#options.journal.row.mitigationId)
  }

  async #turn(): Promise<boolean> {
    try {
      return await this.#act()
    } catch (error) {
      if (error instanceof Halted) return false
      await this.#tell(error)
      return false
    }
  }

  async #tell(error: unknown): Promise<void> {
    const { journal, logger } = this.#options
    const { mitigationId, cacheId } = journal.row
    const { name, code } = error as { name?: string; code?: string }
    // Told once, by the writer of ticks.
    if (code?.startsWith('store-unreachable')) return
    const isNode = error instanceof NodeFailure
    // The name only: a message may repeat a reply.
    if (!isNode)
      logger.error({ cache: cacheId, mitigation: mitigationId, error: name }, 'a mitigation failed')
    const message = isNode ? `Waits: ${messageOf(error)}` : 'An error that nobody foresaw; it is tried again.'
    await journal.saveMessage(message, null).catch(() => {})
  }

  async #act(): Promise<boolean> {
    const { journal, action, now } = this.#options
    const { row } = journal
    if (action === null) {
      return this.#go('off', 'refused', `${row.action} is not known to this version of the collector.`)
    }
    if (row.phase === 'active') {
      const doneAt = await journal.doneAt(FINISHED)
      if (doneAt !== null) return this.#measure(doneAt)
      // Killed between the two: it is done, only that is not written as a step yet.
      if (row.message?.startsWith(MEASURED)) return this.#markFinished()
    }
    if (row.phase !== 'draining') {
      if (row.desired === 'off') return this.#go('draining', 'drained', `${row.actor}: ${row.reason}`)
      if (now() >= Date.parse(row.expiresAt)) return this.#go('draining', 'expired', 'Its time is over.')
    }
    switch (row.phase) {
      case 'prepare':
        return this.#prepare(action)
      case 'active':
        return this.#keep(action)
      case 'draining':
        return this.#drain(action)
      case 'off':
        return false
    }
  }

  async #prepare(action: Action): Promise<boolean> {
    const outcome = await action.prepare(this.#options.context())
    if (outcome.kind === 'done') return this.#go('active', null, outcome.message ?? null)
    if (outcome.kind === 'refused') return this.#go('off', 'refused', outcome.message)
    return this.#otherwise(outcome)
  }

  async #keep(action: Action): Promise<boolean> {
    const { journal, context, prove } = this.#options
    if ((await journal.doneAt(ACTIVATED)) === null) {
      const outcome = await action.activate(context())
      if (outcome.kind !== 'done') return this.#otherwise(outcome)
      await journal.step({ name: ACTIVATED }, async () => {})
      if (outcome.message !== undefined) await journal.saveMessage(outcome.message, null)
      return false
    }
    const outcome = await action.watch(context())
    if (outcome.kind === 'finished' || outcome.kind === 'failed') return this.#otherwise(outcome)
    if ((await prove(Date.parse(journal.row.phaseSince))) === 'harmful') {
      return this.#go('draining', 'harmful', journal.row.proof?.because ?? 'It does harm.')
    }
    return this.#otherwise(outcome)
  }

  /** Nothing is left to do or to undo. It stays for what can be told of its effect. */
  async #finish(message: string): Promise<boolean> {
    const { journal } = this.#options
    if (!ENDING_ACTIONS.has(journal.row.action)) return this.#go('off', 'done', message)
    await journal.saveMessage(`${MEASURED} ${message}`, null)
    return this.#markFinished()
  }

  async #markFinished(): Promise<boolean> {
    await this.#options.journal.step({ name: FINISHED }, async () => {})
    return false
  }

  async #measure(doneAt: number): Promise<boolean> {
    const { journal, prove, now } = this.#options
    const { row } = journal
    const isOver = row.desired === 'off' || now() >= Date.parse(row.expiresAt)
    if (!isOver && (await prove(doneAt)) === null) return false
    const message = journal.row.message?.replace(`${MEASURED} `, '') ?? null
    return this.#go('off', 'done', message)
  }

  async #drain(action: Action): Promise<boolean> {
    const outcome = await action.drain(this.#options.context())
    if (outcome.kind === 'wait') return this.#otherwise(outcome)
    const { row } = this.#options.journal
    if (outcome.kind === 'failed') return this.#go('off', 'failed', outcome.message)
    const message = 'message' in outcome ? (outcome.message ?? row.message) : row.message
    return this.#go('off', row.outcome ?? 'drained', message)
  }

  async #otherwise(outcome: Outcome): Promise<boolean> {
    switch (outcome.kind) {
      case 'wait':
        await this.#options.journal.saveMessage(outcome.message, outcome.progress ?? null)
        return false
      case 'failed':
        return this.#go('draining', 'failed', outcome.message)
      case 'finished':
        return this.#finish(outcome.message)
      case 'refused':
        return this.#go('draining', 'failed', outcome.message)
      case 'done':
        return false
    }
  }

  async #go(to: MitigationPhase, outcome: Mitigation['outcome'], message: string | null): Promise<boolean> {
    const { journal, logger } = this.#options
    const { mitigationId, cacheId, action, label } = journal.row
    const event = `${action} of ${label} ${PHASE_WORDS[to]}${message === null ? '.' : `. ${message}`}`
    await journal.go(to, { outcome, message, event })
    // Keys are no secret here, values are: the label is the key.
    logger.info({ cache: cacheId, mitigation: mitigationId, phase: to, outcome }, 'a mitigation goes on')
    return true
  }
}

const ACTIVATED = 'activate'
const MEASURED = 'Done; its effect is being measured.'

function messageOf(error: NodeFailure): string {
  return error.replyCode === 'NOPERM'
    ? 'The user may not run a command that this needs. Give it the rights of docs/permissions.md.'
    : error.message
}
