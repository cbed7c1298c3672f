/**
 * Connections of our own beside the application's: nothing of ours can come between its MULTI and EXEC, wait behind
 * its BLPOP or trip its error hooks. None keeps the process alive: sockets are unreferenced before they connect.
 */
import { type Client, isClient } from './types.ts'

type Connector = new (...args: ConstructorParameters<typeof Object>) => object

/** Whatever the application chose for its own commands is not for ours. */
const OWN = {
  lazyConnect: true,
  keyPrefix: '',
  protocol: 2,
  replyMapping: 'legacy',
  db: 0,
  readOnly: false,
  monitor: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  enableReadyCheck: false,
  maxRetriesPerRequest: null,
  retryStrategy: null,
  failoverDetector: false,
  // Its socket is destroyed by us, and a timer of ioredis would hold the process.
  disconnectTimeout: 0,
  sentinelRetryStrategy: null,
  reconnectOnError: null,
  commandTimeout: undefined,
  socketTimeout: undefined,
  blockingTimeout: undefined,
  connectTimeout: 3_000,
  sentinelCommandTimeout: 1_000,
  connectionName: undefined,
  scripts: undefined,
  himportFieldsets: undefined,
  showFriendlyErrorStack: false,
}

/** An unconnected duplicate of a Redis with `overrides`; it never connects again by itself. */
export function besideOf(source: Client, overrides: object = {}): Client {
  const Connector = unreferenced(source)
  const side = source.duplicate({
    ...OWN,
    // Each of them: one that is dead or hangs leaves time for the next.
    ...(source.options.sentinels ? { connectTimeout: 1_000 } : {}),
    ...overrides,
    ...(Connector ? { Connector } : {}),
  })
  if (!isClient(side)) throw new Error('ioredis gave no client from duplicate()')
  side.on('error', () => {})
  return side
}

export function closeBeside(side: Client | null): void {
  if (side === null) return
  side.disconnect()
  side.stream?.destroy()
}

/** The source's own way to connect, with sockets that let the process end. */
function unreferenced(source: Client): Connector | null {
  const own: unknown = source.options.Connector ?? source.connector?.constructor
  if (!isConnector(own)) return null
  return class extends own {
    async connect(...args: unknown[]): Promise<unknown> {
      const connect: unknown = Reflect.get(own.prototype, 'connect')
      if (typeof connect !== 'function') throw new Error('ioredis has a connector without connect()')
      const stream: unknown = await Reflect.apply(connect, this, args)
      if (typeof stream === 'object' && stream !== null) {
        const unref: unknown = Reflect.get(stream, 'unref')
        if (typeof unref === 'function') Reflect.apply(unref, stream, [])
      }
      return stream
    }
  }
}

const isConnector = (value: unknown): value is Connector =>
  typeof value === 'function' && typeof value.prototype === 'object'

/** Rejects after `ms` when the promise has not settled; its timer keeps no process alive. */
export function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms} ms`)), ms)
    timer.unref()
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
