/** When the collector has stored its first sample: from then on the pages have something to show. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CachescopeError } from '../core/errors.ts'
import { listCaches } from '../store/caches.ts'
import { closeStore, openStore } from '../store/client.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import type { Child } from './supervisor.ts'

const TIMEOUT_MS = 60_000

/**
 * Resolves when a sample taken after `since` (epoch milliseconds) is stored.
 * @throws CommandError with the collector's last words when none comes
 */
export async function untilFirstSample(databaseUrl: string, since: number, collector: Child): Promise<void> {
  const store = openStore(databaseUrl)
  try {
    const deadline = Date.now() + TIMEOUT_MS
    while (Date.now() < deadline) {
      // A machine that is busy starting everything may answer late: the next question will tell.
      const caches = await listCaches(store, Date.now()).catch((error: unknown) => {
        if (error instanceof CachescopeError && error.code === 'store-unreachable') return []
        throw error
      })
      if (caches.some((cache) => cache.sampledAt !== null && Date.parse(cache.sampledAt) >= since)) return
      await sleep(100)
    }
  } finally {
    await closeStore(store)
  }
  const said = collector.lastLines().slice(-10).join('\n')
  throw new CommandError(
    EXIT.internal,
    `The collector stored no sample within ${TIMEOUT_MS / 1000} s. Its last lines:\n${said}`,
  )
}
