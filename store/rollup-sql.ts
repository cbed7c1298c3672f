/**
 * The statements that compute one chunk of buckets; $1 and $2 bound it. Each replaces what a bucket held, so that a
 * chunk may be computed any number of times.
 *
 * Averages weigh each row by the samples it stands for. Commands and hot keys that a report leaves out count as 0
 * in it, so they are divided by the reports of their node in the bucket, not by their own rows.
 */
import { NODE_METRICS, nodeMetricNames } from '../core/metrics.ts'
import { columnOf, columnType, hasPeak } from './columns.ts'

const MINUTE = `date_bin('1 minute', at, 'epoch')`
const HOUR = `date_bin('1 hour', at, 'epoch')`
const IN_CHUNK = 'at >= $1 AND at < $2'

/** A roll-up keeps the busiest keys of a node and bucket: a minute sees many that were in one report by chance. */
const HOT_KEYS_PER_BUCKET = 10

const peaks = nodeMetricNames.filter(hasPeak)

function upsert(table: string, keys: string[], values: Record<string, string>, source: string): string {
  const columns = Object.keys(values)
  return `
    INSERT INTO ${table} (${[...keys, ...columns].join(', ')})
    ${source.replace('$values', Object.values(values).join(', '))}
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET
      ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}`
}

function weighted(expression: string, weight: string): string {
  return `sum(${expression}::double precision * ${weight}) / nullif(sum(${weight}) FILTER (WHERE ${expression} IS NOT NULL), 0)`
}

function nodeSamples(minute: boolean): string {
  const values: Record<string, string> = { samples: minute ? 'count(*)' : 'sum(samples)' }
  for (const metric of nodeMetricNames) {
    const column = columnOf(metric)
    const average = minute ? `avg(${column}::double precision)` : weighted(column, 'samples')
    const value = NODE_METRICS[metric].rollup === 'max' ? `max(${column})` : average
    values[column] = `(${value})::${columnType(metric, minute ? '1m' : '1h')}`
  }
  for (const metric of peaks) {
    const column = columnOf(metric)
    values[`${column}_peak`] = `max(${minute ? column : `${column}_peak`})`
  }
  return upsert(
    minute ? 'node_sample_1m' : 'node_sample_1h',
    ['node_id', 'at'],
    values,
    `SELECT node_id, ${minute ? MINUTE : HOUR}, $values
     FROM ${minute ? 'node_sample' : 'node_sample_1m'} WHERE ${IN_CHUNK} GROUP BY 1, 2`,
  )
}

/** One row a bucket and node with the number of its reports, as `n`. */
function reportCounts(table: string, minute: boolean, count: string): string {
  return minute
    ? `SELECT node_id, ${MINUTE} AS bucket, count(DISTINCT at) AS n FROM ${table} WHERE ${IN_CHUNK} GROUP BY 1, 2`
    : `SELECT node_id, ${HOUR} AS bucket, sum(${count}) AS n
       FROM (SELECT DISTINCT node_id, at, ${count} FROM ${table} WHERE ${IN_CHUNK}) AS minutes GROUP BY 1, 2`
}

function commands(minute: boolean): string {
  const table = minute ? 'command_sample' : 'command_sample_1m'
  const weight = minute ? '1' : 'samples'
  const overReports = (column: string) => `sum(${column}::double precision * ${weight}) / min(r.n)`
  return upsert(
    minute ? 'command_sample_1m' : 'command_sample_1h',
    ['node_id', 'at', 'command'],
    {
      samples: 'min(r.n)',
      calls_per_sec: overReports('calls_per_sec'),
      calls_per_sec_peak: minute ? 'max(calls_per_sec)' : 'max(calls_per_sec_peak)',
      us_per_call: weighted('us_per_call', `(calls_per_sec::double precision * ${weight})`),
      failed_per_sec: overReports('failed_per_sec'),
      rejected_per_sec: overReports('rejected_per_sec'),
      p50_us: weighted('p50_us', weight),
      p99_us: weighted('p99_us', weight),
      p999_us: weighted('p999_us', weight),
    },
    `WITH s AS (SELECT *, ${minute ? MINUTE : HOUR} AS bucket FROM ${table} WHERE ${IN_CHUNK}),
       r AS (${reportCounts(table, minute, 'samples')})
     SELECT s.node_id, s.bucket, s.command, $values
     FROM s JOIN r USING (node_id, bucket) GROUP BY 1, 2, 3`,
  )
}

function keyspaces(minute: boolean): string {
  const weight = minute ? '1' : 'samples'
  return upsert(
    minute ? 'keyspace_sample_1m' : 'keyspace_sample_1h',
    ['node_id', 'at', 'db'],
    {
      samples: minute ? 'count(*)' : 'sum(samples)',
      keys: weighted('keys', weight),
      expires: weighted('expires', weight),
      avg_ttl_ms: weighted('avg_ttl_ms', weight),
    },
    `SELECT node_id, ${minute ? MINUTE : HOUR}, db, $values
     FROM ${minute ? 'keyspace_sample' : 'keyspace_sample_1m'} WHERE ${IN_CHUNK} GROUP BY 1, 2, 3`,
  )
}

/**
 * As above, of the reports that tell rates where there are any: a report of a source that cannot is not one in which
 * the other keys were not asked for.
 */
function hotKeyReports(minute: boolean): string {
  const table = minute ? 'hot_key_sample' : 'hot_key_sample_1m'
  const count = minute ? '1' : 'min(reports)'
  return `
    SELECT node_id, bucket, coalesce(sum(n) FILTER (WHERE rated), sum(n)) AS n
    FROM (
      SELECT node_id, at, ${minute ? MINUTE : HOUR} AS bucket, ${count} AS n, bool_or(ops_per_sec IS NOT NULL) AS rated
      FROM ${table} WHERE ${IN_CHUNK} GROUP BY 1, 2
    ) AS each_report GROUP BY 1, 2`
}

function hotKeys(minute: boolean): string[] {
  const table = minute ? 'hot_key_sample' : 'hot_key_sample_1m'
  const weight = minute ? '1' : 'reports'
  const overReports = (column: string) => `sum(${column}::double precision * ${weight}) / min(r.n)`
  const ofHottest = (column: string) => `(array_agg(${column} ORDER BY ops_per_sec DESC NULLS LAST, rank))[1]`
  const ofNewestProbe = (column: string) => `(array_agg(${column} ORDER BY probed_at DESC NULLS LAST))[1]`
  const averaged = ['share', 'share_low', 'share_high', 'ops_per_sec', 'ops_per_sec_low', 'ops_per_sec_high']
  const target = minute ? 'hot_key_sample_1m' : 'hot_key_sample_1h'
  const ranked = `
    SELECT node_id, at, key_id FROM (
      SELECT node_id, at, key_id,
        row_number() OVER (PARTITION BY node_id, at ORDER BY ops_per_sec DESC NULLS LAST, rank, key_id) AS place
      FROM ${target} WHERE ${IN_CHUNK}
    ) AS kept WHERE place > ${HOT_KEYS_PER_BUCKET}`
  const computed = upsert(
    target,
    ['node_id', 'at', 'key_id'],
    {
      reports: 'min(r.n)',
      samples: minute ? 'count(*)' : 'sum(samples)',
      sampled_commands: 'avg(sampled_commands)',
      ...Object.fromEntries(
        [...averaged, 'reads_per_sec', 'writes_per_sec'].map((column) => [column, overReports(column)]),
      ),
      share_peak: minute ? 'max(share)' : 'max(share_peak)',
      ops_per_sec_peak: minute ? 'max(ops_per_sec)' : 'max(ops_per_sec_peak)',
      top_command: ofHottest('top_command'),
      source: ofHottest('source'),
      rank: 'min(rank)',
      cpu_share: weighted('cpu_share', weight),
      lfu_counter: 'max(lfu_counter)',
      size_bytes: ofNewestProbe('size_bytes'),
      is_missing: ofNewestProbe('is_missing'),
      probed_at: 'max(probed_at)',
    },
    `WITH s AS (SELECT *, ${minute ? MINUTE : HOUR} AS bucket FROM ${table} WHERE ${IN_CHUNK}),
       r AS (${hotKeyReports(minute)})
     SELECT s.node_id, s.bucket, s.key_id, $values
     FROM s JOIN r USING (node_id, bucket) GROUP BY 1, 2, 3`,
  )
  return [
    computed,
    `DELETE FROM ${target} t USING (${ranked}) AS d
    WHERE t.node_id = d.node_id AND t.at = d.at AND t.key_id = d.key_id AND t.at >= $1 AND t.at < $2`,
  ]
}

export const MINUTE_STATEMENTS = [nodeSamples(true), commands(true), keyspaces(true), ...hotKeys(true)]
export const HOUR_STATEMENTS = [nodeSamples(false), commands(false), keyspaces(false), ...hotKeys(false)]
