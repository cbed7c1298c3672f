/** Real redis-servers for the tests: each on a free port, in a directory of its own, gone when the test process is. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type Engine, serverOf } from './engines.ts'
import { freePort } from './free-port.ts'

export type RedisOptions = {
  /** Default: `installed`. */
  engine?: Engine
  /** Default: a free one. */
  port?: number
  password?: string
  cluster?: boolean
  replicaOf?: { port: number; password?: string }
  /** More settings, as on the command line: `{ 'maxmemory': '100mb' }`. */
  settings?: Record<string, string>
}
export type RedisProcess = {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly url: string
  /** `host:port` */
  readonly address: string
  readonly directory: string
  /** Sends a signal; SIGKILL and SIGTERM resolve when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts it again on the same port and directory after a kill. Options given here are added to the first ones. */
  restart(settings?: Record<string, string>): Promise<void>
  /** One command on a connection of its own. */
  command(...args: (string | number | Buffer)[]): Promise<unknown>
  stop(): Promise<void>
}
export type RedisCluster = {
  readonly primaries: RedisProcess[]
  /** `replicas[i]` are those of `primaries[i]`, as first built. */
  readonly replicas: RedisProcess[][]
  readonly nodes: RedisProcess[]
  readonly urls: string[]
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Polls until `probe` gives something truthy; an error of the probe counts as not yet.
 * @param timeoutMs bounds a failure only: a machine that others share may be several times as slow as this one
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T> | T,
  timeoutMs = 60_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value) return value
    } catch (error) {
      last = error
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${timeoutMs} ms${last ? `: ${String(last)}` : ''}`)
    }
    await delay(50)
  }
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(options, options.port ?? (await freePort()))
    } catch (error) {
      if (options.port !== undefined || attempt === 5) throw error
    }
  }
}

async function launch(options: RedisOptions, port: number): Promise<RedisProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-redis-'))
  const settings: Record<string, string> = {
    port: String(port),
    bind: HOST,
    dir: directory,
    save: '',
    appendonly: 'no',
    'repl-diskless-sync-delay': '0',
    'repl-ping-replica-period': '1',
    'latency-tracking': 'yes',
    'enable-debug-command': 'yes',
  }
  if (options.password)
    Object.assign(settings, { requirepass: options.password, masterauth: options.password })
  if (options.cluster) Object.assign(settings, { 'cluster-enabled': 'yes', 'cluster-node-timeout': '1500' })
  if (options.replicaOf) {
    settings.replicaof = `${HOST} ${options.replicaOf.port}`
    if (options.replicaOf.password) settings.masterauth = options.replicaOf.password
  }
  Object.assign(settings, options.settings)

  const { engine = 'installed' } = options
  let child = spawnServer(engine, settings)
  const gone = async () => {
    await rm(directory, { recursive: true, force: true })
  }
  const started = async () => {
    await until(`redis-server on ${port}`, () => child.exitCode !== null || answers(port))
    if (child.exitCode !== null) throw new Error(`redis-server on ${port} exited with ${child.exitCode}`)
  }
  try {
    await started()
  } catch (error) {
    child.kill('SIGKILL')
    await gone()
    throw error
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await exit
  }
  return {
    host: HOST,
    port,
    get pid() {
      return child.pid ?? -1
    },
    url: `redis://${HOST}:${port}`,
    address: `${HOST}:${port}`,
    directory,
    kill: end,
    async restart(more = {}) {
      await end('SIGKILL')
      Object.assign(settings, more)
      child = spawnServer(engine, settings)
      await started()
    },
    command: (...args) => runCommand({ port, password: options.password }, args),
    async stop() {
      child.kill('SIGCONT')
      await end('SIGKILL')
      await gone()
    },
  }
}

/** On a connection of its own. */
export async function runCommand(
  to: { port: number; password: string | undefined; disableClientInfo?: boolean },
  [name = '', ...args]: (string | number | Buffer)[],
): Promise<unknown> {
  const client = new Redis({
    ...{ host: HOST, ...to, protocol: 2, lazyConnect: true, enableReadyCheck: false },
    ...{ retryStrategy: null, maxRetriesPerRequest: 0 },
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return await client.call(String(name), ...args)
  } finally {
    client.disconnect()
  }
}

function spawnServer(engine: Engine, settings: Record<string, string>): ChildProcess {
  const server = serverOf(engine)
  const args = Object.entries(settings).flatMap(([name, value]) => [
    `--${name}`,
    ...(value === '' ? [''] : value.split(' ')),
  ])
  const child = spawn(server.program, [...server.args, ...args], { stdio: 'ignore' })
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.once('error', () => children.delete(child))
  return child
}

/** Any answer will do: a server with a password says -NOAUTH, one that reads its data says -LOADING. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST)
    const done = (value: boolean) => {
      socket.destroy()
      resolve(value)
    }
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', () => done(true))
    socket.once('error', () => done(false))
    socket.setTimeout(500, () => done(false))
  })
}

/** A Redis Cluster with all slots served and every replica in step; fails over within about two seconds. */
export async function startRedisCluster(options: {
  primaries: number
  replicasPerPrimary: number
  engine?: Engine
  settings?: Record<string, string>
  password?: string
}): Promise<RedisCluster> {
  const { engine, settings, password } = options
  const count = options.primaries * (1 + options.replicasPerPrimary)
  const nodes = await Promise.all(
    Array.from({ length: count }, () => startRedis({ cluster: true, engine, settings, password })),
  )
  const primaries = nodes.slice(0, options.primaries)
  const replicas = primaries.map((_, index) =>
    nodes.filter(
      (_, at) => at >= options.primaries && (at - options.primaries) % options.primaries === index,
    ),
  )
  try {
    await joinCluster(nodes, primaries, replicas)
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()))
    throw error
  }
  return {
    primaries,
    replicas,
    nodes,
    urls: nodes.map((node) => node.url),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

async function joinCluster(nodes: RedisProcess[], primaries: RedisProcess[], replicas: RedisProcess[][]) {
  const [first, ...others] = nodes
  if (!first) throw new Error('a cluster needs a node')
  await Promise.all(
    primaries.map(async (node, index) => {
      const from = Math.floor((index * 16_384) / primaries.length)
      const to = Math.floor(((index + 1) * 16_384) / primaries.length) - 1
      await node.command('CLUSTER', 'ADDSLOTSRANGE', from, to)
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    }),
  )
  for (const node of others) await node.command('CLUSTER', 'MEET', HOST, first.port)
  await Promise.all(
    nodes.map((node) =>
      until('all nodes know each other', async () => {
        const info = String(await node.command('CLUSTER', 'INFO'))
        return info.includes(`cluster_known_nodes:${nodes.length}\r`)
      }),
    ),
  )
  await Promise.all(
    replicas.flatMap((group, index) =>
      group.map(async (replica) => {
        const id = String(await primaries[index]?.command('CLUSTER', 'MYID'))
        await until('the replica follows', () => replica.command('CLUSTER', 'REPLICATE', id))
      }),
    ),
  )
  await Promise.all(
    nodes.map((node) =>
      until('the cluster serves', async () => {
        if (!String(await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok')) return false
        const replication = String(await node.command('INFO', 'replication'))
        if (!replication.includes('role:slave')) return true
        return replication.includes('master_link_status:up')
      }),
    ),
  )
  // Every node must see every role: a replica that others still take for a primary would be discovered as one.
  const expected = replicas.flat().length
  await Promise.all(
    nodes.map((node) =>
      until('every node sees the replicas', async () => {
        const lines = String(await node.command('CLUSTER', 'NODES')).split('\n')
        return lines.filter((line) => /(^|[ ,])slave[ ,]/.test(line)).length === expected
      }),
    ),
  )
}
