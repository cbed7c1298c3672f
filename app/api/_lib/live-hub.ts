/**
 * Hands what Postgres notifies to every open browser. One LISTEN connection serves them all: it starts with the
 * first stream and is closed after the last.
 */
export type Subscription = { close(): Promise<void> }
export type Subscribe = (
  onMessage: (cacheIds: string[]) => void,
  onState: (connected: boolean) => void,
) => Subscription

export type LiveHub = {
  /** A stream of server-sent events that ends with `signal`; null when too many are open. */
  open(signal: AbortSignal): ReadableStream<Uint8Array> | null
  streams(): number
  /** Ends every stream, so that a server that is stopping does not wait for them. */
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

  const broadcast = (text: string) => {
    for (const stream of streams) stream.send(text)
  }
  const start = () => {
    connected = null
    subscription = subscribe(
      (cacheIds) => broadcast(`data: ${JSON.stringify({ cacheIds })}\n\n`),
      (now) => {
        if (now === connected) return
        connected = now
        broadcast(stateEvent(now))
      },
    )
    heartbeat = setInterval(() => broadcast(': alive\n\n'), heartbeatMs)
  }
  const stop = async () => {
    clearInterval(heartbeat)
    const ending = subscription
    subscription = null
    await ending?.close()
  }

  return {
    open(signal) {
      if (streams.size >= maxStreams) return null
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
      for (const stream of [...streams]) stream.end()
      await stop()
    },
  }
}

const stateEvent = (connected: boolean) => `event: state\ndata: ${JSON.stringify({ connected })}\n\n`
