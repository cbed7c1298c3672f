/** The demo's Redis Cluster: three primaries with a replica each, plain redis-server processes on loopback ports. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { CommandError, EXIT } from '../bin/exit-codes.ts'
import { findFreePort, isPortFree } from '../bin/ports.ts'
import type { Child, Supervisor } from '../bin/supervisor.ts'
import { type NodeRole, parseClusterNodes } from './cluster-roles.ts'

const FLEET_HOST = '127.0.0.1'
const PRIMARIES = 3
const NODES = PRIMARIES * 2
const SLOTS = 16_384
const FIRST_PORT = 7001
/** A cluster node listens for its siblings on its port plus this. */
const BUS_OFFSET = 10_000
const READY_TIMEOUT_MS = 20_000

export type FleetNode = { address: string; port: number; process: Child }
export type Fleet = { nodes: FleetNode[] }

/** @throws CommandError when a node does not start or the cluster does not form */
export async function startFleet(supervisor: Supervisor, directory: string): Promise<Fleet> {
  const ports = await choosePorts(join(directory, 'ports.json'))
  const nodes = ports.map((port) => startNode(supervisor, join(directory, String(port)), port))
  const clients = ports.map(connect)
  try {
    await Promise.all(nodes.map((node, index) => untilAnswering(node, clients[index] as Redis)))
    await formCluster(clients, ports)
    await untilFormed(clients)
  } finally {
    for (const client of clients) client.disconnect()
  }
  return { nodes }
}

/** A client for one node, its errors left to its commands. */
export function connect(port: number): Redis {
  const client = new Redis({
    host: FLEET_HOST,
    port,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    commandTimeout: 2_000,
    retryStrategy: () => 50,
  })
  client.on('error', () => {})
  return client
}

/** As the first node that answers sees them. */
export async function readRoles(fleet: Fleet): Promise<NodeRole[]> {
  for (const node of fleet.nodes) {
    if (node.process.pid === null) continue
    const client = connect(node.port)
    try {
      return parseClusterNodes(String(await client.call('CLUSTER', 'NODES')))
    } catch {
      // paused, perhaps: another one may answer
    } finally {
      client.disconnect()
    }
  }
  throw new Error('No node of the demo answers. Undo the faults: cachescope demo:fault heal')
}

/** The ports of the run before where they are free, so that the nodes stay the same nodes to the dashboard. */
async function choosePorts(path: string): Promise<number[]> {
  const before = readPorts(path)
  const isFree = async (port: number) =>
    port + BUS_OFFSET <= 65_535 && (await isPortFree(port)) && (await isPortFree(port + BUS_OFFSET))
  const allFree = before.length === NODES && (await Promise.all(before.map(isFree))).every((free) => free)
  if (allFree) return before
  const ports: number[] = []
  while (ports.length < NODES) ports.push(await findFreePort((ports.at(-1) ?? FIRST_PORT - 1) + 1, isFree))
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, JSON.stringify(ports))
  return ports
}

function readPorts(path: string): number[] {
  try {
    const ports: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(ports) ? ports.filter((port) => Number.isInteger(port)) : []
  } catch {
    return []
  }
}

function startNode(supervisor: Supervisor, directory: string, port: number): FleetNode {
  // Nothing is kept over a restart of the demo: the cluster is formed anew.
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const settings: Record<string, string> = {
    port: String(port),
    bind: FLEET_HOST,
    'protected-mode': 'yes',
    dir: directory,
    daemonize: 'no',
    save: '',
    appendonly: 'no',
    maxmemory: '64mb',
    'maxmemory-policy': 'allkeys-lru',
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': '2000',
    'repl-diskless-sync-delay': '0',
  }
  const process = supervisor.start({
    name: `redis-${port}`,
    stage: 'fleet',
    program: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    cwd: directory,
    graceMs: 3_000,
  })
  return { address: `${FLEET_HOST}:${port}`, port, process }
}

async function untilAnswering(node: FleetNode, client: Redis): Promise<void> {
  const ended = node.process.ended()
  await until(`${node.address} to answer`, async () => {
    const how = await Promise.race([ended, sleep(0, null)])
    if (how !== null) {
      const said = node.process.lastLines().slice(-5).join('\n')
      throw new CommandError(EXIT.missing, `redis-server on port ${node.port} ${how}:\n${said}`)
    }
    return (await client.ping().catch(() => null)) === 'PONG'
  })
}

async function formCluster(clients: Redis[], ports: number[]): Promise<void> {
  const primaries = clients.slice(0, PRIMARIES)
  await Promise.all(
    primaries.map(async (client, index) => {
      const first = Math.floor((SLOTS * index) / PRIMARIES)
      const last = Math.floor((SLOTS * (index + 1)) / PRIMARIES) - 1
      // Epochs of their own from the start: no collision to be resolved later.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
      const slots = Array.from({ length: last - first + 1 }, (_, offset) => String(first + offset))
      await client.call('CLUSTER', 'ADDSLOTS', ...slots)
    }),
  )
  const [first] = clients
  for (const port of ports.slice(1)) await first?.call('CLUSTER', 'MEET', FLEET_HOST, String(port))
  await until('the nodes to know each other', async () => {
    const known = await Promise.all(clients.map(async (client) => knownNodes(await clusterInfo(client))))
    return known.every((count) => count === NODES)
  })
  const ids = await Promise.all(primaries.map(async (client) => String(await client.call('CLUSTER', 'MYID'))))
  for (const [index, client] of clients.slice(PRIMARIES).entries()) {
    await until('a replica to be accepted', async () => {
      const answer = await client.call('CLUSTER', 'REPLICATE', ids[index] ?? '').catch(() => null)
      return answer === 'OK'
    })
  }
}

async function untilFormed(clients: Redis[]): Promise<void> {
  await until('the cluster to be ready', async () => {
    const states = await Promise.all(clients.map(clusterInfo))
    const views = await Promise.all(
      clients.map(async (client) => parseClusterNodes(String(await client.call('CLUSTER', 'NODES')))),
    )
    const replications = await Promise.all(
      clients.slice(PRIMARIES).map((client) => client.info('replication')),
    )
    return (
      states.every((info) => info.includes('cluster_state:ok')) &&
      views.every((roles) => roles.filter((role) => role.isPrimary).length === PRIMARIES) &&
      replications.every((info) => info.includes('master_link_status:up'))
    )
  })
}

const clusterInfo = async (client: Redis): Promise<string> => String(await client.call('CLUSTER', 'INFO'))
const knownNodes = (info: string): number => Number(/cluster_known_nodes:(\d+)/.exec(info)?.[1] ?? 0)

async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (Date.now() < deadline) {
    if (await isDone()) return
    await sleep(50)
  }
  throw new CommandError(
    EXIT.missing,
    `The demo's Redis Cluster did not start: waited ${READY_TIMEOUT_MS / 1000} s for ${what}.`,
  )
}
