/**
 * What becomes of a read: a policy's key may be answered from memory, from a variant or a replica; every other read,
 * and every doubt, is the plain command. An error or a silence on a way of ours is answered by the plain command too.
 */
import type { Client } from './ioredis/types.ts'
import { type KeyName, type LivePolicy, nameOf } from './live-policy.ts'
import { type LocalTier, timed } from './mitigations/local.ts'
import type { Replicas } from './mitigations/replicas.ts'
import type { Settings } from './options.ts'
import type { Plain } from './plain.ts'
import type { Policies } from './policies.ts'
import { asCallback, isCallback, isEmptyReply, nameCall, type ReadCall } from './read-call.ts'
import type { Trackers } from './tracking/trackers.ts'

/** A node that is silent for so long is passed by, and so long from then on. */
const SILENCE_MS = 500
const PASSED_BY_MS = 5_000

export type ReaderParts = {
  client: Client
  plain: Plain
  settings: Settings
  policies: Policies
  local: LocalTier
  trackers: Trackers
  replicas: Replicas
  /** Whether the connection is inside WATCH or MULTI. */
  isBound: () => boolean
  /** Of the library's own. */
  onError: () => void
}

export class Reader {
  readonly #parts: ReaderParts
  /** By the key as the application names it, without its prefix, in the database that is selected. */
  readonly #byText = new Map<string, LivePolicy>()
  readonly #byLatin1 = new Map<string, LivePolicy>()
  /** Of the reads that wait for a copy or a replica: each goes to the key itself instead. */
  readonly #leaves = new Set<() => void>()

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /** After a change of policies, or of the selected database. */
  rename(db: number): void {
    this.#byText.clear()
    this.#byLatin1.clear()
    const { keyPrefix } = this.#parts.client.options
    const prefix = keyPrefix instanceof Buffer ? keyPrefix : Buffer.from(String(keyPrefix ?? ''))
    for (const policy of this.#parts.policies.live) {
      if (policy.db !== db || !policy.key.subarray(0, prefix.length).equals(prefix)) continue
      const key = policy.key.subarray(prefix.length)
      const name: KeyName = nameOf(key)
      if (typeof name === 'string') this.#byText.set(name, policy)
      this.#byLatin1.set(key.toString('latin1'), policy)
    }
  }

  /** @param keyAt 0, or 1 where the command's name stands before the key */
  read(method: string, args: unknown[], keyAt: number): unknown {
    let reading: Promise<unknown> | null
    try {
      reading = this.#readOtherwise(method, args, keyAt)
    } catch {
      this.#parts.onError()
      reading = null
    }
    return reading ?? this.#parts.plain.call(method, args)
  }

  /** Before the connection ends: what waits for a copy or a replica could not be asked for at the key itself after it. */
  leaveAll(): void {
    for (const leave of [...this.#leaves]) leave()
  }

  /** @returns null where the read is the plain command */
  #readOtherwise(method: string, args: unknown[], keyAt: number): Promise<unknown> | null {
    const policy = this.#policyOf(args[keyAt])
    if (policy === undefined || !this.#isInForce(policy)) return null
    const now = this.#parts.settings.now()
    if (now >= policy.deadlineMs || now >= this.#parts.policies.leaseEndMs) return null
    if (keyAt === 0 && args.length === 1 && !Array.isArray(args[0]) && this.#isLocal(policy)) {
      return this.#readLocal(
        policy,
        { method, args, keyAt, callback: undefined },
        this.#plainId(policy, method),
        now,
      )
    }
    return this.#readByPolicy(policy, flatten(method, args, keyAt), now)
  }

  #policyOf(key: unknown): LivePolicy | undefined {
    if (typeof key === 'string') return this.#byText.get(key)
    if (key instanceof Buffer) return this.#byLatin1.get(key.toString('latin1'))
    if (typeof key === 'number') return this.#byText.get(String(key))
    return Array.isArray(key) && !Array.isArray(key[0]) ? this.#policyOf(key[0]) : undefined
  }

  /** Whether the connection takes a read at once, and answers it for itself. */
  get isFree(): boolean {
    const { client, isBound } = this.#parts
    return client.status === 'ready' && !isSubscriber(client) && !isBound()
  }

  #isInForce(policy: LivePolicy): boolean {
    return policy.policy.phase !== 'draining' && this.isFree
  }

  #isLocal(policy: LivePolicy): boolean {
    return policy.pendingWrites === 0 && policy.isLocalOpen && this.#parts.trackers.isHeard(policy)
  }

  #plainId(policy: LivePolicy, method: string): string {
    const known = policy.plainIds.get(method)
    if (known !== undefined) return known
    const id = `${policy.id} ${method}`
    policy.plainIds.set(method, id)
    return id
  }

  #readByPolicy(policy: LivePolicy, call: ReadCall, now: number): Promise<unknown> {
    if (this.#isLocal(policy)) {
      const id = nameCall(call)
      if (id !== null) return this.#readLocal(policy, call, `${policy.id} ${id}`, now)
    }
    policy.reads++
    const isElsewhere = policy.policy.phase === 'active' && !policy.isOwnRead(now)
    const reading = isElsewhere ? this.#readElsewhere(policy, call, now) : this.#readPlain(call)
    return asCallback(timed(policy, now, this.#parts.settings.now, reading), call.callback)
  }

  #readLocal(policy: LivePolicy, call: ReadCall, id: string, now: number): Promise<unknown> {
    const { local, plain, trackers } = this.#parts
    const reading = local.read(
      policy,
      id,
      now,
      () => plain.readFromPrimary(call.method, call.args.slice()),
      () => trackers.isHeard(policy),
    )
    return asCallback(reading, call.callback)
  }

  #readElsewhere(policy: LivePolicy, call: ReadCall, now: number): Promise<unknown> {
    if (policy.variants.length > 0) return this.#readVariant(policy, call, now)
    if (!policy.policy.replicaRead || now < policy.replicaSilentUntilMs) return this.#readPlain(call)
    const kept = keepArguments(call)
    const reading = this.#begun(policy, () => this.#parts.replicas.read(policy, kept))
    // A replica that has not synchronised yet has nothing, and says so as if the key were missing.
    if (reading === null) return this.#readPlain(call)
    const onSilence = () => {
      policy.replicaSilentUntilMs = this.#parts.settings.now() + PASSED_BY_MS
    }
    return this.#orPlain(policy, kept, reading, { isMissing: isEmptyReply, onSilence })
  }

  #readVariant(policy: LivePolicy, call: ReadCall, now: number): Promise<unknown> {
    const index = Math.floor(this.#parts.settings.random() * policy.variants.length)
    const variant = policy.variants[index]
    if (variant === undefined || now < (policy.variantSilentUntilMs[index] ?? 0)) return this.#readPlain(call)
    policy.variantReads[index] = (policy.variantReads[index] ?? 0) + 1
    if (variant.isBase) return this.#readPlain(call)
    const kept = keepArguments(call)
    const args = kept.args.with(kept.keyAt, variant.name)
    const reading = this.#begun(policy, () => this.#parts.plain.readUnprefixed(kept.method, args))
    if (reading === null) return this.#readPlain(call)
    const isMissing = (value: unknown) => {
      if (isEmptyReply(value)) return true
      policy.copyReads++
      return false
    }
    const onSilence = () => {
      policy.variantSilentUntilMs[index] = this.#parts.settings.now() + PASSED_BY_MS
    }
    return this.#orPlain(policy, kept, reading, { isMissing, onSilence })
  }

  /** @returns null where it cannot even be sent: automatic pipelines throw when a copy's slot has no owner */
  #begun(policy: LivePolicy, read: () => Promise<unknown> | null): Promise<unknown> | null {
    try {
      return read()
    } catch {
      policy.fallbacks++
      return null
    }
  }

  #readPlain(call: ReadCall): Promise<unknown> {
    return this.#parts.plain.read(call.method, call.args)
  }

  /** The reading's reply, or the plain command's when it fails, is missing or is silent for long. */
  #orPlain(
    policy: LivePolicy,
    call: ReadCall,
    reading: Promise<unknown>,
    { isMissing, onSilence }: { isMissing: (value: unknown) => boolean; onSilence: () => void },
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        return this.#leaves.delete(leave)
      }
      const leave = () => {
        if (!end()) return
        policy.fallbacks++
        try {
          this.#readPlain(call).then(resolve, reject)
        } catch (error) {
          reject(error)
        }
      }
      const timer = setTimeout(() => {
        onSilence()
        leave()
      }, SILENCE_MS)
      timer.unref()
      this.#leaves.add(leave)
      reading.then((value) => {
        if (!this.#leaves.has(leave)) return
        if (isMissing(value)) return leave()
        end()
        resolve(value)
      }, leave)
    })
  }
}

/** In RESP2 such a connection takes no reads: ours would be answered where the plain one is an error. */
const isSubscriber = ({ condition }: Client): boolean =>
  Boolean(condition?.subscriber) && condition?.protocol !== 3

function flatten(method: string, args: unknown[], keyAt: number): ReadCall {
  const last = args.at(-1)
  const callback = isCallback(last) ? last : undefined
  const own = callback === undefined ? args : args.slice(0, -1)
  return { method, args: own.flat(), keyAt, callback }
}

/** The application may use its Buffers again before we name them a second time. */
function keepArguments(call: ReadCall): ReadCall {
  if (!call.args.some((arg) => arg instanceof Buffer)) return call
  return { ...call, args: call.args.map((arg) => (arg instanceof Buffer ? Buffer.from(arg) : arg)) }
}
