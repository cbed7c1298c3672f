/** Failovers, restarts, nodes lost and back. */
import type { Event, EventKind } from '../core/model.ts'
import type { TimeRange } from '../core/range.ts'
import { query, type Store } from './client.ts'
import { decodeCursor, type Page, toPage } from './page.ts'

/**
 * Newest first.
 * @throws CachescopeError invalid-parameter (cursor), store-unreachable
 */
export async function listEvents(
  store: Store,
  options: { cacheId?: string; nodeId?: number; range?: TimeRange; limit: number; cursor?: string },
): Promise<Page<Event>> {
  const { cacheId, nodeId, range, limit } = options
  const after = decodeCursor(options.cursor, ['time', 'int8'])
  const rows = await query(store, (prisma) =>
    prisma.event.findMany({
      where: {
        cache: { removedAt: null },
        ...(cacheId === undefined ? {} : { cacheId }),
        ...(nodeId === undefined ? {} : { nodeId }),
        ...(range === undefined ? {} : { at: { gte: new Date(range.from), lt: new Date(range.to) } }),
        ...(after === null ? {} : { OR: beyond(Number(after[0]), BigInt(after[1] as string)) }),
      },
      orderBy: [{ at: 'desc' }, { eventId: 'desc' }],
      take: limit + 1,
    }),
  )
  return toPage(
    rows,
    limit,
    (row) => ({
      eventId: Number(row.eventId),
      at: row.at.toISOString(),
      cacheId: row.cacheId,
      shardId: row.shardId,
      nodeId: row.nodeId,
      kind: row.kind as EventKind,
      message: row.message,
    }),
    (row) => [row.at.getTime(), Number(row.eventId)],
  )
}

function beyond(at: number, eventId: bigint) {
  const time = new Date(at)
  return [{ at: { lt: time } }, { at: time, eventId: { lt: eventId } }]
}
