/** Who belongs to a cache: asked of a cluster's node, or put together from what standalone nodes say of each other. */
import type { NodeAddress, TopologyShard } from '../core/sample.ts'
import type { DiscoveredNode, DiscoveredShard } from '../core/topology.ts'
import { NodeFailure } from './connection/failure.ts'
import type { NodeCommands, NodePlace } from './connection/node-connection.ts'
import { type ClusterState, clusterInfoSource, clusterShardsSource } from './sources/cluster.ts'
import { formatAddress, type InfoReading } from './sources/info.ts'

/** The node serves, but on its own: a mistake in the configuration of the cache. */
export class NotInCluster extends NodeFailure {}

export type ClusterView = { shards: DiscoveredShard[]; state: ClusterState }

/** One node's view of its cluster. @throws NodeFailure */
export async function readCluster(node: NodeCommands, usesTls: boolean): Promise<ClusterView> {
  const vantage = { host: node.place.host, tls: usesTls }
  try {
    const state = clusterInfoSource.parse(await clusterInfoSource.read(node))
    const read = (nodesOnly: boolean) => clusterShardsSource.read(node, { nodesOnly, vantage })
    const raw = await read(false).catch((error: unknown) => {
      // Before Redis 7 there is no CLUSTER SHARDS; a user may also be allowed the older one only.
      if (error instanceof NodeFailure && error.replyCode !== null) return read(true)
      throw error
    })
    return { shards: clusterShardsSource.parse(raw), state }
  } catch (error) {
    if (error instanceof NodeFailure && /cluster support disabled/i.test(error.message)) {
      const message = `${node.place.address} is not part of a cluster. Write kind: standalone, or correct its address.`
      throw new NotInCluster({ state: 'error', message }, 'ERR')
    }
    throw error
  }
}

export type StandaloneNode = { address: NodeAddress; info: InfoReading | null }

/**
 * The one shard of a standalone cache, from the latest reading of every address known so far. A replica that is
 * away stays, as the shard's replica, as long as `remembered` has it.
 * @param seeds as configured, in order
 */
export function discoverStandalone(
  known: readonly StandaloneNode[],
  seeds: readonly NodeAddress[],
  previous: TopologyShard | null,
  remembered: ReadonlySet<NodeAddress>,
  /** One server may be known by two addresses: the one to use. */
  canonical: (address: NodeAddress) => NodeAddress = (address) => address,
): DiscoveredShard {
  const readings = new Map(known.flatMap(({ address, info }) => (info ? [[address, info] as const] : [])))
  const primaries = [...readings].filter(([, info]) => info.role === 'primary').map(([address]) => address)
  const wasPrimary = previous?.nodes.find((node) => node.role === 'primary')?.address ?? null
  const followed = [...readings].flatMap(([address, { primary }]) =>
    primary ? [{ primary: canonical(localAddress(primary.host, primary.port, address)) }] : [],
  )
  const followers = (address: NodeAddress) => followed.filter((one) => one.primary === address).length
  const [primary] =
    primaries.length > 0
      ? primaries.sort(
          (a, b) => followers(b) - followers(a) || Number(b === wasPrimary) - Number(a === wasPrimary),
        )
      : [
          followed.map((one) => one.primary).sort((a, b) => followers(b) - followers(a))[0] ??
            wasPrimary ??
            seeds[0],
        ]

  const addresses = new Set<NodeAddress>(seeds.map(canonical))
  if (primary) addresses.add(primary)
  for (const one of followed) addresses.add(one.primary)
  for (const [address, info] of readings) {
    for (const replica of info.replicas) addresses.add(canonical(reachableReplica(replica.address, address)))
  }
  for (const node of previous?.nodes ?? [])
    if (remembered.has(node.address)) addresses.add(canonical(node.address))
  const nodes = [...addresses].map((address): DiscoveredNode => {
    const role = address === primary ? 'primary' : (readings.get(address)?.role ?? 'replica')
    return { address, role, clusterNodeId: null, failed: false }
  })
  nodes.sort(
    (a, b) =>
      Number(b.address === primary) - Number(a.address === primary) || a.address.localeCompare(b.address),
  )
  return { slots: null, nodes }
}

/** Where to connect to for an address. */
export function placeOf(address: NodeAddress): NodePlace {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  return { host, port: Number(address.slice(colon + 1)), address }
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|\[::1\]|localhost)$/

/** `127.0.0.1` in the mouth of a remote node is that node's host. */
function localAddress(host: string, port: number, speaker: NodeAddress): NodeAddress {
  const speakerHost = speaker.slice(0, speaker.lastIndexOf(':'))
  return LOOPBACK.test(host) && !LOOPBACK.test(speakerHost)
    ? `${speakerHost}:${port}`
    : formatAddress(host, port)
}

function reachableReplica(address: NodeAddress, speaker: NodeAddress): NodeAddress {
  const colon = address.lastIndexOf(':')
  return localAddress(address.slice(0, colon), Number(address.slice(colon + 1)), speaker)
}
