/** Hot keys of a range: those that are hot now first, then those that were, each with its sparkline. */
import { HOT_KEY_CURRENT_MS } from '../core/health.ts'
import type { HotKeyRow } from '../core/model.ts'
import { chooseResolution, type TimeRange } from '../core/range.ts'
import { query, type Store } from './client.ts'
import { tableOf } from './columns.ts'
import { Prisma } from './generated/client.ts'
import {
  type HotKeyFilter,
  type HotKeyRecord,
  keyCondition,
  RECORD_COLUMNS,
  readCurrent,
  toHotKey,
} from './hot-key-records.ts'
import { planPoints, planSegments, readHoldings, type Segment, widenStep } from './read-plan.ts'
import { nodeCondition } from './samples.ts'

const SPARKLINE_POINTS = 30
/** Two reports at least in a step of raw samples, so that one a little late is no gap. */
const RAW_UNIT_MS = 10_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** A sparkline of a range up to this long is made of minutes, of a longer one of hours. */
const MINUTES_UP_TO_MS = 6 * HOUR_MS

/**
 * Keys that were hot at any time in the range: current ones first, by commands per second, then past ones by the
 * most they had. With `heat`, only current ones.
 * @throws CachescopeError store-unreachable
 */
export async function listHotKeyRows(
  store: Store,
  options: HotKeyFilter & { range: TimeRange; limit: number; now: number },
): Promise<HotKeyRow[]> {
  const { range, limit, now } = options
  const endsNow = range.to > now - HOT_KEY_CURRENT_MS
  const [current, holdings] = await Promise.all([
    endsNow ? readCurrent(store, options, { now, limit }) : [],
    readHoldings(store),
  ])
  const finest = chooseResolution(range, holdings.oldest).resolution
  const minutes = finest !== '1h' && range.to - range.from <= MINUTES_UP_TO_MS
  const coarse = planSegments({ ...range, resolution: minutes ? '1m' : '1h' }, holdings)
  // Whether a key was read or written is kept of reports, and not of how it once was.
  const past =
    current.length < limit && options.heat === undefined ? await readPast(store, options, coarse) : []
  const seen = new Set(current.map(pairOf))
  const records = [...current, ...past.filter((record) => !seen.has(pairOf(record)))].slice(0, limit)
  const sparkline =
    finest === 'raw'
      ? { unitMs: RAW_UNIT_MS, segments: [{ resolution: finest, from: range.from, to: range.to }] }
      : { unitMs: minutes ? MINUTE_MS : HOUR_MS, segments: coarse }
  const sparklines = await readSparklines(store, records, range, sparkline)
  return records.map((record) => ({
    ...toHotKey(record),
    shardOrdinal: record.shardOrdinal,
    nodeAddress: record.nodeAddress,
    firstSeenAt: record.firstSeenAt.toISOString(),
    sparkline: sparklines.get(pairOf(record)) ?? [],
  }))
}

function pairOf({ nodeId, keyId }: { nodeId: number; keyId: bigint }): string {
  return `${nodeId} ${keyId}`
}

/** Columns that all three resolutions give, for a segment of `hot_key_sample` rows. */
function segmentRows({ resolution, from, to }: Segment): Prisma.Sql {
  const raw = resolution === 'raw'
  return Prisma.sql`
    SELECT node_id, key_id, at, ${Prisma.raw(raw ? 'ops_per_sec' : 'ops_per_sec_peak')} AS peak, rank
    FROM ${Prisma.raw(tableOf('hot_key_sample', resolution))}
    WHERE at >= ${new Date(from)} AND at < ${new Date(to)}`
}

/** The busiest keys of the range, each as it was when it was busiest. */
async function readPast(
  store: Store,
  options: HotKeyFilter & { limit: number },
  segments: Segment[],
): Promise<HotKeyRecord[]> {
  if (segments.length === 0) return []
  const { limit } = options
  const moments = await query(
    store,
    (prisma) => prisma.$queryRaw<{ nodeId: number; keyId: bigint }[]>`
      SELECT s.node_id AS "nodeId", s.key_id AS "keyId"
      FROM (
        SELECT node_id, key_id, max(peak) AS peak, min(rank) AS rank
        FROM (${Prisma.join(segments.map(segmentRows), ' UNION ALL ')}) rows
        GROUP BY 1, 2
      ) s
      JOIN node n ON n.node_id = s.node_id AND n.removed_at IS NULL
      JOIN cache c ON c.cache_id = n.cache_id AND c.removed_at IS NULL
      JOIN key k ON k.key_id = s.key_id
      WHERE ${nodeCondition('n', options)} AND ${keyCondition(options)}
      ORDER BY s.peak DESC NULLS LAST, s.rank, s.node_id, s.key_id LIMIT ${limit}`,
  )
  if (moments.length === 0) return []
  const records = await readBusiest(store, moments, segments)
  const byPair = new Map(records.map((record) => [pairOf(record), record]))
  return moments.map((pair) => byPair.get(pairOf(pair))).filter((record) => record !== undefined)
}

async function readBusiest(
  store: Store,
  pairs: { nodeId: number; keyId: bigint }[],
  segments: Segment[],
): Promise<HotKeyRecord[]> {
  const nodeIds = pairs.map((pair) => pair.nodeId)
  const keyIds = pairs.map((pair) => pair.keyId)
  const parts = segments.map(({ resolution, from, to }) => {
    const windowFrom = {
      raw: 'window_from',
      '1m': 'at',
      '1h': 'at',
    }[resolution]
    const end = { raw: 'at', '1m': `at + interval '1 minute'`, '1h': `at + interval '1 hour'` }[resolution]
    return Prisma.sql`
      SELECT node_id, key_id, ${Prisma.raw(windowFrom)} AS window_from, ${Prisma.raw(end)} AS at, sampled_commands, share,
        share_low, share_high, ops_per_sec, ops_per_sec_low, ops_per_sec_high, reads_per_sec, writes_per_sec,
        top_command, ${Prisma.raw(resolution === 'raw' ? 'commands' : `'{}'::text[] AS commands`)}, source, rank, cpu_share, lfu_counter, size_bytes, is_missing, probed_at
      FROM ${Prisma.raw(tableOf('hot_key_sample', resolution))}
      WHERE key_id = ANY(${keyIds}::bigint[]) AND at >= ${new Date(from)} AND at < ${new Date(to)}`
  })
  return query(
    store,
    (prisma) => prisma.$queryRaw<HotKeyRecord[]>`
      SELECT DISTINCT ON (s.node_id, s.key_id) ${RECORD_COLUMNS}
      FROM unnest(${nodeIds}::integer[], ${keyIds}::bigint[]) AS p(node_id, key_id)
      JOIN (${Prisma.join(parts, ' UNION ALL ')}) s ON s.node_id = p.node_id AND s.key_id = p.key_id
      JOIN node n ON n.node_id = s.node_id
      JOIN shard h ON h.shard_id = n.shard_id
      JOIN key k ON k.key_id = s.key_id
      ORDER BY s.node_id, s.key_id, s.ops_per_sec DESC NULLS LAST, s.rank, s.at DESC`,
  )
}

/** Commands per second in about thirty steps; null where the key is in no report. */
async function readSparklines(
  store: Store,
  records: HotKeyRecord[],
  range: TimeRange,
  { unitMs, segments }: { unitMs: number; segments: Segment[] },
): Promise<Map<string, (number | null)[]>> {
  if (records.length === 0) return new Map()
  const stepMs = widenStep(unitMs, (range.to - range.from) / SPARKLINE_POINTS)
  const points = planPoints(range, stepMs)
  const keyIds = [...new Set(records.map((record) => record.keyId))]
  const parts = segments.map(
    ({ resolution, from, to }) => Prisma.sql`
      SELECT node_id, key_id, at, ops_per_sec, ${Prisma.raw(resolution === 'raw' ? '1' : 'reports')} AS weight
      FROM ${Prisma.raw(tableOf('hot_key_sample', resolution))}
      WHERE key_id = ANY(${keyIds}::bigint[]) AND at >= ${new Date(from)} AND at < ${new Date(to)}`,
  )
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ nodeId: number; keyId: bigint; at: Date; ops: number | null }[]>`
      SELECT node_id AS "nodeId", key_id AS "keyId",
        date_bin(${`${stepMs} milliseconds`}::interval, at, ${new Date(points.from)}) AS at,
        (sum(ops_per_sec * weight) / sum(weight) FILTER (WHERE ops_per_sec IS NOT NULL))::real AS ops
      FROM (${Prisma.join(parts, ' UNION ALL ')}) s
      GROUP BY 1, 2, 3`,
  )
  const lines = new Map(
    records.map((record) => [pairOf(record), new Array<number | null>(points.at.length).fill(null)]),
  )
  for (const row of rows) {
    const line = lines.get(pairOf(row))
    if (line !== undefined) line[(row.at.getTime() - points.from) / stepMs] = row.ops
  }
  return lines
}
