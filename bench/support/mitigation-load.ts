/**
 * Reads of a hot key and of others, through ioredis as it is or through @cachescope/client, in a process of its own.
 * argv: MitigationLoad as JSON. Serves one slice at a time; it ends with its parent.
 */
import { Cluster } from 'ioredis'
import { cachescope } from '../../client/index.ts'
import { percentile } from '../result.ts'

export type MitigationLoad = {
  seeds: { host: string; port: number }[]
  app: string
  hotKeys: string[]
  otherKeys: number
}
export type SliceOrder = {
  client: 'bare' | 'wrapped'
  hotKey: string
  /** null: as fast as CONCURRENCY reads at a time go. */
  perSec: number | null
  ms: number
}
export type SliceNews =
  | { kind: 'ready' }
  | {
      kind: 'slice'
      reads: number
      perSec: number
      p50Us: number
      p99Us: number
      errors: number
      cpuUs: number
    }

/** The hot key's reads per read of any other. */
const HOT_PER_OTHER = 10
const CONCURRENCY = 64
const BEAT_MS = 1
const WRITE_EVERY_MS = 1_000
const VALUE = 'x'.repeat(1_000)
/** A hot key is a list that each read searches to its end: dear to the server, and as cheap as a GET to who asks. */
const ELEMENTS = Array.from({ length: 4_000 }, (_, index) => `element:${index}`)
const LAST = ELEMENTS.at(-1) ?? ''

const options: MitigationLoad = JSON.parse(process.argv[2] ?? '')
const open = () => {
  const cluster = new Cluster(options.seeds, { slotsRefreshInterval: 1_000 })
  cluster.on('error', () => {})
  return cluster
}
const clients = { bare: open(), wrapped: cachescope(open(), { app: options.app }) }
const others = Array.from({ length: options.otherKeys }, (_, index) => `other:${index}`)
await Promise.all(others.map((key) => clients.bare.set(key, VALUE)))
await Promise.all(options.hotKeys.map((key) => clients.bare.rpush(key, ...ELEMENTS)))
process.once('disconnect', () => process.exit())
process.on('message', (order: SliceOrder) => {
  void runSlice(order).then((news) => process.send?.(news))
})
process.send?.({ kind: 'ready' } satisfies SliceNews)

async function runSlice(order: SliceOrder): Promise<SliceNews> {
  const client = clients[order.client]
  const latenciesUs: number[] = []
  let errors = 0
  const read = async (dueMs: number) => {
    const isHot = Math.random() * (HOT_PER_OTHER + 1) < HOT_PER_OTHER
    try {
      if (isHot) await client.lpos(order.hotKey, LAST)
      else await client.get(others[Math.floor(Math.random() * others.length)] ?? '')
      latenciesUs.push((performance.now() - dueMs) * 1_000)
    } catch {
      errors++
    }
  }
  const writing = setInterval(
    () => void clients.bare.lset(order.hotKey, 0, 'written').catch(() => errors++),
    WRITE_EVERY_MS,
  )
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  const endMs = startedMs + order.ms
  if (order.perSec === null) {
    await Promise.all(Array.from({ length: CONCURRENCY }, () => saturate(read, endMs)))
  } else await pace(read, order.perSec, startedMs, endMs)
  clearInterval(writing)
  const seconds = (performance.now() - startedMs) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  return {
    kind: 'slice',
    reads: latenciesUs.length,
    perSec: latenciesUs.length / seconds,
    p50Us: percentile(latenciesUs, 0.5),
    p99Us: percentile(latenciesUs, 0.99),
    errors,
    cpuUs: user + system,
  }
}

/** A read answered in process never waits for I/O: without a turn of the event loop now and then nothing else runs. */
async function saturate(read: (dueMs: number) => Promise<void>, endMs: number): Promise<void> {
  for (let count = 0; ; count++) {
    const now = performance.now()
    if (now >= endMs) return
    await read(now)
    if (count % 16 === 15) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Each read's latency counts from when it was due. */
async function pace(
  read: (dueMs: number) => Promise<void>,
  perSec: number,
  startedMs: number,
  endMs: number,
): Promise<void> {
  const running = new Set<Promise<void>>()
  let sent = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now()
      const due = Math.floor(((Math.min(now, endMs) - startedMs) / 1_000) * perSec)
      for (; sent < due; sent++) {
        const one = read(startedMs + (sent / perSec) * 1_000).finally(() => running.delete(one))
        running.add(one)
      }
      if (now < endMs) return
      clearInterval(timer)
      resolve()
    }, BEAT_MS)
  })
  await Promise.all(running)
}
