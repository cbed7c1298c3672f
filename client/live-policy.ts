/** A policy as this process carries it out, with what it has counted since it was applied. */
import { OWN_READS_MS } from '../core/mitigations/staleness.ts'
import type { PolicyHeartbeat } from '../core/protocol/heartbeat.ts'
import type { KeyPolicy } from '../core/protocol/policy.ts'
import { slotOf } from './ioredis/slot.ts'
import { Latency } from './latency.ts'

/** As a command names it: text where it is text, so that ioredis writes one string. */
export type KeyName = string | Buffer
export type Variant = { name: KeyName; latin1: string; isBase: boolean; slot: number }

export class LivePolicy {
  readonly id: string
  readonly db: number
  readonly key: Buffer
  readonly latin1: string
  readonly slot: number
  policy: KeyPolicy
  variants: Variant[] = []
  /** By the monotonic clock. */
  deadlineMs = 0
  tracker: PolicyHeartbeat['tracker'] = 'off'
  /** What was read under another generation is never served. */
  generation = 0
  /** Loads under way, by entry; emptied by an invalidation, so that who asks after it reads anew. */
  readonly loads = new Map<string, { loading: Promise<unknown>; startMs: number }>()
  /** Writes of our own on their way: who reads meanwhile has asked after them, and is answered by the server. */
  pendingWrites = 0
  /** Names of this policy's entries without arguments, by method. */
  readonly plainIds = new Map<string, string>()
  readonly latency = new Latency()
  hits = 0
  misses = 0
  reads = 0
  variantReads: number[] = []
  /** By variant, and of the replicas: until then they are passed by, for one has not answered. */
  variantSilentUntilMs: number[] = []
  replicaSilentUntilMs = 0
  /** Reads that a variant other than the base key answered. */
  copyReads = 0
  replicaReads = 0
  fallbacks = 0
  invalidations = 0
  errors = 0
  /** Reads that were answered along with another one's command. */
  joined = 0
  #ownReadsUntilMs = Number.NEGATIVE_INFINITY
  #hitsTold = 0
  #unseenTold = 0

  constructor(policy: KeyPolicy) {
    this.id = policy.id
    this.db = policy.db
    this.key = Buffer.from(policy.keyBase64, 'base64')
    this.latin1 = this.key.toString('latin1')
    this.slot = slotOf(this.key)
    this.policy = policy
  }

  /** Whether another document's policy is of the same key, so that counters and entries go on. */
  isOf(policy: KeyPolicy): boolean {
    return this.id === policy.id && this.db === policy.db && this.policy.keyBase64 === policy.keyBase64
  }

  update(policy: KeyPolicy, deadlineMs: number): void {
    const before = this.policy
    this.policy = policy
    this.deadlineMs = deadlineMs
    const names = policy.variants?.keysBase64 ?? []
    if (names.join() !== (before.variants?.keysBase64 ?? []).join()) {
      this.variantReads = []
      this.variantSilentUntilMs = []
    }
    this.variants = names.map((name) => {
      const key = Buffer.from(name, 'base64')
      return {
        name: nameOf(key),
        latin1: key.toString('latin1'),
        isBase: key.equals(this.key),
        slot: slotOf(key),
      }
    })
    while (this.variantReads.length < names.length) this.variantReads.push(0)
    if (JSON.stringify(policy.local) !== JSON.stringify(before.local)) this.forget()
    if (policy.local === null || !policy.local.track) this.tracker = 'off'
    else if (this.tracker === 'off') this.tracker = 'down'
  }

  /** From here on nothing is served that was read before. */
  forget(): void {
    this.generation++
    if (this.loads.size > 0) this.loads.clear()
  }

  /** What is held is of no use any more; copies and replicas may have the old value for a moment longer. */
  noteOwnWrite(now: number): void {
    this.forget()
    this.#ownReadsUntilMs = now + OWN_READS_MS
  }

  /** This process writes the key, or has just now: it reads what it wrote, at the key itself. */
  isOwnRead(now: number): boolean {
    return this.pendingWrites > 0 || now < this.#ownReadsUntilMs
  }

  get isLocalOpen(): boolean {
    const { local, phase } = this.policy
    return phase === 'active' && local !== null && (!local.track || this.tracker === 'armed')
  }

  /** Of the interval since it was last asked for; counters since the policy was applied. */
  report(): PolicyHeartbeat {
    this.latency.addInstant(this.hits - this.#hitsTold)
    this.#hitsTold = this.hits
    const report: PolicyHeartbeat = {
      ...this.counters(),
      p50Us: this.latency.percentile(0.5),
      p99Us: this.latency.percentile(0.99),
      waits: this.latency.waits(),
    }
    this.latency.clear()
    return report
  }

  /** Reads since the last call that no command with the key's own name stood for. */
  takeUnseenReads(): number {
    const unseen = this.hits + this.joined + this.copyReads
    const more = unseen - this.#unseenTold
    this.#unseenTold = unseen
    return more
  }

  counters(): Omit<PolicyHeartbeat, 'p50Us' | 'p99Us' | 'waits'> {
    return {
      id: this.id,
      phase: this.policy.phase,
      tracker: this.tracker,
      reads: this.reads + this.hits,
      // Those who wait for a read that is on its way ask the server for nothing.
      localHits: this.hits + this.joined,
      localMisses: this.misses,
      variantReads: [...this.variantReads],
      replicaReads: this.replicaReads,
      fallbacks: this.fallbacks,
      invalidations: this.invalidations,
      errors: this.errors,
    }
  }
}

/** The key as text, where text gives the same bytes again. */
export function nameOf(key: Buffer): KeyName {
  const text = key.toString()
  return Buffer.from(text).equals(key) ? text : key
}
