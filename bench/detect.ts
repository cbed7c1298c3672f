/**
 * How long a key that becomes hot stays unseen: from its first request to its row in PostgreSQL, with the real
 * collector at its default budget.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../store/client.ts'
import { startRedis } from '../tests/support/redis.ts'
import { type BenchResult, describeMachine, percentile } from './result.ts'
import type { LoadNews, LoadOrder } from './support/paced-load.ts'
import { withBenchStore } from './support/postgres.ts'

const IS_QUICK = process.argv.includes('--quick')
const TRIALS = IS_QUICK ? 8 : 30
/** Until the collector knows the node, and its bursts have been measured. */
const WARM_UP_MS = 10_000
const START_MS = 60_000
const POLL_MS = 10
const GIVE_UP_MS = 15_000
/** The trials must not keep step with anything. */
const PAUSE_MS = [1_000, 2_500] as const
const MAIN = new URL('../collector/main.ts', import.meta.url).pathname
const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

type Scenario = { opsPerSec: number; hotPerSec: number; goalMs: number }
const SCENARIOS: Scenario[] = [
  { opsPerSec: 50_000, hotPerSec: 1_000, goalMs: 1_000 },
  { opsPerSec: 10_000, hotPerSec: 100, goalMs: 3_000 },
]

export async function run(): Promise<BenchResult> {
  const rows: BenchResult['rows'] = []
  for (const scenario of SCENARIOS) rows.push(await withBenchStore((store) => measure(store, scenario)))
  return {
    name: 'detect: from the first request of a key to its row in PostgreSQL',
    machine: describeMachine(),
    rows,
    notes: [
      `${TRIALS} fresh keys each, ${PAUSE_MS.map((ms) => ms / 1_000).join(' to ')} s apart; GETs at an even pace, pipelined, the others by zipf 1.0 over 100,000 keys.`,
      'The collector process, its default budget of 1%, PostgreSQL polled every 10 ms. All of it on the same machine.',
    ],
  }
}

async function measure(store: Store, scenario: Scenario): Promise<BenchResult['rows'][number]> {
  const server = await startRedis()
  const load = fork(new URL('./support/paced-load.ts', import.meta.url).pathname, [
    String(server.port),
    String(scenario.opsPerSec),
  ])
  const stopCollector = await startCollector(store, server.url)
  try {
    await untilReported(store)
    await delay(WARM_UP_MS)
    const times: number[] = []
    let sentPerSec = 0
    for (let trial = 0; trial < TRIALS; trial++) {
      const heated = await heat(load, `fresh:${trial}`, scenario.hotPerSec)
      sentPerSec += heated.sentPerSec / TRIALS
      times.push(await untilRow(store, heated.key, heated.at))
      order(load, { kind: 'cool' })
      await delay(PAUSE_MS[0] + Math.random() * (PAUSE_MS[1] - PAUSE_MS[0]))
    }
    return {
      'node, commands/s': Math.round(sentPerSec),
      'key, commands/s': scenario.hotPerSec,
      trials: times.length,
      'p50, ms': Math.round(percentile(times, 0.5)),
      'p95, ms': Math.round(percentile(times, 0.95)),
      'max, ms': Math.round(Math.max(...times)),
      'goal p95, ms': scenario.goalMs,
    }
  } finally {
    load.disconnect()
    await stopCollector()
    await server.stop()
  }
}

async function heat(
  load: ChildProcess,
  key: string,
  perSec: number,
): Promise<Extract<LoadNews, { kind: 'hot' }>> {
  const hot = new Promise<Extract<LoadNews, { kind: 'hot' }>>((resolve) => {
    const listen = (news: LoadNews) => {
      if (news.kind !== 'hot' || news.key !== key) return
      load.off('message', listen)
      resolve(news)
    }
    load.on('message', listen)
  })
  order(load, { kind: 'heat', key, perSec })
  return await hot
}

function order(load: ChildProcess, what: LoadOrder): void {
  load.send(what)
}

/** @returns milliseconds from `since` to the row; as long as was waited where none came */
async function untilRow(store: Store, key: string, since: number): Promise<number> {
  while (Date.now() - since < GIVE_UP_MS) {
    const { rowCount } = await store.pool.query(
      'SELECT 1 FROM hot_key_sample JOIN key USING (key_id) WHERE key.bytes = $1 LIMIT 1',
      [Buffer.from(key)],
    )
    if (rowCount) return Date.now() - since
    await delay(POLL_MS)
  }
  return GIVE_UP_MS
}

/** @throws Error when no hot key is reported */
async function untilReported(store: Store): Promise<void> {
  for (const end = Date.now() + START_MS; Date.now() < end; await delay(100)) {
    const { rowCount } = await store.pool.query('SELECT 1 FROM hot_key_sample LIMIT 1')
    if (rowCount) return
  }
  throw new Error(`the collector reported no hot key within ${START_MS / 1_000} s`)
}

async function startCollector(store: Store, url: string): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-bench-'))
  const path = join(directory, 'cachescope.yaml')
  await writeFile(path, `caches:\n  - { name: bench, kind: standalone, nodes: ['${url}'] }\n`)
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      DATABASE_URL: store.databaseUrl,
      CACHESCOPE_CONFIG: path,
      CACHESCOPE_METRICS_PORT: '0',
      LOG_LEVEL: process.env.BENCH_LOG_LEVEL ?? 'error',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const exit = new Promise((resolve) => child.once('exit', resolve))
  return async () => {
    child.kill('SIGTERM')
    await exit
    await rm(directory, { recursive: true, force: true })
  }
}
