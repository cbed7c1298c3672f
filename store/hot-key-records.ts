/** Rows of hot keys: their filter, their columns, and the newest report of every node. */
import { HOT_KEY_CURRENT_MS } from '../core/health.ts'
import { type Heat, READ_HOT_MAX_WRITES, WRITE_HOT_MIN_WRITES } from '../core/hot-keys/heat.ts'
import { formatKey, globToLike } from '../core/key-text.ts'
import type { HotKey, Source } from '../core/model.ts'
import { query, type Store } from './client.ts'
import { Prisma } from './generated/client.ts'
import { type NodeFilter, nodeCondition } from './samples.ts'

/** A collector's clock may be this far ahead of the reader's. */
const CLOCK_AHEAD_MS = 60_000

/** `pattern` is a glob over the key, see globToLike; `missing`: whether the key existed when it was probed. */
export type HotKeyFilter = NodeFilter & {
  db?: number
  pattern?: string
  keyIds?: bigint[]
  missing?: boolean
  heat?: Heat
}

export type HotKeyRecord = {
  cacheId: string
  shardId: number
  shardOrdinal: number
  nodeId: number
  nodeAddress: string
  keyId: bigint
  db: number
  bytes: Uint8Array
  firstSeenAt: Date
  at: Date
  windowFrom: Date
  sampledCommands: number | null
  share: number | null
  shareLow: number | null
  shareHigh: number | null
  opsPerSec: number | null
  opsPerSecLow: number | null
  opsPerSecHigh: number | null
  readsPerSec: number | null
  writesPerSec: number | null
  topCommand: string | null
  /** Of a minute or an hour none are kept; a row of the version before has none. */
  commands: string[]
  cpuShare: number | null
  lfuCounter: number | null
  sizeBytes: number | null
  bytesPerSec: number | null
  isMissing: boolean | null
  probedAt: Date | null
  rank: number
  source: string
}

/** Of a `key k`. */
export function keyCondition(filter: HotKeyFilter): Prisma.Sql {
  const conditions = [Prisma.sql`TRUE`]
  if (filter.db !== undefined) conditions.push(Prisma.sql`k.db = ${filter.db}`)
  if (filter.keyIds !== undefined) conditions.push(Prisma.sql`k.key_id = ANY(${filter.keyIds}::bigint[])`)
  if (filter.pattern !== undefined && filter.pattern !== '') {
    conditions.push(Prisma.sql`k.bytes LIKE ${Buffer.from(globToLike(filter.pattern))}::bytea`)
  }
  return Prisma.join(conditions, ' AND ')
}

const BYTES_PER_SEC = Prisma.sql`s.ops_per_sec::double precision * s.size_bytes`

/** Of a `hot_key_sample s`. */
function reportCondition({ missing, heat }: HotKeyFilter): Prisma.Sql {
  const conditions = [Prisma.sql`TRUE`]
  if (missing !== undefined) conditions.push(Prisma.sql`s.is_missing = ${missing}`)
  if (heat !== undefined) {
    const uses = Prisma.sql`nullif(s.reads_per_sec + s.writes_per_sec, 0)`
    const isReadHot = Prisma.sql`s.writes_per_sec <= ${READ_HOT_MAX_WRITES}::double precision * ${uses}`
    const isWriteHot = Prisma.sql`s.writes_per_sec >= ${WRITE_HOT_MIN_WRITES}::double precision * ${uses}`
    const isMixed = Prisma.sql`NOT (${isReadHot}) AND NOT (${isWriteHot})`
    conditions.push({ 'read-hot': isReadHot, 'write-hot': isWriteHot, mixed: isMixed }[heat])
  }
  return Prisma.join(conditions, ' AND ')
}

/** The columns of a HotKeyRecord from `hot_key_sample s`, `key k`, `node n` and `shard h`. */
export const RECORD_COLUMNS = Prisma.sql`
  n.cache_id AS "cacheId", h.shard_id AS "shardId", h.ordinal AS "shardOrdinal", n.node_id AS "nodeId",
  n.address AS "nodeAddress", k.key_id AS "keyId", k.db, k.bytes, k.first_seen_at AS "firstSeenAt", s.at,
  s.window_from AS "windowFrom", s.sampled_commands AS "sampledCommands", s.share, s.share_low AS "shareLow",
  s.share_high AS "shareHigh", s.ops_per_sec AS "opsPerSec", s.ops_per_sec_low AS "opsPerSecLow",
  s.ops_per_sec_high AS "opsPerSecHigh", s.reads_per_sec AS "readsPerSec", s.writes_per_sec AS "writesPerSec",
  s.top_command AS "topCommand", s.commands, s.source, s.rank, s.cpu_share AS "cpuShare",
  s.lfu_counter AS "lfuCounter", s.size_bytes::double precision AS "sizeBytes", ${BYTES_PER_SEC} AS "bytesPerSec", s.is_missing AS "isMissing",
  s.probed_at AS "probedAt"`

/** When a report that is shown as of now was made; `lastsMs` is how long it is. */
export function currentSpan(now: number, lastsMs = HOT_KEY_CURRENT_MS): { after: Date; until: Date } {
  return { after: new Date(now - lastsMs), until: new Date(now + CLOCK_AHEAD_MS) }
}

/** The rows of the newest report of every node that is up, as `hot_key_sample s`. */
export function currentRows(filter: HotKeyFilter, now: number): Prisma.Sql {
  const { after, until } = currentSpan(now)
  return Prisma.sql`
    FROM node n
    JOIN cache c ON c.cache_id = n.cache_id AND c.removed_at IS NULL
    JOIN shard h ON h.shard_id = n.shard_id
    CROSS JOIN LATERAL (
      SELECT at FROM hot_key_sample
      WHERE node_id = n.node_id AND at >= ${after} AND at <= ${until} ORDER BY at DESC LIMIT 1
    ) r
    JOIN hot_key_sample s ON s.node_id = n.node_id AND s.at = r.at
      AND s.at >= ${after} AND s.at <= ${until}
    JOIN key k ON k.key_id = s.key_id
    WHERE n.removed_at IS NULL AND n.state = 'up' AND ${nodeCondition('n', filter)} AND ${keyCondition(filter)}
      AND ${reportCondition(filter)}`
}

/** What a list is ordered by; rows that cannot tell it come last, in the order of their rank. */
export type HotKeyOrder = 'rate' | 'bytes'

const FIGURES: Record<HotKeyOrder, { value: Prisma.Sql; type: 'real' | 'double precision' }> = {
  rate: { value: Prisma.sql`s.ops_per_sec`, type: 'real' },
  bytes: { value: BYTES_PER_SEC, type: 'double precision' },
}

export function figureOf(
  row: Pick<HotKeyRecord, 'opsPerSec' | 'bytesPerSec'>,
  by: HotKeyOrder,
): number | null {
  return by === 'rate' ? row.opsPerSec : row.bytesPerSec
}

/** @param after the position that positionOf gave of the last row */
export async function readCurrent(
  store: Store,
  filter: HotKeyFilter,
  options: { now: number; limit: number; by?: HotKeyOrder; after?: string[] | null },
): Promise<HotKeyRecord[]> {
  const { now, limit, after = null } = options
  const { value, type } = FIGURES[options.by ?? 'rate']
  const place = Prisma.sql`(${value} IS NOT NULL)::integer, coalesce(${value}, 0)::${Prisma.raw(type)}, -s.rank,
    n.node_id, k.key_id`
  const beyond =
    after === null
      ? Prisma.sql`TRUE`
      : Prisma.sql`(${place}) < (${after[0]}::text::integer, ${after[1]}::text::${Prisma.raw(type)},
          -(${after[2]}::text::integer), ${after[3]}::text::integer, ${after[4]}::text::bigint)`
  return query(
    store,
    (prisma) => prisma.$queryRaw<HotKeyRecord[]>`
      SELECT ${RECORD_COLUMNS} ${currentRows(filter, now)} AND ${beyond}
      ORDER BY (${place}) DESC LIMIT ${limit}`,
  )
}

/** Where a row stands in such a list, for its cursor. */
export function positionOf(row: HotKeyRecord, by: HotKeyOrder): (number | string)[] {
  const figure = figureOf(row, by)
  return [figure === null ? 0 : 1, figure ?? 0, row.rank, row.nodeId, String(row.keyId)]
}

export function toHotKey(row: HotKeyRecord): HotKey {
  return {
    cacheId: row.cacheId,
    shardId: row.shardId,
    nodeId: row.nodeId,
    key: formatKey(row.bytes),
    keyBase64: Buffer.from(row.bytes).toString('base64'),
    db: row.db,
    share: row.share,
    shareLow: row.shareLow,
    shareHigh: row.shareHigh,
    opsPerSec: row.opsPerSec,
    opsPerSecLow: row.opsPerSecLow,
    opsPerSecHigh: row.opsPerSecHigh,
    readsPerSec: row.readsPerSec,
    writesPerSec: row.writesPerSec,
    topCommand: row.topCommand,
    commands: row.commands.length === 0 && row.topCommand ? [row.topCommand] : row.commands,
    cpuShare: row.cpuShare,
    lfuCounter: row.lfuCounter,
    sizeBytes: row.sizeBytes,
    bytesPerSec: row.bytesPerSec,
    isMissing: row.isMissing,
    probedAt: row.probedAt?.toISOString() ?? null,
    rank: row.rank,
    source: row.source as Source,
    window: {
      from: row.windowFrom.toISOString(),
      to: row.at.toISOString(),
      sampledCommands: row.sampledCommands,
    },
  }
}
