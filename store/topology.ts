/** Caches as configured, and their shards and nodes as discovered. */
import type { NodeRole } from '../core/model.ts'
import type { CacheRecord, Topology } from '../core/sample.ts'
import { query, type Store } from './client.ts'

/** A busy Postgres gets this long; one that is away is noticed earlier, by query(). */
const TRANSACTION = { maxWait: 10_000, timeout: 20_000 }

/**
 * Saves the configured caches. Others are marked removed, unless a live collector holds a lease on them.
 * @throws CachescopeError store-unreachable
 */
export async function saveCaches(store: Store, records: CacheRecord[]): Promise<void> {
  const json = JSON.stringify(records)
  await query(store, (prisma) =>
    prisma.$transaction([
      prisma.$executeRaw`
        INSERT INTO cache AS c (cache_id, kind, interval_ms, seeds, mitigations_enabled, first_seen_at)
        SELECT r."cacheId", r.kind, r."intervalMs",
          ARRAY(SELECT jsonb_array_elements_text(r.seeds)), r."mitigationsEnabled", now()
        FROM jsonb_to_recordset(${json}::text::jsonb)
          AS r("cacheId" text, kind text, "intervalMs" integer, seeds jsonb, "mitigationsEnabled" boolean)
        ON CONFLICT (cache_id) DO UPDATE SET
          kind = excluded.kind, interval_ms = excluded.interval_ms, seeds = excluded.seeds,
          mitigations_enabled = excluded.mitigations_enabled, removed_at = NULL`,
      prisma.$executeRaw`
        UPDATE cache c SET removed_at = now()
        WHERE c.removed_at IS NULL
          AND c.cache_id NOT IN (SELECT r->>'cacheId' FROM jsonb_array_elements(${json}::text::jsonb) r)
          AND NOT EXISTS (SELECT FROM lease l WHERE l.cache_id = c.cache_id AND l.expires_at > now())`,
    ]),
  )
}

/**
 * Saves the shards and nodes of a cache; those not listed are marked removed. A topology older than the one stored
 * changes nothing, and neither does one of a cache that saveCaches has not named.
 * @throws CachescopeError store-unreachable
 */
export async function saveTopology(store: Store, topology: Topology): Promise<void> {
  const { cacheId, at } = topology
  const shards = JSON.stringify(topology.shards.map(({ ordinal, slots }) => ({ ordinal, slots })))
  const nodes = JSON.stringify(
    topology.shards.flatMap(({ ordinal, nodes: members }) => members.map((node) => ({ ordinal, ...node }))),
  )
  await query(store, (prisma) =>
    prisma.$transaction(async (tx) => {
      const updated = await tx.$executeRaw`
        UPDATE cache SET topology_at = from_ms(${at})
        WHERE cache_id = ${cacheId} AND (topology_at IS NULL OR topology_at < from_ms(${at}))`
      if (updated === 0) return
      await tx.$executeRaw`
        INSERT INTO shard (cache_id, ordinal, slots)
        SELECT ${cacheId}, s.ordinal, CASE WHEN jsonb_typeof(s.slots) = 'array' THEN s.slots END
        FROM jsonb_to_recordset(${shards}::text::jsonb) AS s(ordinal integer, slots jsonb)
        ON CONFLICT (cache_id, ordinal) DO UPDATE SET slots = excluded.slots, removed_at = NULL`
      await tx.$executeRaw`
        UPDATE shard SET removed_at = from_ms(${at})
        WHERE cache_id = ${cacheId} AND removed_at IS NULL AND ordinal NOT IN (
          SELECT (s->>'ordinal')::integer FROM jsonb_array_elements(${shards}::text::jsonb) s)`
      await tx.$executeRaw`
        INSERT INTO node AS n (cache_id, shard_id, address, role, cluster_node_id, state_since, first_seen_at)
        SELECT ${cacheId}, h.shard_id, m.address, m.role, m."clusterNodeId", from_ms(${at}), from_ms(${at})
        FROM jsonb_to_recordset(${nodes}::text::jsonb)
          AS m(ordinal integer, address text, role text, "clusterNodeId" text)
        JOIN shard h ON h.cache_id = ${cacheId} AND h.ordinal = m.ordinal
        ON CONFLICT (cache_id, address) DO UPDATE SET
          shard_id = excluded.shard_id, role = excluded.role, cluster_node_id = excluded.cluster_node_id,
          state = CASE WHEN n.removed_at IS NULL THEN n.state ELSE 'pending' END,
          state_message = CASE WHEN n.removed_at IS NULL THEN n.state_message END,
          state_since = CASE WHEN n.removed_at IS NULL THEN n.state_since ELSE excluded.state_since END,
          removed_at = NULL`
      await tx.$executeRaw`
        UPDATE node SET removed_at = from_ms(${at})
        WHERE cache_id = ${cacheId} AND removed_at IS NULL AND address NOT IN (
          SELECT m->>'address' FROM jsonb_array_elements(${nodes}::text::jsonb) m)`
      await tx.$executeRaw`SELECT pg_notify('cachescope', ${JSON.stringify({ cacheIds: [cacheId] })})`
    }, TRANSACTION),
  )
}

/**
 * The stored topologies of the caches that are not removed: what a collector remembers over a restart.
 * @throws CachescopeError store-unreachable
 */
export async function listTopologies(store: Store): Promise<Topology[]> {
  const caches = await query(store, (prisma) =>
    prisma.cache.findMany({
      where: { removedAt: null, topologyAt: { not: null } },
      orderBy: { cacheId: 'asc' },
      include: {
        shards: {
          where: { removedAt: null },
          orderBy: { ordinal: 'asc' },
          include: { nodes: { where: { removedAt: null }, orderBy: { address: 'asc' } } },
        },
      },
    }),
  )
  return caches.map((cache) => ({
    cacheId: cache.cacheId,
    at: cache.topologyAt?.getTime() ?? 0,
    shards: cache.shards.map((shard) => ({
      ordinal: shard.ordinal,
      slots: shard.slots as [number, number][] | null,
      nodes: shard.nodes.map(({ address, role, clusterNodeId }) => ({
        address,
        role: role as NodeRole,
        clusterNodeId,
      })),
    })),
  }))
}
