/** The collectors that reported lately, living or not. */
import type { Collector } from '../core/model.ts'
import { query, type Store } from './client.ts'

const SHOWN_MS = 24 * 3_600_000

/**
 * Those with a heartbeat within a day, the newest first.
 * @throws CachescopeError store-unreachable
 */
export async function listCollectors(store: Store, now: number): Promise<Collector[]> {
  const rows = await query(store, (prisma) =>
    prisma.collector.findMany({
      where: { heartbeatAt: { gte: new Date(now - SHOWN_MS) } },
      orderBy: { heartbeatAt: 'desc' },
    }),
  )
  return rows.map((row) => ({
    ...row,
    startedAt: row.startedAt.toISOString(),
    heartbeatAt: row.heartbeatAt.toISOString(),
  }))
}
