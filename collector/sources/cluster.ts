/** A cluster's own view: its state and epoch (CLUSTER INFO), its shards (CLUSTER SHARDS, before Redis 7 CLUSTER NODES). */
import type { DiscoveredNode, DiscoveredShard } from '../../core/topology.ts'
import { formatAddress } from './info.ts'
import type { Source } from './source.ts'

export type ClusterState = {
  ok: boolean
  epoch: number | null
  knownNodes: number | null
  slotsFail: number | null
}

export const clusterInfoSource: Source<string, ClusterState> = {
  name: 'cluster-info',
  read: async (node) => String(await node.call('CLUSTER', 'INFO')),
  parse(text) {
    const fields = new Map(
      text.split(/\r?\n/).map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon), line.slice(colon + 1)] as const
      }),
    )
    const number = (name: string) => {
      const value = Number(fields.get(name) ?? Number.NaN)
      return Number.isFinite(value) ? value : null
    }
    return {
      ok: fields.get('cluster_state') === 'ok',
      epoch: number('cluster_current_epoch'),
      knownNodes: number('cluster_known_nodes'),
      slotsFail: number('cluster_slots_fail'),
    }
  },
}

/** How the node that answered was reached: its host stands in where the cluster knows none that is of use. */
export type Vantage = { host: string; tls: boolean }
export type ShardsReply = Vantage & { kind: 'shards' | 'nodes'; reply: unknown }

export const clusterShardsSource: Source<
  ShardsReply,
  DiscoveredShard[],
  { nodesOnly: boolean; vantage: Vantage }
> = {
  name: 'cluster-shards',
  async read(node, { nodesOnly, vantage }) {
    if (nodesOnly) return { kind: 'nodes', reply: await node.call('CLUSTER', 'NODES'), ...vantage }
    return { kind: 'shards', reply: await node.call('CLUSTER', 'SHARDS'), ...vantage }
  },
  parse({ kind, reply, ...vantage }) {
    return kind === 'shards' ? parseClusterShards(reply, vantage) : parseClusterNodes(String(reply), vantage)
  },
}

/** @throws Error when it is not a reply of CLUSTER SHARDS */
export function parseClusterShards(reply: unknown, vantage: Vantage): DiscoveredShard[] {
  if (!Array.isArray(reply)) throw new Error('CLUSTER SHARDS did not answer with a list')
  return reply
    .map((entry) => {
      const fields = record(entry)
      const bounds = Array.isArray(fields.get('slots')) ? (fields.get('slots') as unknown[]).map(Number) : []
      const slots: [number, number][] = []
      for (let at = 0; at + 1 < bounds.length; at += 2)
        slots.push([bounds[at] as number, bounds[at + 1] as number])
      const nodes = (Array.isArray(fields.get('nodes')) ? (fields.get('nodes') as unknown[]) : []).flatMap(
        (node) => shardNode(record(node), vantage),
      )
      return { slots: slots.sort((a, b) => a[0] - b[0]), nodes: onePrimary(nodes) }
    })
    .filter((shard) => shard.nodes.length > 0)
}

function shardNode(fields: Map<string, unknown>, vantage: Vantage): DiscoveredNode[] {
  const id = String(fields.get('id') ?? '')
  const port = Number(
    vantage.tls ? (fields.get('tls-port') ?? fields.get('port')) : (fields.get('port') ?? Number.NaN),
  )
  if (id === '' || !Number.isInteger(port) || port < 1) return []
  const failed = String(fields.get('health')) === 'fail'
  const announced = [fields.get('endpoint'), fields.get('ip')].map((value) => String(value ?? ''))
  // The cluster lost the address of a node that it takes for dead: nothing to connect to.
  if (failed && announced.every((host) => host === '')) return []
  const host = announced.find((host) => host !== '' && host !== '?') ?? ''
  const role = String(fields.get('role')) === 'master' ? 'primary' : 'replica'
  return [{ address: formatAddress(reachable(host, vantage), port), role, clusterNodeId: id, failed }]
}

/** `<id> <ip:port@bus[,hostname]> <flags> <master> <ping> <pong> <epoch> <link> <slot> <slot-slot> …` */
export function parseClusterNodes(text: string, vantage: Vantage): DiscoveredShard[] {
  type Line = { node: DiscoveredNode; primaryId: string; slots: [number, number][] }
  const lines = text.split('\n').flatMap((line): Line[] => {
    const [id, place, flagText, primaryId, , , , , ...ranges] = line.trim().split(' ')
    if (!id || !place || !flagText || !primaryId) return []
    const flags = flagText.split(',')
    if (flags.includes('noaddr') || flags.includes('handshake')) return []
    const address = /^(.*):(\d+)(?:@\d+)?$/.exec(place.split(',')[0] ?? '')
    if (!address?.[2] || Number(address[2]) < 1) return []
    const role = flags.includes('master') ? ('primary' as const) : ('replica' as const)
    const host = reachable(address[1] ?? '', vantage)
    return [
      {
        node: {
          address: formatAddress(host, Number(address[2])),
          role,
          clusterNodeId: id,
          failed: flags.includes('fail'),
        },
        primaryId: role === 'primary' ? id : primaryId,
        slots: ranges.flatMap(slotRange),
      },
    ]
  })
  const shards = new Map<string, DiscoveredShard>()
  for (const { node, primaryId, slots } of lines) {
    const shard = shards.get(primaryId) ?? { slots: [], nodes: [] }
    shard.nodes.push(node)
    if (node.role === 'primary') shard.slots = slots.sort((a, b) => a[0] - b[0])
    shards.set(primaryId, shard)
  }
  return [...shards.values()].map((shard) => ({ ...shard, nodes: onePrimary(shard.nodes) }))
}

/** `5461`, `0-5460`; `[93-<-id]` is a slot on the move, listed where it is owned. */
function slotRange(text: string): [number, number][] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  if (!match) return []
  return [[Number(match[1]), Number(match[2] ?? match[1])]]
}

/** During a failover two nodes may call themselves primary for a moment: the one that is not failed is. */
function onePrimary(nodes: DiscoveredNode[]): DiscoveredNode[] {
  const primaries = nodes.filter((node) => node.role === 'primary')
  const primary = primaries.find((node) => !node.failed) ?? primaries[0]
  return nodes
    .map((node) =>
      node.role === 'primary' && node !== primary ? { ...node, role: 'replica' as const } : node,
    )
    .sort(
      (a, b) =>
        Number(b.role === 'primary') - Number(a.role === 'primary') || a.address.localeCompare(b.address),
    )
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/

/** A loopback address that a remote node announces would be this machine: take the host that led to it. */
function reachable(host: string, vantage: Vantage): string {
  const bare = host.replace(/^\[|\]$/g, '')
  if (bare === '' || bare === '?' || bare === '0.0.0.0' || bare === '::') return vantage.host
  return LOOPBACK.test(bare) && !LOOPBACK.test(vantage.host) ? vantage.host : bare
}

function record(value: unknown): Map<string, unknown> {
  const fields = new Map<string, unknown>()
  if (!Array.isArray(value)) return fields
  for (let at = 0; at + 1 < value.length; at += 2) fields.set(String(value[at]), value[at + 1])
  return fields
}
