/** How often a key and its copies were asked for at the servers, by the reports of hot keys of a span of time. */
import { createHash } from 'node:crypto'
import { query, type Store } from './client.ts'

/** A report tells of the ten seconds before it: one that began earlier tells of what was before the span. */
const EARLY_MS = 1_000
/** In fewer of a node's reports than this a name's rate there is not known. */
const MIN_SEEN_SHARE = 0.5

export type NameRate = {
  /** Over all nodes; null where no node has it in most of its reports. */
  opsPerSec: number | null
  byNode: { nodeId: number; opsPerSec: number }[]
}

/**
 * Of each name, in their order. A report without the name counts as the least rate that
 * it lists, which is the most that the name can have had.
 * @throws CachescopeError store-unreachable
 */
export async function readNameRates(
  store: Store,
  of: { cacheId: string; db: number; namesBase64: readonly string[] },
  from: number,
  to: number,
): Promise<NameRate[]> {
  const digests = of.namesBase64.map((name) =>
    createHash('sha256').update(Buffer.from(name, 'base64')).digest(),
  )
  const [since, until] = [new Date(from), new Date(to)]
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ place: number; nodeId: number; seen: number; mean: number | null }[]>`
      WITH reports AS (
        SELECT s.node_id, s.at, min(s.ops_per_sec) AS least
        FROM hot_key_sample s JOIN node n ON n.node_id = s.node_id
        WHERE n.cache_id = ${of.cacheId} AND n.removed_at IS NULL AND s.at > ${since} AND s.at <= ${until}
          AND s.window_from >= ${new Date(from - EARLY_MS)} AND s.source <> 'client'
        GROUP BY 1, 2
      ), names AS (
        SELECT d.place, k.key_id
        FROM unnest(${digests}::bytea[]) WITH ORDINALITY AS d(digest, place)
        JOIN key k ON k.cache_id = ${of.cacheId} AND k.db = ${of.db} AND k.digest = d.digest
      )
      SELECT names.place::integer AS place, r.node_id AS "nodeId",
        count(s.ops_per_sec)::double precision / count(*) AS seen,
        avg(coalesce(s.ops_per_sec, r.least)) AS mean
      FROM reports r CROSS JOIN names
      LEFT JOIN hot_key_sample s ON s.node_id = r.node_id AND s.at = r.at AND s.key_id = names.key_id
        AND s.at > ${since} AND s.at <= ${until}
      GROUP BY 1, 2`,
  )
  return of.namesBase64.map((_, index) => {
    const byNode = rows.flatMap(({ place, nodeId, seen, mean }) =>
      place === index + 1 && seen >= MIN_SEEN_SHARE && mean !== null ? [{ nodeId, opsPerSec: mean }] : [],
    )
    const opsPerSec = byNode.length === 0 ? null : byNode.reduce((sum, node) => sum + node.opsPerSec, 0)
    return { opsPerSec, byNode }
  })
}
