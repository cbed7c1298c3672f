/**
 * What watching costs a busy node: CPU per command by the server's own INFO cpu, and throughput, without us, with us
 * at the default budget, and with the ways to use MONITOR that others have. The conditions take turns, so that what
 * drifts on the machine meets all of them alike.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Watching } from '../core/model.ts'
import { type RedisProcess, startRedis } from '../tests/support/redis.ts'
import { type BenchResult, describeMachine, round } from './result.ts'
import type { WatchingNews, WatchingOrder } from './support/watching-process.ts'

const IS_QUICK = process.argv.includes('--quick')
const ROUNDS = IS_QUICK ? 3 : 7
const SLICE_MS = 2_500
/** A collector that was stopped for a while takes its samples again, before it is measured. */
const WAKE_MS = 2_500
/** The reader that others run: ten seconds on, ten seconds off. */
const ON_OFF_MS = 10_000
const CLIENTS = 50
const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

type Workload = { name: string; pipeline: number; args: string[]; value: Buffer | null }
type Slice = { usPerCommand: number; perSec: number }

const WORKLOADS = [16, 1].flatMap((pipeline): Workload[] => [
  { name: 'GET', pipeline, args: ['GET', 'key:__rand_int__'], value: null },
  { name: 'SET 100 B', pipeline, args: ['SET', 'key:__rand_int__'], value: Buffer.alloc(100, 'x') },
  { name: 'SET 1 kB binary', pipeline, args: ['SET', 'key:__rand_int__'], value: binary(1_000) },
])

export async function run(): Promise<BenchResult> {
  const rows: BenchResult['rows'] = []
  for (const workload of WORKLOADS) rows.push(await measure(workload))
  return {
    name: 'overhead: what watching takes from a busy node',
    machine: describeMachine(),
    rows,
    notes: [
      `redis-benchmark with ${CLIENTS} connections; values by its -x. CPU per command: the main thread's by INFO cpu ÷ commands.`,
      `overhead: CPU per command with us ÷ without us, − 1; ${ROUNDS} slices of ${SLICE_MS / 1_000} s each against the mean of the slices before and after; ± is the standard error of the mean.`,
      'without: our process is stopped (SIGSTOP), and sends the node nothing. ours: all that the collector does, its samples (INFO every 2 s) and MONITOR at the default budget of 1%.',
      'sampling: of ours, what commands other than MONITOR and the load took, by commandstats.',
      'ours says: the share of the node that the collector itself charges, over its last minute, in a quarter of which it was stopped, and in half of which MONITOR rested.',
      'MONITOR readers read as fast as they can and keep nothing; on, off: 10 s each.',
    ],
  }
}

async function measure(workload: Workload): Promise<BenchResult['rows'][number]> {
  const server = await startRedis()
  const load = startLoad(server, workload)
  const watching = new WatchingProcess(server.url)
  try {
    await delay(5_000)
    await watching.stop()
    const without: Slice[] = [await slice(server)]
    const ratios: number[] = []
    const speeds: number[] = []
    const sampling: number[] = []
    for (let at = 0; at < ROUNDS; at++) {
      await watching.resume()
      const sampled = await samplingUs(server)
      const ours = await slice(server)
      sampling.push(((await samplingUs(server)) - sampled) / (SLICE_MS * 1_000))
      await watching.stop()
      const next = await slice(server)
      const before = without.at(-1) ?? next
      ratios.push(ours.usPerCommand / ((before.usPerCommand + next.usPerCommand) / 2) - 1)
      speeds.push(ours.perSec / ((before.perSec + next.perSec) / 2) - 1)
      without.push(next)
    }
    const { said } = watching
    watching.end()
    const base = mean(without.map(({ usPerCommand }) => usPerCommand))
    const baseSpeed = mean(without.map(({ perSec }) => perSec))
    const stop = await readMonitor(server)
    const continuous = await slice(server)
    await stop()
    const onOff = await onAndOff(server)
    return {
      workload: workload.name,
      pipeline: workload.pipeline,
      'without, µs/command': round(base),
      'without, commands/s': Math.round(baseSpeed),
      'ours, %': percent(mean(ratios)),
      '±, %': percent(spread(ratios)),
      'ours, throughput %': percent(mean(speeds)),
      'ours says, %': said?.predictedShare == null ? '–' : percent(said.measuredShare ?? said.predictedShare),
      'sampling, %': percent(mean(sampling)),
      'MONITOR, %': percent(continuous.usPerCommand / base - 1),
      'MONITOR, throughput %': percent(continuous.perSec / baseSpeed - 1),
      'on/off, %': percent(onOff.usPerCommand / base - 1),
      'on/off, throughput %': percent(onOff.perSec / baseSpeed - 1),
    }
  } finally {
    watching.end()
    load.kill('SIGKILL')
    await server.stop()
  }
}

/** Of random bytes without NUL, at which redis-benchmark ends its search for the key to fill in. */
function binary(bytes: number): Buffer {
  return Buffer.from(randomBytes(bytes).map((byte) => (byte === 0 ? 0x80 : byte)))
}

function startLoad(server: RedisProcess, { pipeline, args, value }: Workload): ChildProcess {
  const options = ['-p', String(server.port), '-c', String(CLIENTS), '-P', String(pipeline), '-q']
  const endless = ['-n', '1000000000', '-r', '100000']
  const child = spawn(
    'redis-benchmark',
    [...options, ...endless, ...(value === null ? [] : ['-x']), ...args],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  )
  child.stdin?.end(value ?? '')
  return child
}

async function slice(server: RedisProcess, ms = SLICE_MS): Promise<Slice> {
  const before = await readCpu(server)
  await delay(ms)
  const after = await readCpu(server)
  const commands = after.commands - before.commands
  return {
    usPerCommand: (after.cpuUs - before.cpuUs) / commands,
    perSec: (commands * 1_000) / (after.atMs - before.atMs),
  }
}

async function readCpu(server: RedisProcess): Promise<{ cpuUs: number; commands: number; atMs: number }> {
  const info = String(await server.command('INFO', 'cpu', 'stats'))
  const field = (name: string) => Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1] ?? Number.NaN)
  const seconds = field('used_cpu_sys_main_thread') + field('used_cpu_user_main_thread')
  return { cpuUs: seconds * 1e6, commands: field('total_commands_processed'), atMs: performance.now() }
}

/** @returns what ends it */
async function readMonitor(server: RedisProcess): Promise<() => Promise<void>> {
  const buffer = Buffer.alloc(1 << 20)
  const socket = connect({
    host: server.host,
    port: server.port,
    onread: { buffer, callback: () => true },
  })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write('MONITOR\r\n')
  await delay(200)
  return async () => {
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.destroy()
    await closed
  }
}

async function onAndOff(server: RedisProcess): Promise<Slice> {
  const whole = slice(server, 2 * ON_OFF_MS)
  const stop = await readMonitor(server)
  await delay(ON_OFF_MS - 200)
  await stop()
  return await whole
}

/** Microseconds that commands took since the node started which are none of the load's: by its commandstats. */
async function samplingUs(server: RedisProcess): Promise<number> {
  const info = String(await server.command('INFO', 'commandstats'))
  return [...info.matchAll(/^cmdstat_(\S+):calls=\d+,usec=(\d+)/gm)]
    .filter(([, name]) => name !== 'get' && name !== 'set' && name !== 'monitor')
    .reduce((sum, [, , usec]) => sum + Number(usec), 0)
}

/** The process that watches, set going and stopped: while it is stopped its connections are there, and nothing is sent. */
class WatchingProcess {
  said: Watching | null = null
  readonly #child: ChildProcess
  #done: (() => void) | null = null

  constructor(url: string) {
    this.#child = fork(new URL('./support/watching-process.ts', import.meta.url).pathname, [url])
    this.#child.on('message', (news: WatchingNews) => {
      if (news.kind === 'done') this.#done?.()
      else if (news.watching.lastBurst !== null) this.said = news.watching
    })
  }

  /** Resolves when it watches again. */
  async resume(): Promise<void> {
    this.#child.kill('SIGCONT')
    await delay(WAKE_MS)
    await this.#order('watch')
  }

  /** Not in the middle of a burst: MONITOR rests before the process does. */
  async stop(): Promise<void> {
    await this.#order('rest')
    this.#child.kill('SIGSTOP')
  }

  /** Resolves when it is followed. */
  async #order(kind: WatchingOrder['kind']): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#done = resolve
    })
    this.#child.send({ kind } satisfies WatchingOrder)
    await done
  }

  end(): void {
    this.#child.kill('SIGCONT')
    if (this.#child.connected) this.#child.disconnect()
  }
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const percent = (share: number) => Math.round(share * 10_000) / 100

/** The standard error of the mean. */
function spread(values: number[]): number {
  const middle = mean(values)
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
  return Math.sqrt(variance / values.length)
}
