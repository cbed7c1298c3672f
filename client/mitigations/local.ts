/**
 * Hot replies kept in the process: bounded in entries and bytes, given out as copies, one load in flight an entry.
 * Invariant: what was read before an invalidation or a write of our own is never kept after it (generations).
 */
import { LRUCache } from 'lru-cache'
import { POLICY_LIMITS } from '../../core/protocol/policy.ts'
import { copy, isShareable, measure } from '../copy.ts'
import type { LivePolicy } from '../live-policy.ts'
import type { Settings } from '../options.ts'

type Entry = {
  policy: LivePolicy
  generation: number
  value: unknown
  isShared: boolean
  freshUntilMs: number
  staleUntilMs: number
}
type Load = () => Promise<unknown>

/** What an entry takes beside its reply; replies of characters beyond Latin-1 take twice their bytes. */
const ENTRY_BYTES = 200
const bytesOf = (id: string, valueBytes: number) => ENTRY_BYTES + 2 * (id.length + valueBytes)

export class LocalTier {
  readonly #settings: Settings
  readonly #entries = new LRUCache<string, Entry>({
    max: POLICY_LIMITS.localEntries,
    maxSize: POLICY_LIMITS.localBytes,
  })

  constructor(settings: Settings) {
    this.#settings = settings
  }

  get size(): { entries: number; bytes: number } {
    return { entries: this.#entries.size, bytes: this.#entries.calculatedSize }
  }

  /** @param isOwner whether this process still reads the key where it is invalidated: asked when a load is done */
  read(policy: LivePolicy, id: string, now: number, load: Load, isOwner: () => boolean): Promise<unknown> {
    const entry = this.#entries.get(id)
    if (entry !== undefined && entry.policy === policy && entry.generation === policy.generation) {
      if (now < entry.freshUntilMs) {
        policy.hits++
        return Promise.resolve(entry.isShared ? entry.value : copy(entry.value))
      }
      if (now < entry.staleUntilMs) {
        policy.hits++
        if (!policy.loads.has(id)) this.#load(policy, id, load, isOwner).catch(() => {})
        return Promise.resolve(entry.isShared ? entry.value : copy(entry.value))
      }
    }
    policy.reads++
    policy.misses++
    const underWay = policy.loads.get(id)
    // What it brings may have been read when it began: not joined once it would be too old to be kept.
    const isJoined = underWay !== undefined && now < underWay.startMs + (policy.policy.local?.ttlMs ?? 0)
    const loading = isJoined ? underWay.loading : this.#load(policy, id, load, isOwner)
    return timed(policy, now, this.#settings.now, this.#share(policy, loading, isJoined, load))
  }

  /** Entries of policies that are gone; all of them without an argument. */
  clear(kept: readonly LivePolicy[] = []): void {
    for (const [id, entry] of this.#entries.entries()) {
      if (!kept.includes(entry.policy) || entry.generation !== entry.policy.generation)
        this.#entries.delete(id)
    }
  }

  #load(policy: LivePolicy, id: string, load: Load, isOwner: () => boolean): Promise<unknown> {
    const generation = policy.generation
    const startMs = this.#settings.now()
    /** @returns false: another has begun since, and its value is the newer one */
    const end = () => policy.loads.get(id)?.loading === loading && policy.loads.delete(id)
    const loading = load().then((value) => {
      const isNewest = end()
      if (isNewest && policy.generation === generation && isOwner()) this.#keep(policy, id, value, startMs)
      return value
    })
    policy.loads.set(id, { loading, startMs })
    loading.catch(end)
    return loading
  }

  /** A reply that cannot be copied goes to the one who asked for it; those who waited along ask for themselves. */
  async #share(
    policy: LivePolicy,
    loading: Promise<unknown>,
    isJoined: boolean,
    load: Load,
  ): Promise<unknown> {
    const value = await loading
    if (isShareable(value)) {
      if (isJoined) policy.joined++
      return value
    }
    if (measure(value) === null) return isJoined ? load() : value
    if (isJoined) policy.joined++
    return copy(value)
  }

  /** Its time runs from when it was asked for: the server may have read it at once. */
  #keep(policy: LivePolicy, id: string, value: unknown, startMs: number): void {
    const { local } = policy.policy
    const bytes = measure(value)
    if (local === null || bytes === null || bytes > local.maxBytes) return
    const freshMs = local.ttlMs * (1 - local.jitter * this.#settings.random())
    const isShared = isShareable(value)
    this.#entries.set(
      id,
      {
        policy,
        generation: policy.generation,
        value: isShared ? value : copy(value),
        isShared,
        freshUntilMs: startMs + freshMs,
        staleUntilMs: startMs + freshMs + local.staleMs,
      },
      { size: bytesOf(id, bytes) },
    )
  }
}

/** Notes how long the application waited; a rejection stays the caller's. */
export function timed(
  policy: LivePolicy,
  startMs: number,
  now: () => number,
  reading: Promise<unknown>,
): Promise<unknown> {
  return reading.then(
    (value) => {
      policy.latency.add(now() - startMs)
      return value
    },
    (error: unknown) => {
      policy.latency.add(now() - startMs)
      throw error
    },
  )
}
