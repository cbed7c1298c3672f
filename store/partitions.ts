/** Daily partitions: which tables have them, making and dropping them. */
import type { ClientBase } from 'pg'

export const RAW_TABLES = ['node_sample', 'command_sample', 'keyspace_sample', 'hot_key_sample'] as const
export const MINUTE_TABLES = RAW_TABLES.map((table) => `${table}_1m`)
export const HOUR_TABLES = RAW_TABLES.map((table) => `${table}_1h`)
/** Kept as long as raw samples, and never rolled up. */
export const RAW_ONLY_TABLES = ['hot_pattern_sample'] as const
export const PARTITIONED_TABLES = [
  ...RAW_TABLES,
  ...RAW_ONLY_TABLES,
  ...MINUTE_TABLES,
  ...HOUR_TABLES,
  'slowlog_entry',
]

/** Two processes that make the same partition at once wait for each other. */
const PARTITION_LOCK = [7_233_001, 3]

/** Makes the missing partitions of a table for the days from `from` to `to` (epoch ms, inclusive). */
export async function ensurePartitionsFor(
  client: ClientBase,
  table: string,
  from: number,
  to: number,
): Promise<number> {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', PARTITION_LOCK)
    const { rows } = await client.query<{ made: number }>(
      'SELECT ensure_partitions($1, from_ms($2), from_ms($3)) AS made',
      [table, from, to],
    )
    await client.query('COMMIT')
    return rows[0]?.made ?? 0
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

export type Partition = { name: string; from: number }

/** The partitions of a table, oldest first. */
export async function listPartitions(client: ClientBase, table: string): Promise<Partition[]> {
  const { rows } = await client.query<{ name: string; day: string }>(
    `SELECT c.relname AS name, substring(c.relname FROM '_p([0-9]{8})$') AS day
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = $1::regclass ORDER BY 2`,
    [table],
  )
  return rows.map(({ name, day }) => ({ name, from: partitionStart(day) }))
}

/** @param day as in a partition's name, 20260131 */
export function partitionStart(day: string): number {
  return Date.UTC(Number(day.slice(0, 4)), Number(day.slice(4, 6)) - 1, Number(day.slice(6, 8)))
}
