/** A real cluster, two collectors as processes, and the network between them and PostgreSQL: what a round happens to. */
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import calculateSlot from 'cluster-key-slot'
import { type NodeRole, ownerOf, parseClusterNodes } from '../../../demo/cluster-roles.ts'
import { closeStore, openStore, type Store } from '../../../store/client.ts'
import { listNodes } from '../../../store/nodes.ts'
import { cacheYaml } from '../collector.ts'
import { type RedisCluster, type RedisProcess, startRedisCluster, until } from '../redis.ts'
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts'

const MAIN = new URL('../../../collector/main.ts', import.meta.url).pathname
export const CACHE_ID = 'registers'
const RECOVER_MS = 60_000

export class CollectorProcess {
  readonly #env: Record<string, string>
  readonly #logPath: string
  #child: ChildProcess

  constructor(env: Record<string, string>, logPath: string) {
    this.#env = env
    this.#logPath = logPath
    this.#child = this.#spawn()
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await gone
  }

  async restart(): Promise<void> {
    await this.kill()
    this.#child = this.#spawn()
  }

  #spawn(): ChildProcess {
    const child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const log = (data: Buffer) => appendFileSync(this.#logPath, data)
    child.stdout?.on('data', log)
    child.stderr?.on('data', log)
    return child
  }
}

export class World {
  readonly cluster: RedisCluster
  readonly store: Store
  readonly proxy: TcpProxy
  readonly collectors: CollectorProcess[]
  readonly #directory: string

  constructor(options: {
    cluster: RedisCluster
    store: Store
    proxy: TcpProxy
    collectors: CollectorProcess[]
    directory: string
  }) {
    this.cluster = options.cluster
    this.store = options.store
    this.proxy = options.proxy
    this.collectors = options.collectors
    this.#directory = options.directory
  }

  get seeds(): { host: string; port: number }[] {
    return this.cluster.nodes.map(({ host, port }) => ({ host, port }))
  }

  /** As most of the nodes that answer see it. */
  async roles(): Promise<NodeRole[]> {
    const texts = await Promise.all(
      this.cluster.nodes.map(async (node) => {
        const answer = node.command('CLUSTER', 'NODES').then(String, () => null)
        return await Promise.race([answer, timeout(1_000)])
      }),
    )
    const views = texts.filter((text) => text !== null).map(parseClusterNodes)
    const byView = Map.groupBy(views, (roles) =>
      roles
        .map(({ address, isPrimary, slots }) => `${address} ${isPrimary} ${slots.join(',')}`)
        .toSorted()
        .join('\n'),
    )
    const [most] = [...byView.values()].toSorted((a, b) => b.length - a.length)
    return most?.[0] ?? []
  }

  /** Grows with each failover; null while no node answers. */
  async epoch(): Promise<number | null> {
    for (const node of this.cluster.nodes) {
      const answer = node.command('CLUSTER', 'INFO').then(String, () => null)
      const text = await Promise.race([answer, timeout(500)])
      if (text !== null) return Number(/cluster_current_epoch:(\d+)/.exec(text)?.[1])
    }
    return null
  }

  /** Of those with slots. */
  async primaries(): Promise<RedisProcess[]> {
    const roles = await this.roles()
    return this.cluster.nodes.filter((node) =>
      roles.some((role) => role.address === node.address && role.isPrimary && role.slots.length > 0),
    )
  }

  async replicas(): Promise<RedisProcess[]> {
    const roles = await this.roles()
    return this.cluster.nodes.filter((node) =>
      roles.some((role) => role.address === node.address && !role.isPrimary),
    )
  }

  async ownerOf(key: string): Promise<string | null> {
    return ownerOf(calculateSlot(key), await this.roles())?.address ?? null
  }

  /** Three primaries, every node of one mind, every replica in step. */
  async untilClusterIsWhole(): Promise<void> {
    await until(
      'the cluster is whole again',
      async () => {
        const states = await Promise.all(
          this.cluster.nodes.map(async (node) => {
            const answers = Promise.all([
              node.command('CLUSTER', 'NODES'),
              node.command('CLUSTER', 'INFO'),
              node.command('INFO', 'replication'),
            ])
            const replies = await Promise.race([answers, timeout(1_000)])
            if (replies === null) return null
            const [nodes, info, replication] = replies.map(String)
            return { nodes: parseClusterNodes(nodes ?? ''), info: info ?? '', replication: replication ?? '' }
          }),
        )
        const half = this.cluster.nodes.length / 2
        return states.every(
          (state) =>
            state?.info.includes('cluster_state:ok') &&
            state.nodes.filter(({ isPrimary }) => isPrimary).length === half &&
            state.nodes.every(({ isFailed }) => !isFailed) &&
            (state.replication.includes('role:master')
              ? /connected_slaves:[1-9]/.test(state.replication)
              : state.replication.includes('master_link_status:up')),
        )
      },
      RECOVER_MS,
    )
  }

  /** A collector that lives holds the cache's lease. */
  async untilWatched(): Promise<void> {
    await until('a collector watches the cache', async () => (await this.owner()) !== null, RECOVER_MS)
  }

  /** The collector with the lease; null while none that lives has it. */
  async owner(): Promise<CollectorProcess | null> {
    const { rows } = await this.store.pool.query<{ collectorId: string }>(
      `SELECT collector_id AS "collectorId" FROM lease WHERE cache_id = $1 AND expires_at > clock_timestamp()`,
      [CACHE_ID],
    )
    const pid = Number(rows[0]?.collectorId.split('-').at(-2))
    return this.collectors.find((collector) => collector.pid === pid) ?? null
  }

  async stop(): Promise<void> {
    for (const collector of this.collectors) collector.signal('SIGCONT')
    await Promise.all(this.collectors.map((collector) => collector.kill()))
    await closeStore(this.store)
    await Promise.all([this.proxy.close(), this.cluster.stop()])
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/**
 * Ready when a collector watches every node of the cluster.
 * @param directory for the collectors' logs
 */
export async function startWorld(
  databaseUrl: string,
  logDirectory: string,
  options: { collectors: number; proofWindow: string } = { collectors: 2, proofWindow: '10s' },
): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-consistency-'))
  // A busy machine is no failure: the tests' own 1.5 s would be short for it.
  const settings = { 'cluster-node-timeout': '3000' }
  const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary: 1, settings })
  const url = new URL(databaseUrl)
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  const configPath = join(directory, 'cachescope.yaml')
  const more = [`mitigations: { enabled: true, proofWindow: ${options.proofWindow} }`]
  await writeFile(configPath, `caches:\n${cacheYaml(CACHE_ID, 'cluster', cluster.urls, more)}`)
  const env = {
    DATABASE_URL: url.href,
    CACHESCOPE_CONFIG: configPath,
    CACHESCOPE_METRICS_PORT: '0',
  }
  const collectors = Array.from(
    { length: options.collectors },
    (_, at) => new CollectorProcess(env, join(logDirectory, `collector-${at + 1}.log`)),
  )
  const store = openStore(databaseUrl)
  const world = new World({ cluster, store, proxy, collectors, directory })
  try {
    await until(
      'the cluster is watched',
      async () => {
        const nodes = await listNodes(store, {})
        return nodes.filter(({ state }) => state === 'up').length === cluster.nodes.length
      },
      RECOVER_MS,
    )
  } catch (error) {
    await world.stop()
    throw error
  }
  return world
}

function timeout(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, ms, null))
}
