/**
 * One connection that hears of every write of some keys: it redirects client tracking to itself and subscribes, in
 * RESP2, which is the one way that cannot lose its other half unseen. It never mends itself: when it is down it is
 * done, and another is opened.
 */
import { besideOf, closeBeside, within } from '../ioredis/side-connection.ts'
import type { Client } from '../ioredis/types.ts'

const CHANNEL = '__redis__:invalidate'
const STEP_MS = 3_000
const PING_MS = 1_000

export type TrackerEvents = {
  armed: () => void
  /** Keys that were written; null: all of them. */
  invalidated: (keys: Buffer[] | null) => void
  /** Once, whatever it was before. */
  down: () => void
}

export class Tracker {
  readonly #events: TrackerEvents
  readonly #prefixes: Buffer[]
  #side: Client | null = null
  #timer: NodeJS.Timeout | null = null
  #state: 'arming' | 'armed' | 'down' = 'arming'

  constructor(prefixes: Buffer[], events: TrackerEvents) {
    this.#prefixes = prefixes
    this.#events = events
  }

  get state(): 'arming' | 'armed' | 'down' {
    return this.#state
  }

  /** Our end of the connection and the server's. */
  get stream(): Client['stream'] {
    return this.#side?.stream ?? null
  }

  async arm(source: Client): Promise<void> {
    try {
      const side = besideOf(source)
      this.#side = side
      side.on('close', () => this.close())
      side.on('messageBuffer', (_channel, keys) => this.#events.invalidated(readKeys(keys)))
      await within(STEP_MS, 'connecting', side.connect())
      const id = await within(STEP_MS, 'CLIENT ID', side.call('client', 'ID'))
      const prefixes = this.#prefixes.flatMap((prefix) => ['PREFIX', prefix])
      await within(
        STEP_MS,
        'CLIENT TRACKING',
        side.call('client', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', ...prefixes),
      )
      await within(STEP_MS, 'SUBSCRIBE', side.call('subscribe', CHANNEL))
      if (this.#state !== 'arming') return
      this.#state = 'armed'
      this.#watch(side)
      this.#events.armed()
    } catch {
      this.close()
    }
  }

  close(): void {
    if (this.#state === 'down') return
    this.#state = 'down'
    if (this.#timer !== null) clearTimeout(this.#timer)
    closeBeside(this.#side)
    this.#events.down()
  }

  /** A server that does not answer may not send invalidations either. */
  #watch(side: Client): void {
    this.#timer = setTimeout(() => {
      within(PING_MS, 'PING', side.call('ping')).then(
        () => this.#state === 'armed' && this.#watch(side),
        () => this.close(),
      )
    }, PING_MS)
    this.#timer.unref()
  }
}

/** Anything that is not a list of keys is taken for all of them. */
function readKeys(keys: unknown): Buffer[] | null {
  if (!Array.isArray(keys)) return null
  return keys.every((key) => key instanceof Buffer) ? keys : null
}
