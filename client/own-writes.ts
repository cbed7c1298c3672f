/**
 * Writes of our own that name a policy's key, wherever they travel: alone, in a pipeline, in MULTI, in a script. What
 * is held locally is forgotten before and after; with writeFanout every variant is unlinked after the write was
 * answered and before its caller hears of it, so that what he reads next is what he wrote.
 */
import { READS, WRITES_OF_ALL } from './ioredis/commands.ts'
import { within } from './ioredis/side-connection.ts'
import type { Client, Command } from './ioredis/types.ts'
import type { LivePolicy } from './live-policy.ts'
import type { Plain } from './plain.ts'
import type { Policies } from './policies.ts'

const UNLINK_MS = 1_000

export class OwnWrites {
  readonly #client: Client
  readonly #plain: Plain
  readonly #policies: Policies
  readonly #hooked = new WeakSet<Command['resolve']>()
  /** A key has one in each database: which of them a write is in may change before it is sent. */
  readonly #byLatin1 = new Map<string, LivePolicy[]>()
  readonly #lengths = new Set<number>()
  /** Of a transaction that is being queued; null: none is. */
  #queued: Set<LivePolicy> | null = null
  #isWatching = false
  #isInMulti = false

  readonly #now: () => number

  constructor(client: Client, plain: Plain, policies: Policies, now: () => number) {
    this.#client = client
    this.#plain = plain
    this.#policies = policies
    this.#now = now
  }

  /** Reads are plain then: their replies belong to a transaction. */
  get isBound(): boolean {
    return this.#isWatching || this.#isInMulti
  }

  get isNeeded(): boolean {
    return this.#byLatin1.size > 0 || this.isBound
  }

  /** Heard from the method rather than the command, which an automatic pipeline sends later than it is called. */
  watch(): void {
    this.#isWatching = true
  }

  /** MULTI without a pipeline. */
  multi(): void {
    this.#isInMulti = true
  }

  /** A transaction does not outlive its connection. */
  unbind(): void {
    this.#isWatching = false
    this.#isInMulti = false
    this.#queued = null
  }

  rename(): void {
    this.#byLatin1.clear()
    this.#lengths.clear()
    for (const policy of this.#policies.live) {
      this.#byLatin1.set(policy.latin1, [...(this.#byLatin1.get(policy.latin1) ?? []), policy])
      this.#lengths.add(policy.key.length)
    }
  }

  /** A command that an automatic pipeline has taken, and sends a moment later. */
  observeQueued(command: Command): void {
    const name = command.name.toLowerCase()
    if (!READS.has(name) && name !== 'exec' && name !== 'multi') this.#begin(command, name)
  }

  /** Called with each command before it is sent; of one that comes by again, its hooks stay. */
  observe(command: Command): void {
    const name = command.name.toLowerCase()
    if (name === 'multi') this.#queued = new Set()
    else if (name === 'discard' || name === 'unwatch' || name === 'reset') this.unbind()
    else if (name === 'exec') {
      const written = [...(this.#queued ?? [])]
      this.unbind()
      if (written.length > 0) this.#hook(command, written)
      return
    }
    if (!READS.has(name)) this.#begin(command, name)
  }

  #begin(command: Command, name: string): void {
    const written = WRITES_OF_ALL.has(name) ? [...this.#policies.live] : this.#namedBy(command)
    if (written.length === 0) return
    for (const policy of written) policy.noteOwnWrite(this.#now())
    if (this.#queued !== null) for (const policy of written) this.#queued.add(policy)
    else this.#hook(command, written)
  }

  #namedBy(command: Command): LivePolicy[] {
    const named = new Set<LivePolicy>()
    for (const arg of command.args) {
      for (const policy of this.#policiesOf(arg)) named.add(policy)
    }
    return [...named]
  }

  #policiesOf(arg: unknown): readonly LivePolicy[] {
    if (arg instanceof Buffer) {
      return this.#lengths.has(arg.length) ? (this.#byLatin1.get(arg.toString('latin1')) ?? []) : []
    }
    if (typeof arg !== 'string') return []
    // No character takes more than three bytes for each of its UTF-16 units.
    for (const length of this.#lengths) {
      if (arg.length > length || arg.length * 3 < length) continue
      return this.#byLatin1.get(Buffer.from(arg).toString('latin1')) ?? []
    }
    return []
  }

  /** ioredis settles a command through these two, and everything that waits for it hangs on their promise. */
  #hook(command: Command, written: LivePolicy[]): void {
    const { resolve, reject } = command
    if (this.#hooked.has(resolve)) return
    let isPending = true
    const end = () => {
      if (isPending) for (const policy of written) policy.pendingWrites--
      isPending = false
    }
    const after = (settle: () => unknown) => {
      for (const policy of written) policy.noteOwnWrite(this.#now())
      const fanout = written.filter((policy) => policy.policy.variants?.writeFanout)
      if (fanout.length > 0) {
        void Promise.all(fanout.map((policy) => this.#unlinkVariants(policy))).then(() => {
          end()
          // The caller hears of it only now. What is given back may be the promise of one that has timed out before.
          for (const policy of written) policy.noteOwnWrite(this.#now())
          settle()
        })
        return undefined
      }
      end()
      return settle()
    }
    for (const policy of written) policy.pendingWrites++
    command.resolve = (value) => after(() => resolve.call(command, value))
    // A write that failed may have been done.
    command.reject = (error) => after(() => reject.call(command, error))
    this.#hooked.add(command.resolve)
  }

  /** Never rejects: the write is done, and its answer waits no longer than a moment. */
  async #unlinkVariants(policy: LivePolicy): Promise<void> {
    const copies = policy.variants.filter((variant) => !variant.isBase)
    const unlinking = copies.map(async ({ name }) => {
      try {
        if (this.#client.status !== 'ready' || this.#isInMulti) throw new Error('the client is not free')
        await within(UNLINK_MS, 'UNLINK', this.#plain.unlink(name))
      } catch {
        policy.errors++
      }
    })
    await Promise.all(unlinking)
  }
}
