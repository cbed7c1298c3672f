/**
 * One rung of the ladder that asks the node over its ordinary connection: looked at rarely while it stands by, run in
 * rounds while it is needed. A refusal is told once, and what was refused is asked for again rarely.
 */
import type { Source, Watching } from '../../core/model.ts'
import { Sleeper } from '../clock.ts'
import { NodeFailure } from '../connection/failure.ts'
import {
  type HotKeyReport,
  type HotKeySource,
  type HotKeySourceOptions,
  type NodeFacts,
  noCost,
  type ReportedKey,
  type WatchingCost,
} from './source-types.ts'

export type RungState = 'ready' | 'refused' | 'unsupported'

/** Thrown by a round: why the rung is of no use now, and what would change that. */
export class RungRefusal extends Error {
  override readonly name = 'RungRefusal'
  readonly state: Exclude<RungState, 'ready'>

  constructor(state: Exclude<RungState, 'ready'>, sentence: string) {
    super(sentence)
    this.state = state
  }
}

const REFUSED_RETRY_MS = 60_000
const BUSY_RETRY_MS = 2_000

export abstract class Rung implements HotKeySource {
  abstract readonly source: Source
  readonly cost: WatchingCost = noCost()
  state: RungState = 'ready'
  /** One sentence; null while it is ready. */
  reason: string | null = null
  protected readonly retryMs: number = REFUSED_RETRY_MS
  protected readonly options: HotKeySourceOptions
  readonly #now: () => number
  #sleeper: Sleeper | null = null
  #running: Promise<void> | null = null
  #checkedAt = Number.NEGATIVE_INFINITY
  #runId: string | null = null

  constructor(options: HotKeySourceOptions) {
    this.options = options
    this.#now = options.now ?? Date.now
  }

  /** Whether the node has it and permits it, as cheaply as that can be told. @throws RungRefusal, NodeFailure */
  protected abstract probe(facts: NodeFacts): Promise<void>
  /** @returns milliseconds to the next. @throws RungRefusal, NodeFailure */
  protected abstract round(facts: NodeFacts): Promise<number>
  /** What was read belongs to the past: it was stopped, it is refused, or another server answers. */
  protected abstract forget(isOtherServer: boolean): void
  /** The rung's command as ACL SETUSER wants it: `hotkeys`. */
  protected abstract readonly right: string
  abstract report(now: number): HotKeyReport | null

  get isRunning(): boolean {
    return this.#running !== null
  }

  get refusal(): string | null {
    return this.state === 'ready' ? null : this.reason
  }

  get watching(): Watching {
    const isUsed = this.isRunning && this.state === 'ready'
    return {
      source: isUsed ? this.source : null,
      sources: [{ source: this.source, state: isUsed ? 'used' : this.state, reason: this.reason }],
      budget: this.options.budget,
      attention: null,
      predictedShare: null,
      measuredShare: null,
      lastBurst: null,
    }
  }

  /** Looks whether it could be used: once for every run of the server, then once a minute. Never throws. */
  async check(): Promise<void> {
    const facts = this.options.nodeFacts()
    this.#forgetIfOther(facts)
    const now = this.now()
    if (this.isRunning || facts.loading || now - this.#checkedAt < this.retryMs) return
    this.#checkedAt = now
    await this.#guard(async () => {
      await this.probe(facts)
      return 0
    })
  }

  start(): void {
    if (this.#running !== null) return
    this.#sleeper = new Sleeper()
    this.#running = this.#run(this.#sleeper)
  }

  async stop(): Promise<void> {
    this.#sleeper?.stop()
    await this.#running
    this.#running = null
    this.forget(false)
  }

  protected now(): number {
    return this.#now()
  }

  /** Waits inside a round. @returns false when it was stopped meanwhile */
  protected async sleep(ms: number): Promise<boolean> {
    return (await this.#sleeper?.sleep(ms)) ?? false
  }

  async #run(sleeper: Sleeper): Promise<void> {
    const random = this.options.random ?? Math.random
    for (;;) {
      const facts = this.options.nodeFacts()
      this.#forgetIfOther(facts)
      const isQuiet = facts.loading || facts.failoverInProgress
      const delayMs = isQuiet ? BUSY_RETRY_MS : await this.#guard(() => this.round(facts))
      if (!(await sleeper.sleep(delayMs * (0.9 + 0.2 * random())))) return
    }
  }

  async #guard(work: () => Promise<number>): Promise<number> {
    try {
      const delayMs = await work()
      this.#tell('ready', null)
      return delayMs
    } catch (error) {
      const refusal = error instanceof RungRefusal ? error : refusalOf(error, this.source, this.right)
      if (refusal === null) return BUSY_RETRY_MS
      this.#tell(refusal.state, refusal.message)
      this.#checkedAt = this.now()
      this.forget(false)
      return this.retryMs
    }
  }

  #tell(state: RungState, reason: string | null): void {
    if (this.state === state && this.reason === reason) return
    this.state = state
    this.reason = reason
    const { host, port } = this.options.connection
    this.options.logger.debug({ host, port, source: this.source, state, reason }, 'a source of hot keys')
  }

  #forgetIfOther({ runId }: NodeFacts): void {
    if (runId === null || runId === this.#runId) return
    if (this.#runId !== null) this.forget(true)
    this.#runId = runId
    this.#checkedAt = Number.NEGATIVE_INFINITY
  }
}

/** @returns null for what passes by itself: a lost connection, a node that loads, a script that holds it */
function refusalOf(error: unknown, source: Source, right: string): RungRefusal | null {
  if (!(error instanceof NodeFailure)) {
    return new RungRefusal('refused', `The node's answer to ${nameOf(right)} could not be read.`)
  }
  if (error.replyCode === 'NOPERM') {
    return new RungRefusal(
      'refused',
      `The user may not run ${nameOf(right)}: ACL SETUSER with +${right} lifts this.`,
    )
  }
  if (error.replyCode !== 'ERR') return null
  // Any other error is of the moment, and the server's own words say more than a guess.
  if (!/unknown (sub)?command|does not know/i.test(error.message)) {
    return new RungRefusal(
      'refused',
      `${nameOf(right)} failed; it is tried again in a minute. ${error.message}`,
    )
  }
  const what =
    source === 'lfu' ? 'disabled or renamed there' : 'its version is older, or it is disabled there'
  return new RungRefusal('unsupported', `The node has no ${nameOf(right)}: ${what}.`)
}

const nameOf = (right: string): string => right.toUpperCase().replace('|', ' ')

/** A row of a source that knows no more than a key: everything else is unknown. */
export function bareKey(db: number, key: Uint8Array): ReportedKey {
  return {
    db,
    key,
    share: null,
    shareLow: null,
    shareHigh: null,
    opsPerSec: null,
    opsPerSecLow: null,
    opsPerSecHigh: null,
    readsPerSec: null,
    writesPerSec: null,
    topCommand: null,
    cpuShare: null,
    lfuCounter: null,
  }
}
