/**
 * Rolls raw samples up to minutes, and minutes to hours. A chunk is claimed, computed, and marked done, in that
 * order; a crash anywhere leaves it to be computed again, and a row that arrives late for a claimed bucket undoes
 * the claim (see save_tick).
 */
import type { PoolClient } from 'pg'
import { maintain, type Store } from './client.ts'
import { ensurePartitionsFor, HOUR_TABLES, listPartitions, MINUTE_TABLES } from './partitions.ts'
import { HOUR_STATEMENTS, MINUTE_STATEMENTS } from './rollup-sql.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** A minute is rolled up this long after its end, so that ticks on their way are in it. */
const GRACE_MS = 10_000
const TICK_LOCK = [7_233_001, 2]
const ROLLUP_LOCK = [7_233_001, 4]

type Level = {
  resolution: '1m' | '1h'
  /** The table that says from when on there is input. */
  input: string
  targets: string[]
  statements: string[]
  chunkMs: number
}
const MINUTES: Level = {
  resolution: '1m',
  input: 'node_sample',
  targets: MINUTE_TABLES,
  statements: MINUTE_STATEMENTS,
  chunkMs: HOUR_MS,
}
const HOURS: Level = {
  resolution: '1h',
  input: 'node_sample_1m',
  targets: HOUR_TABLES,
  statements: HOUR_STATEMENTS,
  chunkMs: DAY_MS,
}

type Claim = { from: number; to: number; doneAt: Date }

/**
 * Rolls up everything that is complete before `now` (epoch ms). Does nothing while another collector does it.
 * @throws CachescopeError store-unreachable
 */
export async function rollUp(store: Store, now: number): Promise<void> {
  await maintain(store, async (client) => {
    const { rows } = await client.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_lock($1, $2) AS locked',
      ROLLUP_LOCK,
    )
    if (rows[0]?.locked !== true) return
    try {
      await rollUpLevel(client, MINUTES, floor(now - GRACE_MS, MINUTE_MS))
      const minutesDone = await readDone(client, '1m')
      await rollUpLevel(client, HOURS, floor(Math.min(minutesDone, now - GRACE_MS), HOUR_MS))
    } finally {
      await client.query('SELECT pg_advisory_unlock($1, $2)', ROLLUP_LOCK)
    }
  })
}

async function rollUpLevel(client: PoolClient, level: Level, until: number): Promise<void> {
  for (;;) {
    const claim = await claimChunk(client, level, until)
    if (claim === null) return
    for (const table of level.targets) await ensurePartitionsFor(client, table, claim.from, claim.to - 1)
    await computeChunk(client, level, claim)
  }
}

/** Waits for the ticks that are being saved: those that begin later see the claim and undo it if they touch it. */
async function claimChunk(client: PoolClient, level: Level, until: number): Promise<Claim | null> {
  const partitions = await listPartitions(client, level.input)
  const earliest = partitions[0]?.from
  if (earliest === undefined) return null
  return inTransaction(client, async () => {
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', TICK_LOCK)
    const { rows } = await client.query<{ doneAt: Date; finalAt: Date }>(
      `SELECT done_at AS "doneAt", final_at AS "finalAt" FROM rollup_watermark WHERE resolution = $1 FOR UPDATE`,
      [level.resolution],
    )
    const watermark = rows[0]
    if (watermark === undefined) throw new Error(`No roll-up watermark for ${level.resolution}.`)
    const from = Math.max(watermark.doneAt.getTime(), watermark.finalAt.getTime(), earliest)
    const to = Math.min(floor(from, level.chunkMs) + level.chunkMs, until)
    if (from >= to) return null
    await client.query('UPDATE rollup_watermark SET claimed_at = $2 WHERE resolution = $1', [
      level.resolution,
      new Date(to),
    ])
    return { from, to, doneAt: watermark.doneAt }
  })
}

async function computeChunk(client: PoolClient, level: Level, claim: Claim): Promise<void> {
  const bounds = [new Date(claim.from), new Date(claim.to)]
  await inTransaction(client, async () => {
    await client.query(`SET LOCAL work_mem = '64MB'`)
    for (const statement of level.statements) await client.query(statement, bounds)
    if (level.resolution === '1m') {
      await client.query(
        `UPDATE rollup_watermark
         SET done_at = least(done_at, date_trunc('hour', $1::timestamptz, 'UTC')),
           claimed_at = least(done_at, date_trunc('hour', $1::timestamptz, 'UTC'))
         WHERE resolution = '1h' AND claimed_at > $1 AND final_at <= $1`,
        [bounds[0]],
      )
    }
    // No row when a late tick undid the claim meanwhile: the chunk is then claimed again, from further back.
    await client.query(
      `UPDATE rollup_watermark SET done_at = $2 WHERE resolution = $1 AND done_at = $3 AND claimed_at = $2`,
      [level.resolution, bounds[1], claim.doneAt],
    )
  })
}

async function readDone(client: PoolClient, resolution: string): Promise<number> {
  const { rows } = await client.query<{ doneAt: Date }>(
    `SELECT done_at AS "doneAt" FROM rollup_watermark WHERE resolution = $1`,
    [resolution],
  )
  return rows[0]?.doneAt.getTime() ?? 0
}

async function inTransaction<T>(client: PoolClient, run: () => Promise<T>): Promise<T> {
  await client.query('BEGIN')
  try {
    const result = await run()
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

function floor(at: number, stepMs: number): number {
  return Math.floor(at / stepMs) * stepMs
}
