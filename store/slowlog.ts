/** Slow commands: what, how long, on which keys, from where. */
import { formatKey } from '../core/key-text.ts'
import type { SlowlogRow } from '../core/model.ts'
import type { TimeRange } from '../core/range.ts'
import { query, type Store } from './client.ts'
import { nodeCondition } from './samples.ts'

type EntryRow = {
  at: Date
  durationUs: bigint
  command: string
  argumentCount: number
  clientAddress: string | null
  keyIds: bigint[]
}

/**
 * Newest first. Keys that retention has pruned are missing from their entries.
 * @throws CachescopeError store-unreachable
 */
export async function listSlowlog(
  store: Store,
  options: { nodeId?: number; cacheId?: string; range: TimeRange; limit: number },
): Promise<SlowlogRow[]> {
  const { range, limit } = options
  const entries = await query(
    store,
    (prisma) => prisma.$queryRaw<EntryRow[]>`
      SELECT e.at, e.duration_us AS "durationUs", e.command, e.argument_count AS "argumentCount",
        e.client_address AS "clientAddress", e.key_ids AS "keyIds"
      FROM node n CROSS JOIN LATERAL (
        SELECT * FROM slowlog_entry e
        WHERE e.node_id = n.node_id AND e.at >= ${new Date(range.from)} AND e.at < ${new Date(range.to)}
        ORDER BY e.at DESC, e.entry_id DESC LIMIT ${limit}
      ) e
      WHERE ${nodeCondition('n', options)}
      ORDER BY e.at DESC, e.entry_id DESC LIMIT ${limit}`,
  )
  const keyIds = [...new Set(entries.flatMap((entry) => entry.keyIds))]
  const keys =
    keyIds.length === 0
      ? []
      : await query(store, (prisma) =>
          prisma.key.findMany({ where: { keyId: { in: keyIds } }, select: { keyId: true, bytes: true } }),
        )
  const bytesOf = new Map(keys.map((key) => [key.keyId, key.bytes]))
  return entries.map(({ keyIds: ids, at, durationUs, ...entry }) => ({
    ...entry,
    at: at.toISOString(),
    durationUs: Number(durationUs),
    keys: ids
      .map((id) => bytesOf.get(id))
      .filter((bytes) => bytes !== undefined)
      .map((bytes) => ({ key: formatKey(bytes), keyBase64: Buffer.from(bytes).toString('base64') })),
  }))
}
