/** Lines of MONITOR's stream per second of CPU, from the socket to counted keys, against the drivers of Node. */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BenchResult, describeMachine, percentile, round } from './result.ts'
import type { ConsumerName, ConsumerPass } from './support/monitor-consumer.ts'
import {
  binaryKey,
  plainKey,
  type RecordedStream,
  recordStream,
  type StreamSpec,
} from './support/monitor-stream.ts'

const PASSES = 5
const PLAIN: StreamSpec = {
  lines: 1_500_000,
  keys: 1_000_000,
  exponent: 1,
  gets: 0.8,
  printKey: plainKey,
  value: 'v'.repeat(52),
}

type Consumer = { title: string; name: ConsumerName | 'wc' }
const OURS: Consumer[] = [
  { title: 'Cachescope, WebAssembly', name: 'engine' },
  { title: 'Cachescope, TypeScript', name: 'typescript' },
]
const LIMIT: Consumer = { title: 'Node reads the socket and drops it', name: 'drop' }
const PEERS: Consumer[] = [
  { title: 'ioredis monitor() + Map', name: 'ioredis' },
  { title: 'node-redis monitor() + Map', name: 'node-redis' },
]

const STREAMS: { title: string; spec: StreamSpec; consumers: Consumer[] }[] = [
  {
    title: '76 bytes a line',
    spec: PLAIN,
    consumers: [...OURS, ...PEERS, LIMIT, { title: 'wc -l reads the socket', name: 'wc' }],
  },
  {
    title: 'binary keys',
    spec: { ...PLAIN, lines: 500_000, printKey: binaryKey },
    consumers: [...OURS, LIMIT],
  },
  {
    title: 'values of 1 kB',
    spec: { ...PLAIN, lines: 500_000, gets: 0.5, value: 'v'.repeat(1_000) },
    consumers: [...OURS, LIMIT],
  },
]

type Row = { stream: string; consumer: Consumer; lines: number; bytes: number; cpuMs: number }

export async function run(): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-bench-'))
  const measured: Row[] = []
  try {
    for (const { title, spec, consumers } of STREAMS) {
      const file = join(directory, 'stream')
      const stream = await recordStream(file, spec)
      const server = fork(join(import.meta.dirname, 'support/monitor-replay.ts'), [file])
      try {
        const [port] = (await once(server, 'message')) as [number]
        for (const consumer of consumers) {
          const cpuMs = percentile(await measure(consumer, port, stream), 0.5)
          measured.push({ stream: title, consumer, lines: stream.lines, bytes: stream.bytes, cpuMs })
        }
      } finally {
        await stop(server)
      }
    }
  } finally {
    await rm(directory, { recursive: true })
  }
  return report(measured)
}

function report(measured: Row[]): BenchResult {
  const rate = ({ lines, cpuMs }: Row) => lines / cpuMs / 1_000
  const peer = measured.find(({ consumer }) => consumer.name === 'ioredis')
  return {
    name: `monitor: a recorded MONITOR stream over loopback, ${PLAIN.lines} lines`,
    machine: describeMachine(),
    rows: measured.map((row) => ({
      stream: row.stream,
      consumer: row.consumer.title,
      'million lines / CPU s': round(rate(row)),
      'MB / CPU s': round(row.bytes / row.cpuMs / 1_000),
      '× ioredis': peer && row.stream === peer.stream ? round(rate(row) / rate(peer)) : '',
    })),
    notes: [
      `Zipf 1.0 over ${PLAIN.keys} keys, 80% GET (50% with values of 1 kB). CPU of the consumer's process, user and system, the median of ${PASSES} passes.`,
      "Ours is the collector's own path: a burst that never ends, the engine, one-second slices. It tells commands, databases, addresses and escapes apart; node-redis counts what stands between the second pair of quotes, and ioredis undoes no escape but that of the quote.",
      'The stream waits 20 ms behind the OK to MONITOR, as ioredis fails when both come in one chunk. Every consumer saw every line and counted the same key most, or the run fails.',
    ],
  }
}

/** @returns milliseconds of CPU of each pass */
async function measure(consumer: Consumer, port: number, stream: RecordedStream): Promise<number[]> {
  if (consumer.name === 'wc') return measureWc(port, stream.lines)
  const path = join(import.meta.dirname, 'support/monitor-consumer.ts')
  const child = fork(path, [consumer.name, String(port), String(PASSES)])
  const passes: ConsumerPass[] = []
  child.on('message', (pass: ConsumerPass) => passes.push(pass))
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0 || passes.length !== PASSES) {
    throw new Error(`${consumer.title} ended with ${code} after ${passes.length} of ${PASSES} passes`)
  }
  for (const pass of passes) check(consumer, pass, stream)
  return passes.map(({ cpuMs }) => cpuMs)
}

function check({ title, name }: Consumer, pass: ConsumerPass, { lines, hottest }: RecordedStream): void {
  if (pass.lines !== null && pass.lines !== lines)
    throw new Error(`${title} saw ${pass.lines} lines of ${lines}`)
  const printed = pass.hottest === null ? null : hottest.includes('\\x') ? toHex(pass.hottest) : pass.hottest
  if (printed !== null && printed !== hottest)
    throw new Error(`${title} counted ${printed} most, not ${hottest}`)
  if (name === 'engine' && pass.engine !== 'wasm')
    throw new Error('WebAssembly is not there: run the set-up first')
}

function toHex(key: string): string {
  return Array.from(key, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
}

/** By bash, which reads a socket and tells its children's CPU. */
async function measureWc(port: number, lines: number): Promise<number[]> {
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'MONITOR\\r\\n' >&3; wc -l <&3; times`
  const passes: number[] = []
  for (let pass = 0; pass < PASSES; pass++) {
    const { stdout } = await promisify(execFile)('bash', ['-c', script], {
      env: { ...process.env, LC_ALL: 'C' },
    })
    const [counted, , children] = stdout.trim().split('\n')
    if (Number(counted) !== lines + 1) throw new Error(`wc saw ${counted} lines, not ${lines} behind an OK`)
    const seconds = [...(children ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
      ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
    )
    passes.push(seconds.reduce((sum, value) => sum + value, 0) * 1_000)
  }
  return passes
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill()
  await exited
}
