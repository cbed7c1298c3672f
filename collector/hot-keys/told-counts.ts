/** Counts of instances that send their heartbeats over HTTP: the dashboard leaves them in Postgres, this takes them out. */
import { listToldCounts } from '../../store/app-instances.ts'
import type { Store } from '../../store/client.ts'
import type { ClientCountsOfCache } from './client-counts.ts'

/** What is older when a cache is taken over is of no use any more. */
const FRESH_MS = 15_000
/** The dashboard's clock is another one, and what it has received is there a little later. */
const OVERLAP_MS = 2_000

export class ToldCounts {
  readonly #store: Store
  /** By cache, when the newest that was read was received. */
  readonly #newest = new Map<string, number>()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Into the counts of each cache, which take each heartbeat once, whichever way it came.
   * @throws CachescopeError store-unreachable
   */
  async read(caches: ReadonlyMap<string, ClientCountsOfCache>, now: number): Promise<void> {
    for (const cacheId of this.#newest.keys()) if (!caches.has(cacheId)) this.#newest.delete(cacheId)
    if (caches.size === 0) return
    const since = new Map(
      [...caches.keys()].map((cacheId) => [
        cacheId,
        Math.max(this.#newest.get(cacheId) ?? 0, now - FRESH_MS) - OVERLAP_MS,
      ]),
    )
    const told = await listToldCounts(this.#store, since)
    for (const { cacheId, seenAt, ...heartbeat } of told.reverse()) {
      // One clock that is ahead would hide what others receive until then.
      const at = Math.min(seenAt, now)
      caches.get(cacheId)?.note(heartbeat, at)
      this.#newest.set(cacheId, Math.max(at, this.#newest.get(cacheId) ?? 0))
    }
  }
}
