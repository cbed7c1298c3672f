/**
 * Wakes long polls when Postgres tells of their cache. One LISTEN connection serves them all; it stays a while after
 * the last, since a poll is followed by the next.
 */
import type { Subscribe, Subscription } from './live-hub.ts'

export type Wake = { woken: Promise<void>; cancel(): void }
export type WakeHub = {
  /** `woken` resolves when the cache has news, after `ms`, with `signal`, or by cancel(). null: it is closed. */
  next(cacheId: string, options: { ms: number; signal: AbortSignal }): Wake | null
  /** Wakes everybody for good: a server that is stopping does not wait for them. */
  close(): Promise<void>
}

const LINGER_MS = 60_000

export function createWakeHub(subscribe: Subscribe, { lingerMs = LINGER_MS } = {}): WakeHub {
  const waiting = new Set<{ cacheId: string; wake: () => void }>()
  let subscription: Subscription | null = null
  let lingering: NodeJS.Timeout | undefined
  let closed = false

  const wake = (concerns: (cacheId: string) => boolean) => {
    for (const waiter of [...waiting]) if (concerns(waiter.cacheId)) waiter.wake()
  }
  const start = () => {
    clearTimeout(lingering)
    subscription ??= subscribe(
      (cacheIds) => wake((cacheId) => cacheIds.length === 0 || cacheIds.includes(cacheId)),
      // What was told while it was away is not told again.
      () => wake(() => true),
    )
  }
  const stop = async () => {
    clearTimeout(lingering)
    const ending = subscription
    subscription = null
    await ending?.close()
  }
  return {
    next(cacheId, { ms, signal }) {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (closed || signal.aborted) return null
      start()
      const end = () => {
        if (!waiting.delete(waiter)) return
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
        if (waiting.size > 0 || closed) return
        clearTimeout(lingering)
        lingering = setTimeout(() => void stop(), lingerMs)
        lingering.unref()
      }
      const waiter = { cacheId, wake: end }
      const timer = setTimeout(end, ms)
      waiting.add(waiter)
      signal.addEventListener('abort', end)
      return { woken: promise, cancel: end }
    },
    async close() {
      closed = true
      wake(() => true)
      await stop()
    },
  }
}
