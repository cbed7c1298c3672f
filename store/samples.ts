/** Node samples: as a list, and as the lines of a chart. */

import type { NodeMetric } from '../core/metrics.ts'
import type { NodeSampleView, Series } from '../core/model.ts'
import { chooseResolution, type TimeRange } from '../core/range.ts'
import { query, type Store } from './client.ts'
import { columnOf, selectMetrics, tableOf } from './columns.ts'
import { Prisma } from './generated/client.ts'
import { decodeCursor, type Page, toPage } from './page.ts'
import { planPoints, planReads, readHoldings, type Segment, widenStep } from './read-plan.ts'

export type NodeFilter = { cacheId?: string; shardId?: number; nodeId?: number }

/** A condition on `alias` (a node); without a filter, every node. */
export function nodeCondition(alias: string, filter: NodeFilter): Prisma.Sql {
  const conditions = [Prisma.sql`TRUE`]
  const column = (name: string) => Prisma.raw(`${alias}.${name}`)
  if (filter.cacheId !== undefined) conditions.push(Prisma.sql`${column('cache_id')} = ${filter.cacheId}`)
  if (filter.shardId !== undefined) conditions.push(Prisma.sql`${column('shard_id')} = ${filter.shardId}`)
  if (filter.nodeId !== undefined) conditions.push(Prisma.sql`${column('node_id')} = ${filter.nodeId}`)
  return Prisma.join(conditions, ' AND ')
}

type SampleRow = Omit<NodeSampleView, 'at'> & { at: Date }

function toSampleView({ at, ...row }: SampleRow): NodeSampleView {
  return { ...row, at: at.toISOString() }
}

/**
 * Samples in the finest resolution that the range allows and that is still there, newest first.
 * @throws CachescopeError invalid-parameter (cursor), store-unreachable
 */
export async function listSamples(
  store: Store,
  options: NodeFilter & { range: TimeRange; limit: number; cursor?: string },
): Promise<Page<NodeSampleView>> {
  const { range, limit } = options
  const after = decodeCursor(options.cursor, ['time', 'int4'])
  const to = Math.min(range.to, after === null ? range.to : Number(after[0]) + 1)
  const { resolution } = chooseResolution(range, (await readHoldings(store)).oldest)
  const table = Prisma.raw(tableOf('node_sample', resolution))
  const metrics = Prisma.raw(selectMetrics('s', resolution))
  const beyond =
    after === null
      ? Prisma.sql`TRUE`
      : Prisma.sql`(s.at < ${new Date(Number(after[0]))} OR s.node_id > ${Number(after[1])})`
  // Each node gives its newest rows by index; more than the limit of one node are never needed.
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<SampleRow[]>`
      SELECT n.node_id AS "nodeId", s.at, ${metrics}
      FROM node n CROSS JOIN LATERAL (
        SELECT * FROM ${table} s
        WHERE s.node_id = n.node_id AND s.at >= ${new Date(range.from)} AND s.at < ${new Date(to)} AND ${beyond}
        ORDER BY s.at DESC LIMIT ${limit + 1}
      ) s
      WHERE ${nodeCondition('n', options)}
      ORDER BY s.at DESC, n.node_id LIMIT ${limit + 1}`,
  )
  return toPage(rows, limit, toSampleView, (row) => [row.at.getTime(), row.nodeId])
}

type LineRow = { nodeId: number; bucket: (number | bigint)[] } & Record<`m${number}`, (number | null)[]>

/**
 * The metrics of the nodes of a cache over a range, in evenly spaced steps; a step without a sample is null. Raw
 * steps hold two samples at least, so that a tick a little late is no gap.
 * @throws CachescopeError store-unreachable
 */
export async function getSeries(
  store: Store,
  options: { cacheId: string; nodeIds?: number[]; metrics: NodeMetric[]; range: TimeRange },
): Promise<Series> {
  const { cacheId, nodeIds, metrics, range } = options
  const [plan, nodes] = await Promise.all([
    planReads(store, range),
    query(
      store,
      (prisma) => prisma.$queryRaw<{ nodeId: number; intervalMs: number }[]>`
        SELECT n.node_id AS "nodeId", c.interval_ms AS "intervalMs"
        FROM node n JOIN cache c USING (cache_id)
        WHERE c.cache_id = ${cacheId} AND (n.removed_at IS NULL OR n.removed_at >= ${new Date(range.from)})
          ${nodeIds === undefined ? Prisma.empty : Prisma.sql`AND n.node_id = ANY(${nodeIds}::integer[])`}
        ORDER BY n.node_id`,
    ),
  ])
  const intervalMs = nodes[0]?.intervalMs ?? 0
  const stepMs = plan.resolution === 'raw' ? widenStep(plan.stepMs, 2 * intervalMs) : plan.stepMs
  const points = planPoints(range, stepMs)
  const ids = nodes.map((node) => node.nodeId)
  const rows = await readLines(store, {
    ids,
    metrics,
    segments: plan.segments,
    from: points.from,
    stepMs,
  })
  const byNode = new Map(rows.map((row) => [row.nodeId, row]))
  return {
    resolution: plan.resolution,
    stepMs,
    at: points.at,
    lines: ids.map((nodeId) => ({
      nodeId,
      metrics: fillLine(byNode.get(nodeId), metrics, points.at.length),
    })),
  }
}

async function readLines(
  store: Store,
  plan: { ids: number[]; metrics: NodeMetric[]; segments: Segment[]; from: number; stepMs: number },
): Promise<LineRow[]> {
  const { ids, metrics, segments } = plan
  if (ids.length === 0 || metrics.length === 0 || segments.length === 0) return []
  const parts = segments.map(({ resolution, from, to }) => {
    const columns = metrics.map((metric, index) => `${columnOf(metric)}::real AS m${index}`).join(', ')
    return Prisma.sql`
      SELECT node_id, at, ${Prisma.raw(resolution === 'raw' ? '1' : 'samples')} AS weight, ${Prisma.raw(columns)}
      FROM ${Prisma.raw(tableOf('node_sample', resolution))}
      WHERE node_id = ANY(${ids}::integer[]) AND at >= ${new Date(from)} AND at < ${new Date(to)}`
  })
  // Without roll-ups all weights are 1, and the plain average is what they amount to.
  const weigh = segments.some((segment) => segment.resolution !== 'raw')
  const averages = metrics.map((_, index) =>
    weigh
      ? `(sum(m${index} * weight) / nullif(sum(weight) FILTER (WHERE m${index} IS NOT NULL), 0))::real AS m${index}`
      : `avg(m${index})::real AS m${index}`,
  )
  const arrays = metrics.map((_, index) => `array_agg(m${index}) AS m${index}`)
  const step = `${plan.stepMs} milliseconds`
  const origin = new Date(plan.from)
  return query(
    store,
    (prisma) => prisma.$queryRaw<LineRow[]>`
      SELECT node_id AS "nodeId", array_agg((to_ms(bin) - ${plan.from}::bigint) / ${plan.stepMs}::bigint) AS bucket,
        ${Prisma.raw(arrays.join(', '))}
      FROM (
        SELECT node_id, date_bin(${step}::interval, at, ${origin}) AS bin, ${Prisma.raw(averages.join(', '))}
        FROM (${Prisma.join(parts, ' UNION ALL ')}) s
        GROUP BY 1, 2
      ) b
      GROUP BY 1`,
  )
}

function fillLine(
  row: LineRow | undefined,
  metrics: NodeMetric[],
  length: number,
): Series['lines'][number]['metrics'] {
  const filled: Series['lines'][number]['metrics'] = {}
  for (const [index, metric] of metrics.entries()) {
    const values = new Array<number | null>(length).fill(null)
    const found = row?.[`m${index}`]
    for (const [position, bucket] of (row?.bucket ?? []).entries())
      values[Number(bucket)] = found?.[position] ?? null
    filled[metric] = values
  }
  return filled
}
