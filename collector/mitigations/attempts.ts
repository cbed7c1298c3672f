/** What is done again and again for a cache, beside its runners: one thing that fails is in no other's way. */
import { NodeFailure } from '../connection/failure.ts'
import type { Logger } from '../logger.ts'
import { Halted } from './halted.ts'

export class Attempts {
  readonly #cacheId: string
  readonly #logger: Logger
  readonly #troubles = new Set<string>()

  constructor(cacheId: string, logger: Logger) {
    this.#cacheId = cacheId
    this.#logger = logger
  }

  /**
   * @param what as it follows "it fails that"
   * @returns undefined where it failed: said once, until it works again
   */
  async run<T>(what: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await run()
      this.#troubles.delete(what)
      return value
    } catch (error) {
      const { name, code, message } = error as { name?: string; code?: string; message?: string }
      if (error instanceof Halted || code?.startsWith('store-unreachable')) return undefined
      // Of what nobody foresaw the name only: a message may repeat a reply.
      const why = error instanceof NodeFailure ? message : name
      if (!this.#troubles.has(what))
        this.#logger.warn({ cache: this.#cacheId, why }, `it fails that ${what}; it is tried again`)
      this.#troubles.add(what)
      return undefined
    }
  }
}
