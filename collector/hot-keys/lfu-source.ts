/**
 * OBJECT FREQ of all keys, a few at a time, by a cursor that goes on where it stopped: under an LFU policy the node
 * keeps an 8-bit logarithmic counter of every key's uses, which is a rank and no rate. It sees database 0.
 */
import { NodeFailure } from '../connection/failure.ts'
import { bareKey, Rung, RungRefusal } from './rung.ts'
import type { HotKeyReport, NodeFacts } from './source-types.ts'

/** Together at most about a thousand keys a second: some two thousandths of the node's time. */
const BATCH = 200
const EVERY_MS = 250
/** What is on top is asked for again, or it would stay there. */
const AGAIN_EVERY_MS = 5_000
const KEPT_KEYS = 60
/** A key that was never used begins with 5. */
const MIN_COUNTER = 10

const PROBED_KEY = Buffer.from('cachescope:probe')

type Counted = { key: Buffer; counter: number; at: number }

export class LfuSource extends Rung {
  readonly source = 'lfu'
  protected readonly right = 'object|freq'
  #cursor = '0'
  #top = new Map<string, Counted>()
  #againAt = 0
  #at: number | null = null
  #readOnlyAsked = false

  report(): HotKeyReport | null {
    const to = this.#at
    if (to === null) return null
    const shown = [...this.#top.values()]
      .filter(({ counter }) => counter > MIN_COUNTER)
      .sort((one, other) => other.counter - one.counter)
    return {
      source: 'lfu',
      windowFrom: shown.reduce((oldest, { at }) => Math.min(oldest, at), to),
      windowTo: to,
      sampledCommands: null,
      keys: shown.map(({ key, counter }) => ({ ...bareKey(0, Uint8Array.from(key)), lfuCounter: counter })),
      patterns: [],
    }
  }

  /** The counters of these keys; null for a missing one. Each costs a hit or a miss, which is counted. */
  async frequencies(keys: readonly Buffer[]): Promise<(number | null)[]> {
    const replies = await Promise.allSettled(
      keys.map((key) => this.options.commands.call('OBJECT', 'FREQ', key)),
    )
    return replies.map((reply) => {
      if (reply.status === 'fulfilled') {
        if (reply.value === null) this.cost.misses++
        else this.cost.hits++
        return reply.value === null ? null : Number(reply.value)
      }
      const error: unknown = reply.reason
      // A key that moved to another node meanwhile is none of this one's.
      if (error instanceof NodeFailure && /^(MOVED|ASK)$/.test(error.replyCode ?? '')) return null
      throw error
    })
  }

  protected async probe(facts: NodeFacts): Promise<void> {
    refuseWithoutLfu(facts)
    // Of a key that is not there, and not in bulk: what is refused here would be refused two hundred times.
    await this.frequencies([PROBED_KEY])
  }

  protected async round(facts: NodeFacts): Promise<number> {
    refuseWithoutLfu(facts)
    const { commands } = this.options
    if (facts.clusterEnabled && facts.role === 'replica' && !this.#readOnlyAsked) {
      await commands.call('READONLY')
      this.#readOnlyAsked = true
    }
    const now = this.now()
    if (now >= this.#againAt) {
      this.#againAt = now + AGAIN_EVERY_MS
      const known = [...this.#top.values()].map(({ key }) => key)
      const counters = await this.frequencies(known)
      // Not before: the list would be empty meanwhile, and stay so with a connection that is lost.
      this.#top.clear()
      this.#note(known, counters)
    }
    const reply = await commands.callBuffer('SCAN', this.#cursor, 'COUNT', BATCH)
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) {
      throw new RungRefusal('refused', "The node's answer to SCAN could not be read.")
    }
    this.#cursor = String(reply[0])
    const keys = reply[1].filter((key): key is Buffer => Buffer.isBuffer(key)).slice(0, BATCH * 4)
    this.#note(keys, await this.frequencies(keys))
    this.options.onNews()
    // What is larger than asked for is paid for by a longer pause.
    return EVERY_MS * Math.max(1, keys.length / BATCH)
  }

  /** The cursor stays: after a stop, the keys that were not yet seen come first. */
  protected forget(isOtherServer: boolean): void {
    if (isOtherServer) this.#cursor = '0'
    this.#top.clear()
    this.#at = null
    this.#readOnlyAsked = false
  }

  #note(keys: readonly Buffer[], counters: readonly (number | null)[]): void {
    const at = this.now()
    this.#at = at
    keys.forEach((key, index) => {
      const counter = counters[index] ?? null
      if (counter !== null) this.#top.set(key.toString('latin1'), { key, counter, at })
    })
    if (this.#top.size <= KEPT_KEYS) return
    const sorted = [...this.#top].sort(([, one], [, other]) => other.counter - one.counter)
    this.#top = new Map(sorted.slice(0, KEPT_KEYS))
  }
}

function refuseWithoutLfu({ maxMemoryPolicy }: NodeFacts): void {
  if (maxMemoryPolicy?.endsWith('-lfu')) return
  throw new RungRefusal(
    'unsupported',
    `The node counts no uses of keys under maxmemory-policy ${maxMemoryPolicy ?? '(unknown)'}: allkeys-lfu or volatile-lfu does.`,
  )
}
