/** The shop's front page: one big object, cached whole, as shops do until its bytes are their load. */
import type { Cluster } from 'ioredis'
import type { Origin } from './origin.ts'

const CATALOG_KEY = 'catalog:front'
/** With their bodies about 100 kB. */
const ARTICLES_IN_CATALOG = 180
const TTL_SECONDS = 300

export class Catalog {
  readonly #cache: Cluster
  readonly #origin: Origin
  #loading: Promise<string> | null = null

  constructor(cache: Cluster, origin: Origin) {
    this.#cache = cache
    this.#origin = origin
  }

  async read(): Promise<string> {
    const cached = await this.#cache.get(CATALOG_KEY)
    if (cached !== null) return cached
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null
    })
    return this.#loading
  }

  async #load(): Promise<string> {
    const catalog = await this.#origin.readCatalog(ARTICLES_IN_CATALOG)
    await this.#cache.set(CATALOG_KEY, catalog, 'EX', TTL_SECONDS)
    return catalog
  }
}
