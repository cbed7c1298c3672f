/**
 * Thirty days of a fleet, as the tables would hold them: minutes written in bulk, hours made of them by the real
 * roll-up, the last two hours raw and rolled up to their minutes the same way.
 */
import { type NodeMetric, nodeMetricNames } from '../../core/metrics.ts'
import type { Store } from '../../store/client.ts'
import { maintain } from '../../store/client.ts'
import { columnOf, columnType, hasPeak } from '../../store/columns.ts'
import { rollUp } from '../../store/maintenance.ts'
import { ensurePartitionsFor, PARTITIONED_TABLES } from '../../store/partitions.ts'
import { saveTick } from '../../store/tick.ts'
import { saveCaches, saveTopology } from '../../store/topology.ts'
import { describeFleet } from '../../tests/support/seed.ts'
import { buildTick } from '../../tests/support/seed-tick.ts'

/** Hot keys of a primary and minute; commands only of the nodes whose page is measured. */
export const HISTORY = {
  days: Number(process.env.BENCH_DAYS ?? 30),
  nodes: 100,
  shards: 50,
  hotKeys: 3,
  commandNodes: 2,
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const STEP_MS = 2_000
const RAW_MS = 2 * HOUR_MS

/** @returns what was generated, in sentences */
export async function generateHistory(store: Store, now: number): Promise<string[]> {
  const rawFrom = Math.floor((now - RAW_MS) / HOUR_MS) * HOUR_MS
  const from = Math.floor((now - HISTORY.days * DAY_MS) / DAY_MS) * DAY_MS
  await maintain(store, async (client) => {
    for (const table of PARTITIONED_TABLES) {
      const first = /_1[mh]$/.test(table) ? from : rawFrom
      await ensurePartitionsFor(client, table, first, now + DAY_MS)
    }
  })
  await saveFleet(store, now, rawFrom)
  for (let day = from; day < rawFrom; day += DAY_MS)
    await writeMinutes(store, day, Math.min(day + DAY_MS, rawFrom))
  await writeRaw(store, rawFrom, now)
  await maintain(store, async (client) => {
    await client.query(`UPDATE rollup_watermark SET done_at = $1, claimed_at = $1 WHERE resolution = '1m'`, [
      new Date(rawFrom),
    ])
  })
  const before = performance.now()
  await rollUp(store, now)
  const seconds = (performance.now() - before) / 1_000
  await maintain(store, (client) => client.query('ANALYZE'))
  return [
    `Generated: ${HISTORY.days} days of minutes for ${HISTORY.nodes} nodes, ${HISTORY.hotKeys} hot keys of each of ${HISTORY.shards} primaries, commands of ${HISTORY.commandNodes} nodes; the last two hours raw at ${STEP_MS} ms.`,
    `The roll-up of all of it took ${seconds.toFixed(1)} s.`,
  ]
}

/** The fleet with its keys and statuses, by one real tick. */
async function saveFleet(store: Store, now: number, from: number): Promise<void> {
  const fleet = describeFleet({ shardsPerCache: HISTORY.shards, replicas: 1 }, from, now)
  await saveCaches(store, fleet.caches)
  for (const topology of fleet.topologies) await saveTopology(store, topology)
  await saveTick(store, buildTick(fleet, now, 0, STEP_MS), {
    collectorId: 'bench',
    host: 'localhost',
    pid: process.pid,
    version: '0.0.0',
    startedAt: from,
    at: now,
    nodes: HISTORY.nodes,
    bufferedTicks: 0,
    droppedTicks: 0,
  })
}

function value(metric: NodeMetric, resolution: 'raw' | '1m'): string {
  return `(1000 + n.node_id + random() * 100)::${columnType(metric, resolution)}`
}

async function writeMinutes(store: Store, from: number, to: number): Promise<void> {
  const peaks = nodeMetricNames.filter(hasPeak)
  const columns = [...nodeMetricNames.map(columnOf), ...peaks.map((metric) => `${columnOf(metric)}_peak`)]
  const values = [...nodeMetricNames, ...peaks].map((metric) => value(metric, '1m'))
  const bounds = [new Date(from), new Date(to - 1)]
  const minutes = `generate_series($1::timestamptz, $2::timestamptz, interval '1 minute') AS at`
  await maintain(store, async (client) => {
    await client.query(
      `INSERT INTO node_sample_1m (node_id, at, samples, ${columns.join(', ')})
       SELECT n.node_id, at, 30, ${values.join(', ')} FROM ${minutes} CROSS JOIN node n`,
      bounds,
    )
    await client.query(
      `INSERT INTO hot_key_sample_1m (node_id, at, key_id, reports, samples, sampled_commands, share, share_low,
         share_high, share_peak, ops_per_sec, ops_per_sec_low, ops_per_sec_high, ops_per_sec_peak, reads_per_sec,
         writes_per_sec, top_command, source, rank)
       SELECT k.node_id, at, k.key_id, 12, 12, 20000, 0.1, 0.09, 0.11, 0.12, ops, ops, ops, ops, ops, 0, 'GET', 'monitor', k.rank
       FROM ${minutes} CROSS JOIN (${HOT_KEYS_OF_NODES}) k CROSS JOIN LATERAL (SELECT random() * 1000 + k.key_id AS ops) o`,
      bounds,
    )
    await client.query(
      `INSERT INTO command_sample_1m (node_id, at, command, samples, calls_per_sec, calls_per_sec_peak, us_per_call)
       SELECT n.node_id, at, c, 6, random() * 1000, 1000, 3
       FROM ${minutes} CROSS JOIN node n CROSS JOIN unnest(${COMMANDS}) AS c WHERE n.node_id <= ${HISTORY.commandNodes}`,
      bounds,
    )
  })
}

const COMMANDS = `ARRAY['get','set','hgetall','hset','sadd','smembers','zadd','zrange','xadd','xread','expire','del']`
const HOT_KEYS_OF_NODES = `
  SELECT node_id, key_id, rank FROM (
    SELECT node_id, key_id, row_number() OVER (PARTITION BY node_id ORDER BY ops_per_sec DESC) AS rank
    FROM hot_key_sample WHERE at = (SELECT max(at) FROM hot_key_sample)
  ) AS ranked WHERE rank <= ${HISTORY.hotKeys}`

async function writeRaw(store: Store, from: number, to: number): Promise<void> {
  const bounds = [new Date(from), new Date(to - 1)]
  const every = (seconds: number) =>
    `generate_series($1::timestamptz, $2::timestamptz, interval '${seconds} seconds') AS at`
  await maintain(store, async (client) => {
    await client.query(
      `INSERT INTO node_sample (node_id, at, ${nodeMetricNames.map(columnOf).join(', ')})
       SELECT n.node_id, at, ${nodeMetricNames.map((metric) => value(metric, 'raw')).join(', ')}
       FROM ${every(2)} CROSS JOIN node n ON CONFLICT DO NOTHING`,
      bounds,
    )
    await client.query(
      `INSERT INTO hot_key_sample SELECT g.at, g.at - interval '10 seconds', s.key_id, s.node_id, s.sampled_commands,
         s.share, s.share_low, s.share_high, s.ops_per_sec * (0.5 + random()), s.ops_per_sec_low, s.ops_per_sec_high,
         s.reads_per_sec, s.writes_per_sec, s.top_command, s.source, s.rank, s.cpu_share, s.lfu_counter, s.size_bytes,
         s.is_missing, s.probed_at
       FROM hot_key_sample s CROSS JOIN generate_series($1::timestamptz, $2::timestamptz, interval '5 seconds') AS g(at)
       WHERE s.at = (SELECT max(at) FROM hot_key_sample) ON CONFLICT DO NOTHING`,
      bounds,
    )
    await client.query(
      `INSERT INTO command_sample (node_id, at, command, calls_per_sec, us_per_call)
       SELECT n.node_id, at, c, random() * 1000, 3
       FROM ${every(10)} CROSS JOIN node n CROSS JOIN unnest(${COMMANDS}) AS c
       WHERE n.node_id <= ${HISTORY.commandNodes} ON CONFLICT DO NOTHING`,
      bounds,
    )
  })
}
