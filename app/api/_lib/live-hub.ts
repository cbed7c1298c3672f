/**
 * Hands what Postgres notifies to every open browser. One LISTEN connection serves them all: it starts with the
 * first stream and is closed after the last.
 *
 * Events: `message` with `{ cacheIds }` (what has new figures; empty: look again), `state` with `{ connected }`
 * (whether Postgres can be heard), `heartbeat`.
 */
export type Subscription = { close(): Promise<void> }
export type Subscribe = (
  onMessage: (cacheIds: string[]) => void,
  onState: (connected: boolean) => void,
) => Subscription

export type LiveHub = {
  /** A stream of server-sent events that ends with `signal`; null when too many are open, or after close(). */
  open(signal: AbortSignal): ReadableStream<Uint8Array> | null
  streams(): number
  /** Ends every stream for good, so that a server that is stopping does not wait for them. */
  close(): Promise<void>
}

const RETRY_MS = 2_000
const HEARTBEAT_MS = 15_000
/** A browser that reads nothing gets its stream ended; it comes back by itself. */
const MAX_UNREAD_BYTES = 64 * 1024

export function createLiveHub(
  subscribe: Subscribe,
  { maxStreams, heartbeatMs = HEARTBEAT_MS }: { maxStreams: number; heartbeatMs?: number },
): LiveHub {
  const streams = new Set<{ send(text: string): void; end(): void }>()
  const encoder = new TextEncoder()
  let subscription: Subscription | null = null
  let connected: boolean | null = null
  let heartbeat: NodeJS.Timeout | undefined
  let quiet = true
  let closed = false

  const broadcast = (text: string) => {
    for (const stream of streams) stream.send(text)
  }
  const start = () => {
    connected = null
    quiet = true
    subscription = subscribe(
      (cacheIds) => {
        quiet = false
        broadcast(tickEvent(cacheIds))
      },
      (now) => {
        if (now === connected) return
        connected = now
        // A page is to be read again as well: what it shows is no longer true, or can be read once more.
        broadcast(stateEvent(now) + tickEvent([]))
      },
    )
    heartbeat = setInterval(() => {
      // Silence is news too: figures get old, and only a page that is read again says so.
      broadcast(quiet ? HEARTBEAT + tickEvent([]) : HEARTBEAT)
      quiet = true
    }, heartbeatMs)
  }
  const stop = async () => {
    clearInterval(heartbeat)
    const ending = subscription
    subscription = null
    await ending?.close()
  }

  return {
    open(signal) {
      if (closed || streams.size >= maxStreams) return null
      let end = () => {}
      return new ReadableStream<Uint8Array>(
        {
          start(controller) {
            const stream = {
              send(text: string) {
                controller.enqueue(encoder.encode(text))
                if ((controller.desiredSize ?? 0) < -MAX_UNREAD_BYTES) end()
              },
              end: () => end(),
            }
            end = () => {
              if (!streams.delete(stream)) return
              signal.removeEventListener('abort', end)
              if (streams.size === 0) void stop()
              try {
                controller.close()
              } catch {
                // The browser cancelled it before.
              }
            }
            streams.add(stream)
            signal.addEventListener('abort', end)
            stream.send(`retry: ${RETRY_MS}\n\n`)
            if (subscription === null) start()
            else if (connected !== null) stream.send(stateEvent(connected))
            if (signal.aborted) end()
          },
          cancel: () => end(),
        },
        new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
      )
    },
    streams: () => streams.size,
    async close() {
      closed = true
      for (const stream of [...streams]) stream.end()
      await stop()
    },
  }
}

const HEARTBEAT = 'event: heartbeat\ndata: {}\n\n'
const tickEvent = (cacheIds: string[]) => `data: ${JSON.stringify({ cacheIds })}\n\n`
const stateEvent = (connected: boolean) => `event: state\ndata: ${JSON.stringify({ connected })}\n\n`
