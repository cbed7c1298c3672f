/** What @cachescope/client costs an application without a policy, and how fast it answers with one. */
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { cachescope, inspect } from '../client/index.ts'
import { type RedisProcess, startRedis, startRedisCluster, until } from '../tests/support/redis.ts'
import { type BenchResult, describeMachine, round } from './result.ts'
import type { ClientLoad } from './support/client-load.ts'
import { measureOverhead, separate } from './support/overhead-pairs.ts'

const IS_QUICK = process.argv.includes('--quick')
const PAIRS = IS_QUICK ? 2 : 8
const SLICES = IS_QUICK ? 4 : 10
const SLICE_MS = 300
const WARM_UP_MS = IS_QUICK ? 400 : 1_000
const HIT_SECONDS = IS_QUICK ? 1 : 3
const VALUE = 'x'.repeat(100)

type Use = { what: string; isControl?: boolean } & Omit<ClientLoad, 'isWrapped' | 'port'>
const SERVER = { isServer: true, isCluster: false }
const USES: Use[] = [
  { what: 'GET, 50 at once', use: 'at once', atOnce: 50, ...SERVER },
  { what: 'GET, one at a time', use: 'one at a time', atOnce: 1, ...SERVER },
  { what: 'GET, automatic pipelines of 100', use: 'automatic pipelines', atOnce: 100, ...SERVER },
  { what: 'GET, pipeline() of 100', use: 'pipelines', atOnce: 100, ...SERVER },
  { what: 'GET, MULTI of 100', use: 'MULTI', atOnce: 100, ...SERVER },
  { what: 'Cluster: GET, 50 at once', use: 'at once', atOnce: 50, ...SERVER, isCluster: true },
  {
    ...{ what: 'Cluster: GET, automatic pipelines of 100', use: 'automatic pipelines', atOnce: 100 },
    ...{ ...SERVER, isCluster: true },
  },
  { what: 'no HTTP: GET, one at a time', use: 'one at a time', atOnce: 1, ...SERVER, isServer: false },
  { what: 'bare against bare: GET, 50 at once', isControl: true, use: 'at once', atOnce: 50, ...SERVER },
  {
    ...{ what: 'bare against bare: GET, one at a time', isControl: true },
    ...{ use: 'one at a time', atOnce: 1, ...SERVER },
  },
]

export async function run(): Promise<BenchResult> {
  const server = await startRedis()
  const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary: 0 })
  try {
    const rows: BenchResult['rows'] = []
    const hits = await measureHits(server)
    const isSeparate = separate([server, ...cluster.nodes].map(({ pid }) => pid))
    for (const use of USES) {
      rows.push(await overheadRow(use, (use.isCluster ? cluster.primaries[0] : server)?.port ?? server.port))
    }
    rows.push(...hits)
    return {
      name: 'client: what the library costs without a policy, and what it gives with one',
      machine: describeMachine(),
      rows,
      notes: [
        `overhead: CPU time of the client's process per command, all its threads, wrapped ÷ bare, − 1. ${PAIRS} pairs of fresh processes, one with a bare client, one with a wrapped one, ${SLICES} slices of ${SLICE_MS} ms each by turns after ${WARM_UP_MS} ms each to warm up; which of them is first changes. A pair's value is the ratio of the means of their slices; the mean of the pairs, ± its standard error.`,
        isSeparate
          ? 'the servers have one core, the clients another.'
          : 'servers and clients share the cores as it comes: taskset could not keep them apart, and there is more noise.',
        'both serve HTTP and are asked once a second, as an application server is; the row “no HTTP” is without.',
        'bare against bare: two processes of the bare client, what the measure makes of no difference.',
        'the wrapped client has no policy: it counts a sample of its commands, asks for policies every 2 s and sends its heartbeats.',
        `hits: GET of one key of ${VALUE.length} bytes for ${HIT_SECONDS} s, each awaited; lru-cache alone: its get(), without a promise.`,
        'replies that are not text are copied on each hit, and take the longer for it: HGETALL of five fields.',
      ],
    }
  } finally {
    await Promise.all([server.stop(), cluster.stop()])
  }
}

async function overheadRow(
  { what, isControl = false, ...use }: Use,
  port: number,
): Promise<BenchResult['rows'][number]> {
  const { mean, standardError, bareUs, wrappedUs } = await measureOverhead({
    load: { ...use, port },
    isControl,
    pairs: PAIRS,
    slicesPerPair: SLICES,
    sliceMs: SLICE_MS,
    warmUpMs: WARM_UP_MS,
  })
  return {
    what,
    'bare, µs': round(bareUs),
    'wrapped, µs': round(wrappedUs),
    'overhead %': round(100 * mean),
    '± %': round(100 * standardError),
  }
}

async function measureHits(server: RedisProcess): Promise<Record<string, string | number>[]> {
  const bare = new Redis(server.port)
  const wrapped = cachescope(new Redis(server.port), { app: 'hits' })
  const alone = new LRUCache<string, string>({ max: 500 })
  alone.set('k', VALUE)
  await bare.hset('h', { a: VALUE, b: '2', c: '3', d: '4', e: '5' })
  await bare.set('{hk:hits}:pol', JSON.stringify(policyOf(['k', 'h'])))
  try {
    await until('the policies are applied', () => {
      const policies = inspect(wrapped)?.policies ?? []
      return policies.length === 2 && policies.every(({ tracker }) => tracker === 'armed')
    })
    return [
      { what: 'local hits, GET', 'wrapped per s': await countHits(() => wrapped.get('k')) },
      { what: 'local hits, HGETALL', 'wrapped per s': await countHits(() => wrapped.hgetall('h')) },
      { what: 'GET, each awaited', 'bare per s': await countHits(() => bare.get('k')) },
      { what: 'lru-cache alone', 'bare per s': await countHits(() => alone.get('k')) },
    ]
  } finally {
    bare.disconnect()
    wrapped.disconnect()
  }
}

async function countHits(read: () => unknown): Promise<number> {
  for (let warmUp = 0; warmUp < 2_000; warmUp++) await read()
  const start = performance.now()
  let hits = 0
  while (performance.now() - start < HIT_SECONDS * 1_000) {
    for (let each = 0; each < 1_000; each++) await read()
    hits += 1_000
  }
  return Math.round(hits / ((performance.now() - start) / 1_000))
}

function policyOf(keys: string[]) {
  const now = Date.now()
  const local = { ttlMs: 10_000, jitter: 0.1, maxBytes: 65_536, track: true, staleMs: 0 }
  const policies = keys.map((key) => ({
    ...{ id: key, phase: 'active', db: 0, keyBase64: Buffer.from(key).toString('base64') },
    ...{ expiresAt: now + 3_600_000, local, variants: null, replicaRead: false },
  }))
  return { v: 1, app: 'hits', rev: 1, issuedAt: now, leaseMs: 60_000, kill: false, policies }
}
