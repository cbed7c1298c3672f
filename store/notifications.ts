/** What changed, as Postgres tells it: one LISTEN connection that reconnects by itself. */
import pg from 'pg'
import { parseDatabaseUrl } from './client.ts'

const CHANNEL = 'cachescope'
const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 5_000
const CONNECT_TIMEOUT_MS = 3_000
/** A connection that died without a word is noticed by this. */
const PROBE_MS = 10_000

export type Subscription = { close(): Promise<void> }

/**
 * @param onMessage the caches that have new rows
 * @param onState whether the connection stands; after `true` anything may have changed meanwhile
 * @throws CachescopeError store-invalid-url
 */
export function subscribe(
  databaseUrl: string,
  onMessage: (cacheIds: string[]) => void,
  onState: (connected: boolean) => void,
): Subscription {
  const listener = new Listener(parseDatabaseUrl(databaseUrl).href, onMessage, onState)
  void listener.connect()
  return listener
}

class Listener implements Subscription {
  readonly #url: string
  readonly #onMessage: (cacheIds: string[]) => void
  readonly #onState: (connected: boolean) => void
  #client: pg.Client | null = null
  #timer: NodeJS.Timeout | undefined
  #connected: boolean | null = null
  #retryMs = RETRY_MIN_MS
  #closed = false

  constructor(url: string, onMessage: (cacheIds: string[]) => void, onState: (connected: boolean) => void) {
    this.#url = url
    this.#onMessage = onMessage
    this.#onState = onState
  }

  async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'cachescope listen',
    })
    this.#client = client
    client.on('error', () => this.#lost(client))
    client.on('end', () => this.#lost(client))
    client.on('notification', ({ payload }) => this.#receive(payload))
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
    } catch {
      this.#lost(client)
      return
    }
    if (this.#client !== client) return
    this.#retryMs = RETRY_MIN_MS
    this.#tell(true)
    this.#scheduleProbe(client)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => {})
  }

  #receive(payload: string | undefined): void {
    try {
      const message = JSON.parse(payload ?? '') as { cacheIds?: unknown }
      if (Array.isArray(message.cacheIds)) this.#onMessage(message.cacheIds.map(String))
    } catch {
      // Somebody else's message on our channel.
    }
  }

  #scheduleProbe(client: pg.Client): void {
    this.#timer = setTimeout(async () => {
      try {
        await client.query('SELECT 1')
        if (this.#client === client) this.#scheduleProbe(client)
      } catch {
        this.#lost(client)
      }
    }, PROBE_MS)
    this.#timer.unref()
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) return
    this.#client = null
    client.end().catch(() => {})
    this.#tell(false)
    if (this.#closed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.connect(), this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS)
  }

  #tell(connected: boolean): void {
    if (this.#connected === connected) return
    this.#connected = connected
    this.#onState(connected)
  }
}
