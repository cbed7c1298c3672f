/** What the collector takes of its own machine: CPU and memory per node at 10, 100 and 300 nodes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../store/client.ts'
import { startRedis } from '../tests/support/redis.ts'
import { type BenchResult, describeMachine, round } from './result.ts'
import { withBenchStore } from './support/postgres.ts'
import { startRecordedNodes } from './support/recorded-nodes.ts'

const INTERVAL_S = 2
const WARM_UP_MS = 12_000
const MEASURE_MS = 20_000
/** `getconf CLK_TCK` of every Linux on the machines that Node runs on. */
const TICKS_PER_SECOND = 100
const MAIN = new URL('../collector/main.ts', import.meta.url).pathname
const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

type Fleet = { name: string; urls: string[]; stop(): Promise<void> }

export async function run(): Promise<BenchResult> {
  const rows: BenchResult['rows'] = []
  for (const [count, start] of [
    [10, realNodes],
    [100, realNodes],
    [300, recordedNodes],
  ] as const) {
    const fleet = await start(count)
    try {
      rows.push(await withBenchStore((store) => measure(store, fleet)))
    } finally {
      await fleet.stop()
    }
  }
  return {
    name: `collector: each node read every ${INTERVAL_S} s, hot keys watched, ticks saved to PostgreSQL`,
    machine: describeMachine(),
    rows,
    notes: [
      'real: redis-server processes without traffic; recorded: replies of one, played back over sockets of their own.',
      'CPU is user + system time of the collector process; the nodes and PostgreSQL share the machine and are not in it.',
      'Lines of MONITOR are not in it: without traffic there are none. Their budget is per node (hotKeys.budget).',
      'samples kept: rows found in PostgreSQL ÷ rows due in the time measured.',
    ],
  }
}

async function realNodes(count: number): Promise<Fleet> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startRedis()))
  return {
    name: 'real',
    urls: nodes.map((node) => node.url),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

async function recordedNodes(count: number): Promise<Fleet> {
  return { name: 'recorded', ...(await startRecordedNodes(count)) }
}

async function measure(store: Store, fleet: Fleet): Promise<BenchResult['rows'][number]> {
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-bench-'))
  const path = join(directory, 'cachescope.yaml')
  const caches = fleet.urls.map(
    (url, index) =>
      `  - { name: bench-${index}, kind: standalone, nodes: ['${url}'], interval: ${INTERVAL_S}s }\n`,
  )
  await writeFile(path, `caches:\n${caches.join('')}`)
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      DATABASE_URL: store.databaseUrl,
      CACHESCOPE_CONFIG: path,
      CACHESCOPE_METRICS_PORT: '0',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const exit = new Promise((resolve) => child.once('exit', resolve))
  try {
    await delay(WARM_UP_MS)
    const before = await usage(child)
    const from = new Date()
    await delay(MEASURE_MS)
    const after = await usage(child)
    const to = new Date()
    // Ticks are saved a moment after they were read.
    await delay(2_000)
    const kept = await countSamples(store, from, to)
    const nodes = fleet.urls.length
    const seconds = (to.getTime() - from.getTime()) / 1_000
    const cpu = after.cpuSeconds - before.cpuSeconds
    return {
      nodes,
      servers: fleet.name,
      'CPU, % of a core': round((100 * cpu) / seconds),
      'CPU per reading, ms': round((1_000 * cpu * INTERVAL_S) / (nodes * seconds)),
      'memory, MiB': round(after.rssMiB),
      'memory per node, KiB': round((after.rssMiB * 1_024) / nodes),
      'samples kept, %': round((100 * kept * INTERVAL_S) / (nodes * seconds)),
    }
  } finally {
    child.kill('SIGTERM')
    await exit
    await rm(directory, { recursive: true, force: true })
  }
}

async function usage(child: ChildProcess): Promise<{ cpuSeconds: number; rssMiB: number }> {
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8')
  // After the name in brackets, which may hold anything: utime and stime are the 12th and 13th from there.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  const rssKiB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN)
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, rssMiB: rssKiB / 1_024 }
}

async function countSamples(store: Store, from: Date, to: Date): Promise<number> {
  const { rows } = await store.pool.query<{ count: string }>(
    'SELECT count(*) FROM node_sample WHERE at >= $1 AND at < $2',
    [from, to],
  )
  return Number(rows[0]?.count ?? 0)
}
