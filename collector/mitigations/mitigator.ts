/** Looks for mitigations of all caches that this collector holds: one query, twice a second while something runs. */
import type { Store } from '../../store/client.ts'
import { listRunning } from '../../store/mitigation-progress.ts'
import { type Clock, Sleeper } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { CacheMitigations, type CacheMitigationsOptions } from './cache-mitigations.ts'
import { emptyBill, type NodeBill } from './node-bill.ts'

const IDLE_MS = 1_000
const BUSY_MS = 500
/** So often it is seen whether the leases are still certain. */
const LEASE_CHECK_MS = 250

export class Mitigator {
  readonly #store: Store
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #caches = new Map<string, CacheMitigations>()
  readonly #sleeper = new Sleeper()
  #isHurried = false
  #running: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(store: Store, clock: Clock, logger: Logger) {
    this.#store = store
    this.#clock = clock
    this.#logger = logger
  }

  start(): void {
    if (this.#running) return
    this.#running = this.#run()
    this.#timer = setInterval(() => {
      for (const cache of this.#caches.values()) cache.checkLease()
    }, LEASE_CHECK_MS)
  }

  attach(options: Omit<CacheMitigationsOptions, 'store' | 'onProgress' | 'clock' | 'logger'>): void {
    const { cacheId } = options.cache
    this.#caches.set(
      cacheId,
      new CacheMitigations({
        ...options,
        store: this.#store,
        clock: this.#clock,
        logger: this.#logger,
        onProgress: () => this.#hurry(),
      }),
    )
    this.#hurry()
  }

  async detach(cacheId: string): Promise<void> {
    const cache = this.#caches.get(cacheId)
    this.#caches.delete(cacheId)
    await cache?.stop()
  }

  billOf(cacheId: string, address: string): NodeBill {
    return this.#caches.get(cacheId)?.billOf(address) ?? emptyBill()
  }

  /** Idempotent. Changes nothing: another collector goes on from what is written. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer)
    this.#sleeper.stop()
    await Promise.all([...this.#caches.keys()].map((cacheId) => this.detach(cacheId)))
    await this.#running
  }

  #hurry(): void {
    this.#isHurried = true
    this.#sleeper.wake()
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#isHurried = false
      await this.#look()
      const isBusy = [...this.#caches.values()].some((cache) => cache.isBusy)
      const waitMs = this.#isHurried ? 0 : isBusy ? BUSY_MS : IDLE_MS
      if (!(await this.#sleeper.sleep(waitMs))) return
    }
  }

  async #look(): Promise<void> {
    if (this.#caches.size === 0) return
    try {
      const readAt = this.#clock.monotonic()
      const { mitigations, revs } = await listRunning(this.#store, [...this.#caches.keys()])
      for (const [cacheId, cache] of this.#caches) {
        const own = mitigations.filter((mitigation) => mitigation.cacheId === cacheId)
        cache.update(own, revs.get(cacheId) ?? 0, readAt)
      }
    } catch (error) {
      const { name, code } = error as { name?: string; code?: string }
      // Postgres being away is told once, by the writer.
      const level = code?.startsWith('store-unreachable') ? 'debug' : 'error'
      this.#logger[level]({ error: name ?? typeof error, code }, 'mitigations could not be looked up')
    }
  }
}
