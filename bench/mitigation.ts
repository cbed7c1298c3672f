/**
 * What each mitigation does for a key that is read ten times as often as all others together: a real cluster of three
 * primaries and three replicas, a real collector that carries the mitigations out, the load in a process of its own.
 * Each way has a hot key of its own on the same shard, so that all are in force at once and their slices take turns.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import calculateSlot from 'cluster-key-slot'
import { createMitigation, getMitigation } from '../store/mitigations.ts'
import { CACHE_ID, startWorld, type World } from '../tests/support/consistency/world.ts'
import { type RedisProcess, until } from '../tests/support/redis.ts'
import { type BenchResult, describeMachine, percentile, round } from './result.ts'
import type { MitigationLoad, SliceNews, SliceOrder } from './support/mitigation-load.ts'
import { withBenchStore } from './support/postgres.ts'

const IS_QUICK = process.argv.includes('--quick')
const ROUNDS = IS_QUICK ? 2 : 4
const SLICE_MS = 1_500
/** Of what the bare client gets through when it reads as fast as it can: more than the hot key's shard can answer. */
const OFFERED = 1.2
const CALIBRATIONS = 3
const OTHER_KEYS = 10_000
const APP = 'bench'
const ACTIVE_WITHIN_MS = 60_000

type Way = {
  name: string
  client: SliceOrder['client']
  mitigation: {
    action: 'local-cache' | 'replicate' | 'split'
    parameters: Record<string, unknown>
  } | null
}
const BARE: Way = { name: 'bare ioredis', client: 'bare', mitigation: null }
const WAYS: Way[] = [
  BARE,
  { name: 'wrapped, no policy', client: 'wrapped', mitigation: null },
  {
    name: 'local cache, 2 s',
    client: 'wrapped',
    mitigation: { action: 'local-cache', parameters: { ttlSeconds: 2, track: true, staleSeconds: 0 } },
  },
  {
    name: 'replicate, replicas',
    client: 'wrapped',
    mitigation: { action: 'replicate', parameters: { by: 'replicas', copies: null } },
  },
  {
    name: 'replicate, copies',
    client: 'wrapped',
    mitigation: { action: 'replicate', parameters: { by: 'copies', copies: null } },
  },
  {
    name: 'split',
    client: 'wrapped',
    mitigation: { action: 'split', parameters: { variants: null, writeFanout: true } },
  },
]

type Slice = Extract<SliceNews, { kind: 'slice' }> & {
  /** Commands of each shard, of each node, of all. */
  shardOverMean: number
  nodeOverMean: number
  serverCommands: number
}

export async function run(): Promise<BenchResult> {
  return withBenchStore(async ({ databaseUrl }) => {
    const directory = await mkdtemp(join(tmpdir(), 'cachescope-bench-mitigation-'))
    // A proof would judge a key by slices in which another one is read.
    const world = await startWorld(databaseUrl, directory, { collectors: 1, proofWindow: '10m' })
    const keys = hotKeys(world.cluster.primaries.length)
    const load = new Load({ seeds: world.seeds, app: APP, hotKeys: keys, otherKeys: OTHER_KEYS })
    try {
      await load.ready()
      await mitigate(world, keys)
      return await measure(world, load, keys)
    } finally {
      load.end()
      await world.stop()
      await rm(directory, { recursive: true, force: true })
    }
  })
}

/** One a way, all in the slots of the first primary. */
function hotKeys(primaries: number): string[] {
  const last = 16_384 / primaries
  const keys: string[] = []
  for (let number = 0; keys.length < WAYS.length; number++) {
    const key = `hot:${number}`
    if (calculateSlot(key) < last) keys.push(key)
  }
  return keys
}

async function mitigate({ store }: World, keys: string[]): Promise<void> {
  await Promise.all(
    WAYS.map(async ({ name, mitigation: asked }, index) => {
      const key = keys[index]
      if (asked === null || key === undefined) return
      const { mitigation } = await createMitigation(
        store,
        {
          ...asked,
          cacheId: CACHE_ID,
          target: { kind: 'key', db: 0, keyBase64: Buffer.from(key).toString('base64') },
          expiresInSeconds: 3_600,
          ...{ actor: 'bench', reason: 'npm run bench mitigation', overrides: [], dryRun: false },
        },
        { idempotencyKey: null, preview: null, label: key, now: Date.now() },
      )
      await until(
        `${name} is active and applied`,
        async () => {
          const detail = await getMitigation(store, mitigation.mitigationId)
          if (detail?.outcome) throw new Error(`${detail.outcome}: ${detail.message}`)
          const { acknowledgement, phase } = detail ?? {}
          return phase === 'active' && acknowledgement?.applied === 1 && acknowledgement.instances === 1
        },
        ACTIVE_WITHIN_MS,
      )
    }),
  )
}

type Kind = 'saturating' | 'paced'
/** `base`: the bare client's slices right before and right after it. */
type Measured = { slice: Slice; base: [Slice, Slice] }

async function measure(world: World, load: Load, keys: string[]): Promise<BenchResult> {
  const bare: Record<Kind, Slice[]> = { saturating: [], paced: [] }
  const measured = WAYS.map((): Record<Kind, Measured[]> => ({ saturating: [], paced: [] }))
  const offeredPerSec = await offer(world, load, keys[0] ?? '')
  for (let at = 0; at < ROUNDS; at++) {
    for (const kind of ['saturating', 'paced'] as const) {
      const one = async (index: number): Promise<Slice> => {
        const client = WAYS[index]?.client ?? 'bare'
        const perSec = kind === 'paced' ? offeredPerSec : null
        return slice(world, load, { client, hotKey: keys[index] ?? '', perSec, ms: SLICE_MS })
      }
      let before = await one(0)
      bare[kind].push(before)
      for (let turn = 1; turn < WAYS.length; turn++) {
        const index = 1 + ((turn + at) % (WAYS.length - 1))
        const ours = await one(index)
        const after = await one(0)
        measured[index]?.[kind].push({ slice: ours, base: [before, after] })
        bare[kind].push(after)
        before = after
      }
    }
  }
  const rows = WAYS.map(({ name }, index): BenchResult['rows'][number] => {
    const of = (kind: Kind) => measured[index]?.[kind] ?? []
    const slices = (kind: Kind) => (index === 0 ? bare[kind] : of(kind).map(({ slice: ours }) => ours))
    const { saturating, paced } = { saturating: slices('saturating'), paced: slices('paced') }
    return {
      way: name,
      'answered/s': Math.round(middle(paced, ({ perSec }) => perSec)),
      'answered × bare': ratio(of('paced'), ({ perSec }) => perSec),
      'p50, ms': milliseconds(middle(paced, ({ p50Us }) => p50Us)),
      'p99, ms': milliseconds(middle(paced, ({ p99Us }) => p99Us)),
      'p99 × bare': ratio(of('paced'), ({ p99Us }) => p99Us),
      'closed loop, reads/s': Math.round(middle(saturating, ({ perSec }) => perSec)),
      'closed loop × bare': ratio(of('saturating'), ({ perSec }) => perSec),
      'closed loop p99, ms': milliseconds(middle(saturating, ({ p99Us }) => p99Us)),
      'hottest shard ÷ mean': round(middle(paced, ({ shardOverMean }) => shardOverMean)),
      'hottest node ÷ mean': round(middle(paced, ({ nodeOverMean }) => nodeOverMean)),
      'server commands per 1,000 reads': Math.round(
        middle(paced, ({ serverCommands, reads }) => (serverCommands * 1_000) / reads),
      ),
      errors: [...saturating, ...paced].reduce((sum, { errors }) => sum + errors, 0),
    }
  })
  return {
    name: 'mitigation: a key that is read ten times as often as all others together',
    machine: describeMachine(),
    rows,
    notes: [
      `Three primaries, three replicas, the collector, PostgreSQL and the load on the same cores. 10 of 11 reads are LPOS to the end of one key, a list of 4,000 elements, so that the servers are the limit and not the load's process; the others GET of ${OTHER_KEYS} keys of 1 kB. The hot key is written once a second, by another client.`,
      `Open loop: ${Math.round(offeredPerSec)} reads/s are offered to every way, ${OFFERED} × what the bare client gets through in a closed loop (the median of ${CALIBRATIONS} slices before); each is timed from when it was due. answered/s: until the last is answered. A way that cannot keep up has latencies that grow with the slice.`,
      'Closed loop: 64 reads at a time, as fast as they go.',
      `${ROUNDS} rounds; in each, every way has a slice of ${SLICE_MS / 1_000} s of each load, the bare client one before and after it. Medians; × bare: the median of the ratios to the mean of these two.`,
      'hottest shard, node: all commands that the servers counted in the paced slices, the collector’s and the mirror’s included; a shard is its primary and its replica, the mean is over three shards, over six nodes.',
    ],
  }
}

/** Reads a second. */
async function offer(world: World, load: Load, hotKey: string): Promise<number> {
  const slices: Slice[] = []
  for (let at = 0; at < CALIBRATIONS; at++) {
    slices.push(await slice(world, load, { client: 'bare', hotKey, perSec: null, ms: SLICE_MS }))
  }
  return OFFERED * middle(slices, ({ perSec }) => perSec)
}

async function slice({ cluster }: World, load: Load, order: SliceOrder): Promise<Slice> {
  const before = await Promise.all(cluster.nodes.map(readCommands))
  const news = await load.slice(order)
  const after = await Promise.all(cluster.nodes.map(readCommands))
  // Our own INFO of the second reading is counted in the second.
  const loads = after.map((count, at) => count - (before[at] ?? 0) - 1)
  const shards = cluster.primaries.map((primary, at) =>
    [primary, ...(cluster.replicas[at] ?? [])].reduce(
      (sum, node) => sum + (loads[cluster.nodes.indexOf(node)] ?? 0),
      0,
    ),
  )
  return {
    ...news,
    shardOverMean: hottestOverMean(shards),
    nodeOverMean: hottestOverMean(loads),
    serverCommands: loads.reduce((sum, count) => sum + count, 0),
  }
}

async function readCommands(node: RedisProcess): Promise<number> {
  const info = String(await node.command('INFO', 'stats'))
  return Number(/^total_commands_processed:(\d+)/m.exec(info)?.[1] ?? Number.NaN)
}

function hottestOverMean(loads: number[]): number {
  return (Math.max(...loads) * loads.length) / loads.reduce((sum, load) => sum + load, 0)
}

/** The process that reads. */
class Load {
  readonly #child: ChildProcess

  constructor(options: MitigationLoad) {
    const program = new URL('./support/mitigation-load.ts', import.meta.url).pathname
    this.#child = fork(program, [JSON.stringify(options)])
  }

  async ready(): Promise<void> {
    await this.#next('ready')
  }

  async slice(order: SliceOrder): Promise<Extract<SliceNews, { kind: 'slice' }>> {
    const next = this.#next('slice')
    this.#child.send(order)
    return next
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  #next<K extends SliceNews['kind']>(kind: K): Promise<Extract<SliceNews, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('the load has ended'))
      this.#child.once('exit', onExit)
      this.#child.once('message', (news: SliceNews) => {
        this.#child.off('exit', onExit)
        if (isOf(news, kind)) resolve(news)
        else reject(new Error(`the load said ${news.kind}`))
      })
    })
  }
}

function isOf<K extends SliceNews['kind']>(
  news: SliceNews,
  kind: K,
): news is Extract<SliceNews, { kind: K }> {
  return news.kind === kind
}

const middle = (slices: Slice[], of: (slice: Slice) => number) => percentile(slices.map(of), 0.5)

/** To the bare client, which is 1 to itself. */
function ratio(measured: Measured[], of: (slice: Slice) => number): number {
  if (measured.length === 0) return 1
  const ratios = measured.map(({ slice: ours, base }) => (2 * of(ours)) / (of(base[0]) + of(base[1])))
  return round(percentile(ratios, 0.5))
}

const milliseconds = (us: number): number => round(us / 1_000)
