/** Where the primary of a `sentinel` cache is, by the first of its Sentinels that knows. */
import type { CacheConfig, Seed } from '../core/config.ts'
import type { Clock } from './clock.ts'
import { NodeFailure } from './connection/failure.ts'
import { type Credentials, NodeConnection } from './connection/node-connection.ts'
import { readMasters } from './sentinel.ts'

/** Once its nodes are known they tell of a failover themselves. */
const ASK_MS = 5_000

/** @param credentials of the data nodes: the Sentinels share their TLS alone */
function sentinelCredentials(cache: CacheConfig, credentials: Credentials): Credentials {
  const { username = null, password = null } = cache.sentinel ?? {}
  return { username, password, tls: credentials.tls }
}

export class SentinelSeeds {
  readonly #cache: CacheConfig
  readonly #credentials: Credentials
  readonly #clock: Clock
  #known: Seed[] = []
  #due = Number.NEGATIVE_INFINITY

  constructor(cache: CacheConfig, credentials: Credentials, clock: Clock) {
    this.#cache = cache
    this.#credentials = sentinelCredentials(cache, credentials)
    this.#clock = clock
  }

  /** @returns the primary alone, as last known while no Sentinel answers; `[]` at first. @throws NodeFailure then */
  async find(): Promise<Seed[]> {
    if (this.#clock.monotonic() < this.#due) return this.#known
    let problem: NodeFailure | null = null
    for (const sentinel of this.#cache.seeds) {
      try {
        this.#known = [await this.#ask(sentinel)]
        this.#due = this.#clock.monotonic() + ASK_MS
        return this.#known
      } catch (error) {
        if (!(error instanceof NodeFailure)) throw error
        problem ??= error
      }
    }
    if (problem !== null && this.#known.length === 0) throw problem
    return this.#known
  }

  async #ask(sentinel: Seed): Promise<Seed> {
    const connection = new NodeConnection(sentinel, this.#credentials)
    try {
      await connection.open()
      const masters = await readMasters(connection).catch((error: unknown) => {
        if (!(error instanceof NodeFailure) || error.replyCode !== 'ERR') throw error
        const message = `${sentinel.address} is no Sentinel. Name the Sentinels' own port, or write kind: standalone.`
        throw new NodeFailure({ state: 'error', message })
      })
      const name = this.#cache.sentinel?.masterName
      const master = masters.find((one) => one.name === name)
      if (master) return { host: master.host, port: master.port, address: master.address }
      const known = masters.map((one) => one.name).join(', ') || 'none'
      const message = `The Sentinel at ${sentinel.address} knows no master of the name that master: has. It knows: ${known}.`
      throw new NodeFailure({ state: 'error', message })
    } finally {
      connection.close()
    }
  }
}
