/** What a node's commands cost, over a range. */
import type { CommandRow } from '../core/model.ts'
import type { TimeRange } from '../core/range.ts'
import { query, type Store } from './client.ts'
import { tableOf } from './columns.ts'
import { Prisma } from './generated/client.ts'
import { planReads } from './read-plan.ts'

/**
 * Averages over the range, the most called first. A report that leaves a command out counts it as 0.
 * @throws CachescopeError store-unreachable
 */
export async function listCommands(store: Store, nodeId: number, range: TimeRange): Promise<CommandRow[]> {
  const { segments } = await planReads(store, range)
  if (segments.length === 0) return []
  const parts = segments.map(
    ({ resolution, from, to }) => Prisma.sql`
      SELECT at, command, ${Prisma.raw(resolution === 'raw' ? '1' : 'samples')} AS weight,
        calls_per_sec::double precision AS calls, us_per_call, failed_per_sec, rejected_per_sec,
        p50_us, p99_us, p999_us
      FROM ${Prisma.raw(tableOf('command_sample', resolution))}
      WHERE node_id = ${nodeId} AND at >= ${new Date(from)} AND at < ${new Date(to)}`,
  )
  return query(
    store,
    (prisma) => prisma.$queryRaw<CommandRow[]>`
      WITH s AS (${Prisma.join(parts, ' UNION ALL ')}),
        r AS (SELECT sum(weight)::double precision AS total FROM (SELECT DISTINCT at, weight FROM s) AS reports)
      SELECT s.command, sum(s.calls * s.weight) / min(r.total) AS "callsPerSec",
        sum(s.us_per_call * s.calls * s.weight)
          / nullif(sum(s.calls * s.weight) FILTER (WHERE s.us_per_call IS NOT NULL), 0) AS "usPerCall",
        sum(s.failed_per_sec * s.weight) / min(r.total) AS "failedPerSec",
        sum(s.rejected_per_sec * s.weight) / min(r.total) AS "rejectedPerSec",
        sum(s.p50_us * s.weight) / sum(s.weight) FILTER (WHERE s.p50_us IS NOT NULL) AS "p50Us",
        sum(s.p99_us * s.weight) / sum(s.weight) FILTER (WHERE s.p99_us IS NOT NULL) AS "p99Us",
        sum(s.p999_us * s.weight) / sum(s.weight) FILTER (WHERE s.p999_us IS NOT NULL) AS "p999Us"
      FROM s CROSS JOIN r
      GROUP BY s.command
      ORDER BY 2 DESC, 1`,
  )
}
