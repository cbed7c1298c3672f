/** Cache-aside: an article comes from the cache, on a miss from the origin, and then waits in the cache for the next. */
import type { Cluster } from 'ioredis'
import type { Origin } from './origin.ts'

const MIN_TTL_SECONDS = 240
const TTL_SPREAD_SECONDS = 240

export const articleKey = (articleId: number): string => `article:${articleId}`

export class Articles {
  readonly #cache: Cluster
  readonly #origin: Origin
  readonly #random: () => number
  /** Reads of the origin under way: many misses of one article are one query. */
  readonly #loading = new Map<number, Promise<string | null>>()

  constructor(cache: Cluster, origin: Origin, random: () => number) {
    this.#cache = cache
    this.#origin = origin
    this.#random = random
  }

  async read(articleId: number): Promise<string | null> {
    const cached = await this.#cache.get(articleKey(articleId))
    if (cached !== null) return cached
    const loading = this.#loading.get(articleId) ?? this.#load(articleId)
    this.#loading.set(articleId, loading)
    return loading
  }

  /** The origin first, then the cached copy goes: a reader in between sees the old price for one more read. */
  async changePrice(articleId: number, cents: number): Promise<void> {
    await this.#origin.changePrice(articleId, cents)
    await this.#cache.del(articleKey(articleId))
  }

  async #load(articleId: number): Promise<string | null> {
    try {
      const article = await this.#origin.readArticle(articleId)
      if (article !== null) {
        // Spread, so that what was cached together does not expire together.
        const ttlSeconds = MIN_TTL_SECONDS + Math.floor(this.#random() * TTL_SPREAD_SECONDS)
        await this.#cache.set(articleKey(articleId), article, 'EX', ttlSeconds)
      }
      return article
    } finally {
      this.#loading.delete(articleId)
    }
  }
}
