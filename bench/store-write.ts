/** Rows per second into Postgres: saveTick, against one INSERT a row and COPY of the same rows in the same run. */
import { chmod, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeMetricNames } from '../core/metrics.ts'
import type { CollectorStatus, NodeSample, Tick } from '../core/sample.ts'
import type { Store } from '../store/client.ts'
import { columnOf, columnType } from '../store/columns.ts'
import { ensurePartitions } from '../store/maintenance.ts'
import { saveTick } from '../store/tick.ts'
import { saveCaches, saveTopology } from '../store/topology.ts'
import { describeFleet } from '../tests/support/seed.ts'
import { buildTick } from '../tests/support/seed-tick.ts'
import { type BenchResult, describeMachine, percentile, round } from './result.ts'
import { withBenchStore } from './support/postgres.ts'

const NODES = 300
const TICKS = 60
const WARM_UP = 5
const STEP_MS = 2_000
const COLUMNS = nodeMetricNames.map(columnOf).join(', ')

type Measured = { name: string; rows: number; seconds: number; tickMs: number[] }

export function run(): Promise<BenchResult> {
  return withBenchStore(async (store) => {
    const now = Date.now()
    const ticks = await prepare(store, now)
    const samples = await resolveNodes(store, ticks)
    const measured = [
      await measureTicks(store, ticks),
      await measureInserts(store, samples, 'one INSERT a row, one transaction a tick', true),
      await measureInserts(store, samples.slice(0, 10), 'one INSERT a row, each its own transaction', false),
      await measureCopy(store, samples),
    ]
    return {
      name: `store-write: a tick of ${NODES} nodes every 2 s`,
      machine: describeMachine(),
      rows: measured.map(({ name, rows, seconds, tickMs }) => ({
        path: name,
        rows,
        'rows/s': Math.round(rows / seconds),
        'tick p50 ms': round(percentile(tickMs, 0.5)),
        'tick p95 ms': round(percentile(tickMs, 0.95)),
      })),
      notes: [
        'saveTick saves everything a tick brings: samples, statuses, commands, keyspaces, hot keys with their dictionary, slow log, events, heartbeat and notification. Its rows count all of these.',
        'The INSERT and COPY rows are the node samples alone, into the same table with its primary key. COPY reads a file on the server: the limit of this table on this machine.',
      ],
    }
  })
}

async function prepare(store: Store, now: number): Promise<Tick[]> {
  const from = now - (TICKS + WARM_UP) * STEP_MS
  const fleet = describeFleet({ shardsPerCache: NODES / 2, replicas: 1, stepMs: STEP_MS }, from, now)
  await ensurePartitions(store, from)
  await saveCaches(store, fleet.caches)
  for (const topology of fleet.topologies) await saveTopology(store, topology)
  return Array.from({ length: TICKS + WARM_UP }, (_, index) =>
    buildTick(fleet, from + index * STEP_MS, index, STEP_MS),
  )
}

async function measureTicks(store: Store, ticks: Tick[]): Promise<Measured> {
  const tickMs: number[] = []
  let rows = 0
  for (const [index, tick] of ticks.entries()) {
    const status: CollectorStatus = {
      collectorId: 'bench',
      host: 'localhost',
      pid: process.pid,
      version: '0.0.0',
      startedAt: 0,
      at: tick.at,
      nodes: NODES,
      bufferedTicks: 0,
      droppedTicks: 0,
    }
    const before = performance.now()
    await saveTick(store, tick, status)
    if (index < WARM_UP) continue
    tickMs.push(performance.now() - before)
    const { at: _at, ...lists } = tick
    rows += Object.values(lists).reduce((sum, list) => sum + list.length, 0)
  }
  return { name: 'saveTick (one round trip)', rows, seconds: sum(tickMs) / 1_000, tickMs }
}

/** Node samples as the values of node_sample's columns, tick by tick, in a table of the same shape. */
async function resolveNodes(store: Store, ticks: Tick[]): Promise<unknown[][][]> {
  const { rows } = await store.pool.query<{ address: string; nodeId: number }>(
    'SELECT address, node_id AS "nodeId" FROM node',
  )
  const ids = new Map(rows.map((row) => [row.address, row.nodeId]))
  const values = ({ address, at, metrics }: NodeSample) => [
    ids.get(address),
    new Date(at),
    ...nodeMetricNames.map((name) => {
      const value = metrics[name]
      return value !== null && columnType(name, 'raw') === 'bigint' ? Math.round(value) : value
    }),
  ]
  return ticks.slice(WARM_UP).map((tick) => tick.samples.map(values))
}

async function emptyCopy(store: Store): Promise<void> {
  await store.pool.query('DROP TABLE IF EXISTS bench_sample')
  await store.pool.query('CREATE TABLE bench_sample (LIKE node_sample INCLUDING ALL)')
}

async function measureInserts(
  store: Store,
  ticks: unknown[][][],
  name: string,
  transaction: boolean,
): Promise<Measured> {
  await emptyCopy(store)
  const placeholders = Array.from({ length: nodeMetricNames.length + 2 }, (_, index) => `$${index + 1}`).join(
    ', ',
  )
  const text = `INSERT INTO bench_sample (node_id, at, ${COLUMNS}) VALUES (${placeholders})`
  const client = await store.pool.connect()
  const tickMs: number[] = []
  try {
    for (const tick of ticks) {
      const before = performance.now()
      if (transaction) await client.query('BEGIN')
      for (const values of tick) await client.query({ name: 'bench-insert', text, values })
      if (transaction) await client.query('COMMIT')
      tickMs.push(performance.now() - before)
    }
  } finally {
    client.release()
  }
  return { name, rows: ticks.flat().length, seconds: sum(tickMs) / 1_000, tickMs }
}

async function measureCopy(store: Store, ticks: unknown[][][]): Promise<Measured> {
  await emptyCopy(store)
  const file = join(tmpdir(), `cachescope-bench-${process.pid}.tsv`)
  const tickMs: number[] = []
  for (const tick of ticks) {
    const lines = tick.map((values) =>
      values
        .map((value) => (value === null ? '\\N' : value instanceof Date ? value.toISOString() : value))
        .join('\t'),
    )
    await writeFile(file, `${lines.join('\n')}\n`)
    await chmod(file, 0o644)
    const before = performance.now()
    await store.pool.query(`COPY bench_sample (node_id, at, ${COLUMNS}) FROM '${file}'`)
    tickMs.push(performance.now() - before)
  }
  await rm(file)
  return {
    name: 'COPY from a file on the server',
    rows: ticks.flat().length,
    seconds: sum(tickMs) / 1_000,
    tickMs,
  }
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
