/** What the node says of its own CPU around a burst: used in it, and what it would have used without. */
import type { Bracket } from '../../core/hot-keys/calibration.ts'
import { NodeFailure } from '../connection/failure.ts'
import type { NodeCommands } from '../connection/node-connection.ts'
import { numberField, parseInfo } from '../sources/info.ts'

type CpuReading = { atMs: number; usedUs: number; commands: number }
/** What the node does between bursts. */
type Outside = { usedUs: number; commands: number; elapsedMs: number }

/** Earlier pauses between bursts count so much less with each later one. */
const KEEP = 0.7
/** Below it, what a node uses goes by time and not by commands. */
const BUSY_OPS_PER_SEC = 500
const RETRY_MS = 1_000
/** A value of many megabytes holds a node for seconds: what that cost is told once it answers again. */
const MAX_RETRIES = 15
const REFUSED_MS = 60_000

export class CpuMeter {
  readonly #commands: NodeCommands
  #refusedUntil = Number.NEGATIVE_INFINITY
  #before: CpuReading | null = null
  #after: CpuReading | null = null
  #outside: Outside | null = null
  /** It is there, and did not answer the last time. */
  #isHeldUp = false

  constructor(commands: NodeCommands) {
    this.#commands = commands
  }

  /** Another server answers, or another time has passed than that between two bursts. */
  forget(): void {
    this.#before = null
    this.#after = null
    this.#outside = null
  }

  /** Some time before the first burst, for that one to be set against. @returns whether it was the first time */
  async prime(manySections: boolean): Promise<boolean> {
    if (this.#after !== null || this.#outside !== null) return false
    this.#after = await this.#read(manySections)
    return this.#after !== null
  }

  /** Just before a burst. */
  async begin(manySections: boolean): Promise<void> {
    this.#before = await this.#read(manySections)
    const { before, after } = { before: this.#before, after: this.#after }
    this.#after = null
    if (before === null || after === null) return
    const kept = this.#outside ?? { usedUs: 0, commands: 0, elapsedMs: 0 }
    this.#outside = {
      usedUs: kept.usedUs * KEEP + before.usedUs - after.usedUs,
      commands: kept.commands * KEEP + before.commands - after.commands,
      elapsedMs: kept.elapsedMs * KEEP + before.atMs - after.atMs,
    }
  }

  /**
   * Just after it; waits for a node that the burst holds up.
   * @param pause resolves to false when there is no time left
   * @returns null where the node does not tell, or has not told what it does without bursts yet
   */
  async end(
    manySections: boolean,
    predictedUs: number,
    pause: (ms: number) => Promise<boolean>,
  ): Promise<Bracket | null> {
    const before = this.#before
    this.#before = null
    if (before === null) return null
    let after = await this.#read(manySections)
    for (let left = MAX_RETRIES; after === null && this.#isHeldUp && left > 0; left--) {
      if (!(await pause(RETRY_MS))) break
      after = await this.#read(manySections)
    }
    this.#after = after
    const outside = this.#outside
    if (after === null || outside === null || outside.elapsedMs < 1 || after.usedUs < before.usedUs)
      return null
    const elapsedMs = after.atMs - before.atMs
    const isBusy = (outside.commands / outside.elapsedMs) * 1_000 >= BUSY_OPS_PER_SEC
    const expectedUs = isBusy
      ? (outside.usedUs / outside.commands) * (after.commands - before.commands)
      : (outside.usedUs / outside.elapsedMs) * elapsedMs
    const usedUs = after.usedUs - before.usedUs
    // A burst costs no more than all that the node did meanwhile: held up, it served less and printed less.
    return { predictedUs: Math.min(predictedUs, usedUs), usedUs, expectedUs }
  }

  async #read(manySections: boolean): Promise<CpuReading | null> {
    this.#isHeldUp = false
    if (performance.now() < this.#refusedUntil) return null
    try {
      const sections = manySections ? [['cpu', 'stats']] : [['cpu'], ['stats']]
      const replies = await Promise.all(sections.map((names) => this.#commands.call('INFO', ...names)))
      const info = parseInfo(replies.map(String).join('\n'))
      const field = (name: string) => numberField(info, name)
      const sum = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b)
      const seconds =
        sum(field('used_cpu_sys_main_thread'), field('used_cpu_user_main_thread')) ??
        sum(field('used_cpu_sys'), field('used_cpu_user'))
      const commands = field('total_commands_processed')
      if (seconds === null || commands === null) return null
      return { atMs: performance.now(), usedUs: seconds * 1e6, commands }
    } catch (error) {
      if (!(error instanceof NodeFailure)) throw error
      // The connection that waited in vain is closed: until it is open again, readings fail as unreachable.
      this.#isHeldUp = error.state === 'timeout' || error.state === 'unreachable'
      if (error.replyCode !== null) this.#refusedUntil = performance.now() + REFUSED_MS
      return null
    }
  }
}
