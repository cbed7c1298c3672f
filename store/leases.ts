/** Who samples which cache: a lease that its holder renews, and that others take over once it has run out. */
import { query, type Store } from './client.ts'

/**
 * Takes or renews the leases of these caches, as far as no other collector holds them. Time is the database's.
 * @returns the caches that the collector holds now
 * @throws CachescopeError store-unreachable
 */
export async function acquireLeases(
  store: Store,
  collectorId: string,
  cacheIds: string[],
  ttlMs: number,
): Promise<string[]> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ cacheId: string }[]>`
      INSERT INTO lease AS l (cache_id, collector_id, expires_at, last_event_id)
      SELECT c.cache_id, ${collectorId}, clock_timestamp() + ${ttlMs}::double precision * interval '1 millisecond',
        (SELECT coalesce(max(event_id), 0) FROM event)
      FROM cache c WHERE c.cache_id = ANY(${cacheIds}::text[]) ORDER BY c.cache_id
      ON CONFLICT (cache_id) DO UPDATE SET collector_id = excluded.collector_id, expires_at = excluded.expires_at,
        last_event_id =
          CASE WHEN l.collector_id = excluded.collector_id THEN l.last_event_id ELSE excluded.last_event_id END
      WHERE l.collector_id = excluded.collector_id OR l.expires_at <= clock_timestamp()
      RETURNING cache_id AS "cacheId"`,
  )
  return rows.map((row) => row.cacheId)
}

/** @throws CachescopeError store-unreachable */
export async function releaseLeases(store: Store, collectorId: string): Promise<void> {
  await query(store, (prisma) => prisma.lease.deleteMany({ where: { collectorId } }))
}
