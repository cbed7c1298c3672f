/** One key: where it is hot now, and how it was over a range. */
import { createHash } from 'node:crypto'
import { slotOf } from '../core/key-slot.ts'
import { formatKey } from '../core/key-text.ts'
import type { HotKey } from '../core/model.ts'
import type { TimeRange } from '../core/range.ts'
import { query, type Store } from './client.ts'
import { tableOf } from './columns.ts'
import { Prisma } from './generated/client.ts'
import { readCurrent, toHotKey } from './hot-key-records.ts'
import { planPoints, planReads, type Segment, widenStep } from './read-plan.ts'

/** Two reports at least in a step of raw samples, so that one a little late is no gap. */
const RAW_STEP_MS = 10_000
const MAX_NODES = 1_000

const HISTORY_FIGURES = [
  'opsPerSec',
  'share',
  'shareLow',
  'shareHigh',
  'readsPerSec',
  'writesPerSec',
] as const
type HistoryFigure = (typeof HISTORY_FIGURES)[number]

export type HotKeyDetail = {
  key: string
  keyBase64: string
  db: number
  cacheId: string
  firstSeenAt: string
  lastSeenAt: string
  /** The hash slot in a cluster; null elsewhere. */
  slot: number | null
  /** One for each node where it is hot now, the busiest first. */
  current: HotKey[]
  /** Rates are summed over the nodes, shares are the highest of a node; null where the key was in no report. */
  history: { at: number[]; stepMs: number } & Record<HistoryFigure, (number | null)[]>
}

type PointRow = { at: Date } & Record<HistoryFigure, number | null>

/**
 * @returns null for a key that was never hot, or that retention has pruned
 * @throws CachescopeError store-unreachable
 */
export async function getHotKey(
  store: Store,
  options: { cacheId: string; db: number; key: Uint8Array; range: TimeRange; now: number },
): Promise<HotKeyDetail | null> {
  const { cacheId, db, range, now } = options
  const digest = createHash('sha256').update(options.key).digest()
  const key = await query(store, (prisma) =>
    prisma.key.findUnique({
      where: { cacheId_db_digest: { cacheId, db, digest } },
      include: { cache: { select: { kind: true } } },
    }),
  )
  if (key === null) return null
  const [current, history] = await Promise.all([
    readCurrent(store, { cacheId, keyIds: [key.keyId] }, { now, limit: MAX_NODES }),
    readHistory(store, key.keyId, range),
  ])
  const newest = Math.max(key.lastSeenAt.getTime(), ...current.map((record) => record.at.getTime()))
  return {
    key: formatKey(key.bytes),
    keyBase64: Buffer.from(key.bytes).toString('base64'),
    db,
    cacheId,
    firstSeenAt: key.firstSeenAt.toISOString(),
    lastSeenAt: new Date(newest).toISOString(),
    slot: key.cache.kind === 'cluster' ? slotOf(key.bytes) : null,
    current: current.map(toHotKey),
    history,
  }
}

async function readHistory(store: Store, keyId: bigint, range: TimeRange): Promise<HotKeyDetail['history']> {
  const { segments, ...plan } = await planReads(store, range)
  const stepMs = plan.resolution === 'raw' ? widenStep(plan.stepMs, RAW_STEP_MS) : plan.stepMs
  const points = planPoints(range, stepMs)
  const rows =
    segments.length === 0 ? [] : await readPoints(store, { keyId, segments, stepMs, from: points.from })
  const lines = Object.fromEntries(
    HISTORY_FIGURES.map((figure) => [figure, new Array<number | null>(points.at.length).fill(null)]),
  ) as Record<HistoryFigure, (number | null)[]>
  for (const row of rows) {
    const index = (row.at.getTime() - points.from) / stepMs
    for (const figure of HISTORY_FIGURES) lines[figure][index] = row[figure]
  }
  return { at: points.at, stepMs, ...lines }
}

async function readPoints(
  store: Store,
  plan: { keyId: bigint; segments: Segment[]; stepMs: number; from: number },
): Promise<PointRow[]> {
  const parts = plan.segments.map(
    ({ resolution, from, to }) => Prisma.sql`
      SELECT node_id, at, ${Prisma.raw(resolution === 'raw' ? '1' : 'reports')} AS weight, ops_per_sec, share,
        share_low, share_high, reads_per_sec, writes_per_sec
      FROM ${Prisma.raw(tableOf('hot_key_sample', resolution))}
      WHERE key_id = ${plan.keyId} AND at >= ${new Date(from)} AND at < ${new Date(to)}`,
  )
  const average = (column: string) =>
    Prisma.raw(
      `sum(${column} * weight) / nullif(sum(weight) FILTER (WHERE ${column} IS NOT NULL), 0) AS ${column}`,
    )
  return query(
    store,
    (prisma) => prisma.$queryRaw<PointRow[]>`
      SELECT at, sum(ops_per_sec)::real AS "opsPerSec", max(share)::real AS share,
        max(share_low)::real AS "shareLow",
        max(share_high)::real AS "shareHigh", sum(reads_per_sec)::real AS "readsPerSec",
        sum(writes_per_sec)::real AS "writesPerSec"
      FROM (
        SELECT node_id, date_bin(${`${plan.stepMs} milliseconds`}::interval, at, ${new Date(plan.from)}) AS at,
          ${average('ops_per_sec')}, ${average('share')}, ${average('share_low')}, ${average('share_high')},
          ${average('reads_per_sec')}, ${average('writes_per_sec')}
        FROM (${Prisma.join(parts, ' UNION ALL ')}) s
        GROUP BY 1, 2
      ) b
      GROUP BY 1 ORDER BY 1`,
  )
}
