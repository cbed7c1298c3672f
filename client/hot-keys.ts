/**
 * Which keys the application uses, from a sample of its commands: a countdown is all that an ordinary command pays.
 * Bounded: some SAMPLES_PER_SEC, USES keys a window of up to KEY_BYTES; beyond what the window before let expect, each
 * SURPLUS samples make the sampling twice as coarse, so that a burst after silence costs little as well.
 */
import type { ClientHotKey, Heartbeat } from '../core/protocol/heartbeat.ts'
import { HEARTBEAT_MS } from '../core/protocol/policy.ts'
import { READS, ROUTED_READS } from './ioredis/commands.ts'
import { type Command, methodOf } from './ioredis/types.ts'
import { Latency } from './latency.ts'

const SAMPLES_PER_SEC = 100
const SURPLUS = 128
/** Of one window. */
const EXPECTED = (SAMPLES_PER_SEC * HEARTBEAT_MS) / 1_000
/** A quarter a window: between bursts a process may be silent. */
const REFINEMENT = 4
const USES = 4_096
const KEY_BYTES = 1_024
const KEYS_PER_COMMAND = 16
const LISTED = 32

type Wait = { ms: number; weight: number }
type Use = { key: Buffer; waits: Wait[] } & Pick<ClientHotKey, 'db' | 'reads' | 'elsewhere' | 'writes'>
/** Of names as nameOf() has them: what is left out of a report. */
export type LeftOut = {
  /** Names that are not the application's own. */
  isHidden(name: string): boolean
  /** Keys whose policies tell how long their reads took. */
  isTimedElsewhere(name: string): boolean
}

export class HotKeys {
  readonly #random: () => number
  readonly #now: () => number
  readonly #uses = new Map<string, Use>()
  /** Counted down by each command; at 0 it is looked at. Public for the sake of that one decrement. */
  left = 1
  #step = 1
  #period = 1
  #untilCoarser = SURPLUS
  #commands = 0
  #keyed = 0
  #sampled = 0
  #sinceMs: number

  constructor(random: () => number, now: () => number) {
    this.#random = random
    this.#now = now
    this.#sinceMs = now()
  }

  /**
   * Before it is sent.
   * @param isAlone whether it is sent by itself on a connection that takes it at once, as a read that a policy routes is
   */
  take(command: Command, db: number, isAlone: boolean): void {
    const weight = this.#step
    this.#commands += weight
    this.#sampled++
    if (--this.#untilCoarser <= 0) {
      this.#period *= 2
      this.#untilCoarser = SURPLUS
    }
    this.#draw()
    const name = command.name.toLowerCase()
    const isRouted = ROUTED_READS.has(name)
    const keys = isRouted ? keysIn(command.args.slice(0, 1)) : keysOf(command)
    if (keys.length === 0) return
    this.#keyed += weight
    const isWrite = !READS.has(name)
    if (isAlone && isRouted && keys[0] !== undefined) this.#time(command, nameOf(keys[0], db), weight)
    for (const key of keys) {
      const use = this.#useOf(key, db)
      if (use === null) continue
      if (isWrite) use.writes += weight
      else use.reads += weight
    }
  }

  /** Reads that the sample cannot see, such as local hits: exact. */
  addElsewhere(key: Buffer, db: number, reads: number): void {
    this.#keyed += reads
    const use = this.#useOf(key, db)
    if (use === null) return
    use.reads += reads
    use.elsewhere += reads
  }

  report({ isHidden, isTimedElsewhere }: LeftOut): Heartbeat['hotKeys'] {
    const now = this.#now()
    const windowMs = Math.max(1, Math.round(now - this.#sinceMs))
    const keys = [...this.#uses]
      .filter(([name]) => !isHidden(name))
      .sort(([, one], [, other]) => other.reads + other.writes - (one.reads + one.writes))
      .slice(0, LISTED)
      .map(
        ([name, { key, waits, ...use }]): ClientHotKey => ({
          ...use,
          keyBase64: key.toString('base64'),
          ...(isTimedElsewhere(name) ? {} : describe(waits)),
        }),
      )
    const report = { windowMs, commands: this.#keyed, sampled: this.#sampled, keys }
    const samples = (windowMs / 1_000) * SAMPLES_PER_SEC
    this.#period = Math.max(1, this.#commands / samples, this.#period / REFINEMENT)
    this.#untilCoarser = Math.max(SURPLUS, Math.min(EXPECTED, this.#commands / this.#period))
    // Of a burst before: it would weigh what comes now by what has been.
    if (this.left > 2 * this.#period) this.#draw()
    this.#uses.clear()
    this.#commands = 0
    this.#keyed = 0
    this.#sampled = 0
    this.#sinceMs = now
    return report
  }

  #draw(): void {
    this.#step = 1 + Math.floor(this.#random() * (2 * this.#period - 1))
    this.left = this.#step
  }

  /** null when there is no room for another key. */
  #useOf(key: Buffer, db: number): Use | null {
    const name = nameOf(key, db)
    const known = this.#uses.get(name)
    if (known !== undefined) return known
    if (this.#uses.size >= USES) return null
    const use = { key: Buffer.from(key), db, reads: 0, elsewhere: 0, writes: 0, waits: [] }
    this.#uses.set(name, use)
    return use
  }

  /**
   * From when it is sent until whoever asked for it hears of it. ioredis settles a command through these two: its promise is
   * not touched, for one that is waited for by us would be one whose rejection nobody misses.
   */
  #time(command: Command, name: string, weight: number): void {
    const { resolve, reject } = command
    // However often it comes by.
    if (TIMED in resolve) return
    const sentMs = this.#now()
    let isPending = true
    const note = () => {
      this.#uses.get(name)?.waits.push({ ms: this.#now() - sentMs, weight })
    }
    // In line before this answer's reactions and after those of all before it, as a read that a policy routes is.
    const settle = () => {
      if (isPending) queueMicrotask(note)
      isPending = false
    }
    const resolveTimed = (value: unknown) => {
      settle()
      return resolve.call(command, value)
    }
    command.resolve = Object.assign(resolveTimed, { [TIMED]: true })
    command.reject = (error) => {
      settle()
      return reject.call(command, error)
    }
  }
}

/** Marks what settles a timed command. A weak set of commands would be one more thing for each collection of garbage. */
const TIMED = Symbol('timed')

/** Of a key in its database. */
export const nameOf = (key: Buffer, db: number): string => `${db} ${key.toString('latin1')}`

function describe(waits: readonly Wait[]): Pick<ClientHotKey, 'timed' | 'waits'> {
  if (waits.length === 0) return {}
  const latency = new Latency()
  for (const { ms, weight } of waits) latency.add(ms, weight)
  return { timed: waits.length, waits: latency.waits() }
}

/**
 * As sent, with the client's prefix; none where ioredis does not know the command. A likeness is asked: a command keeps
 * the answer, and would have another hidden class than those that are not sampled, which makes all of them slower.
 */
function keysOf(command: Command): Buffer[] {
  const likeness: object = Object.create(Object.getPrototypeOf(command))
  Object.assign(likeness, { name: command.name, args: command.args })
  const found = methodOf(likeness, 'getKeys')?.call(likeness)
  return Array.isArray(found) ? keysIn(found) : []
}

const keysIn = (args: unknown[]): Buffer[] =>
  args.slice(0, KEYS_PER_COMMAND).flatMap((key) => {
    const bytes = key instanceof Buffer ? key : typeof key === 'string' ? Buffer.from(key) : null
    return bytes === null || bytes.length > KEY_BYTES ? [] : [bytes]
  })
