/**
 * Which policies are in force: the document that was read last, under its lease. Every doubt ends in no policy.
 * A lease runs by the monotonic clock from when a document with its `issuedAt` was first seen.
 */
import { parsePolicyDocument } from '../core/protocol/parse-policy.ts'
import { type KeyPolicy, POLICY_LIMITS, type PolicyDocument } from '../core/protocol/policy.ts'
import { LivePolicy } from './live-policy.ts'
import type { Settings } from './options.ts'

export class Policies {
  readonly #settings: Settings
  #live: LivePolicy[] = []
  #document: PolicyDocument | null = null
  /** By the monotonic clock; 0: no document is in force. */
  #leaseEndMs = 0
  #isKilled = false

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Known, whatever their phase; empty when nothing is in force. */
  get live(): readonly LivePolicy[] {
    return this.#live
  }

  get rev(): number {
    return this.#document?.rev ?? 0
  }

  get leaseEndMs(): number {
    return this.#leaseEndMs
  }

  get isKilled(): boolean {
    return this.#isKilled
  }

  /** A document as text. @returns whether what is in force has changed */
  accept(text: string): boolean {
    const document = parsePolicyDocument(text)
    if (document === null || document.app !== this.#settings.app) return this.drop()
    const before = this.#live
    this.lapse()
    const held = this.#document
    if (held !== null && document.rev < held.rev) return false
    const isSame = held !== null && document.rev === held.rev && document.kill === held.kill
    if (held !== null && document.issuedAt > held.issuedAt) this.#renew(document)
    if (held === null) this.#renew(document)
    this.#document = document
    this.#isKilled = document.kill
    this.#apply(document.kill ? [] : document.policies)
    // A clock that steps past an expiry and back makes a policy anew, of the same document.
    return !isSame || this.#live.length !== before.length || this.#live.some((one, at) => one !== before[at])
  }

  /** The control plane says that the document which is held is still the newest. */
  confirm(): void {
    if (this.#document !== null && !this.lapse()) this.#renew(this.#document)
  }

  /** Ends what the clock has ended. @returns whether a document's lease has lapsed */
  lapse(): boolean {
    if (this.#document === null) return false
    const now = this.#settings.now()
    if (now >= this.#leaseEndMs) return this.drop()
    const left = this.#live.filter((policy) => now < policy.deadlineMs)
    if (left.length < this.#live.length) this.#live = left
    return false
  }

  /** Nothing is in force any more. @returns whether something was */
  drop(): boolean {
    const had = this.#document !== null
    this.#document = null
    this.#leaseEndMs = 0
    this.#isKilled = false
    for (const policy of this.#live) policy.forget()
    this.#live = []
    return had
  }

  #renew(document: PolicyDocument): void {
    this.#leaseEndMs = this.#settings.now() + document.leaseMs
  }

  #apply(policies: KeyPolicy[]): void {
    const before = this.#live
    this.#live = policies.flatMap((policy) => {
      const deadlineMs = this.#deadlineOf(policy)
      if (deadlineMs === null) return []
      const live = before.find((one) => one.isOf(policy)) ?? new LivePolicy(policy)
      live.update(policy, deadlineMs)
      return [live]
    })
    for (const policy of before) if (!this.#live.includes(policy)) policy.forget()
  }

  /** A wrong clock of ours may end a policy early, never late: the publisher's own clock counts as well. */
  #deadlineOf(policy: KeyPolicy): number | null {
    const issuedAt = this.#document?.issuedAt ?? policy.expiresAt
    const leftMs = Math.min(
      policy.expiresAt - this.#settings.wallClock(),
      policy.expiresAt - issuedAt,
      POLICY_LIMITS.lifeMs,
    )
    return leftMs > 0 ? this.#settings.now() + leftMs : null
  }
}
