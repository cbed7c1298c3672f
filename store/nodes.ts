/** Nodes with what they last answered and their newest sample. */

import { nodeMetricNames } from '../core/metrics.ts'
import type { Node, NodeRole, NodeSampleView, NodeState, Watching } from '../core/model.ts'
import { query, type Store } from './client.ts'
import { selectMetrics } from './columns.ts'
import { Prisma } from './generated/client.ts'
import { type NodeFilter, nodeCondition } from './samples.ts'

type NodeRow = {
  cacheId: string
  shardId: number | null
  shardOrdinal: number | null
  nodeId: number
  address: string
  role: string
  state: string
  stateMessage: string | null
  stateSince: Date
  engine: string | null
  version: string | null
  uptimeSeconds: bigint | null
  maxMemoryPolicy: string | null
  maxClients: number | null
  clusterNodeId: string | null
  hotKeysRefusal: string | null
  watching: Watching | null
  checkedAt: Date | null
  firstSeenAt: Date
  sampleAt: Date | null
} & Omit<NodeSampleView, 'nodeId' | 'at'>

/**
 * The nodes of a cache or shard, in the order of shards, primaries first; those that have left are not among them.
 * @throws CachescopeError store-unreachable
 */
export async function listNodes(store: Store, filter: Omit<NodeFilter, 'nodeId'>): Promise<Node[]> {
  return readNodes(store, filter)
}

/**
 * @returns null for a node that is not known or has left
 * @throws CachescopeError store-unreachable
 */
export async function getNode(store: Store, nodeId: number): Promise<Node | null> {
  if (!Number.isInteger(nodeId) || nodeId < 1 || nodeId > 0x7fff_ffff) return null
  return (await readNodes(store, { nodeId }))[0] ?? null
}

/**
 * The whole INFO reply that was last kept.
 * @throws CachescopeError store-unreachable
 */
export async function getNodeInfo(
  store: Store,
  nodeId: number,
): Promise<{ at: string; info: string } | null> {
  const row = await query(store, (prisma) => prisma.nodeInfo.findUnique({ where: { nodeId } }))
  return row === null ? null : { at: row.at.toISOString(), info: row.info }
}

async function readNodes(store: Store, filter: NodeFilter): Promise<Node[]> {
  const metrics = Prisma.raw(selectMetrics('s', 'raw'))
  // sampled_at is the exact key of the newest sample: one look-up a node, however many partitions there are.
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<NodeRow[]>`
      SELECT n.cache_id AS "cacheId", n.shard_id AS "shardId", h.ordinal AS "shardOrdinal", n.node_id AS "nodeId",
        n.address, n.role, n.state, n.state_message AS "stateMessage", n.state_since AS "stateSince", n.engine,
        n.version, n.uptime_seconds AS "uptimeSeconds", n.max_memory_policy AS "maxMemoryPolicy",
        n.max_clients AS "maxClients", n.cluster_node_id AS "clusterNodeId",
        n.hot_keys_refusal AS "hotKeysRefusal", n.watching, n.checked_at AS "checkedAt", n.first_seen_at AS "firstSeenAt",
        s.at AS "sampleAt", ${metrics}
      FROM node n
      JOIN cache c ON c.cache_id = n.cache_id AND c.removed_at IS NULL
      LEFT JOIN shard h ON h.shard_id = n.shard_id
      LEFT JOIN node_sample s ON s.node_id = n.node_id AND s.at = n.sampled_at
      WHERE n.removed_at IS NULL AND ${nodeCondition('n', filter)}
      ORDER BY n.cache_id, h.ordinal, n.role, n.address`,
  )
  return rows.map(toNode)
}

function toNode(row: NodeRow): Node {
  const { sampleAt } = row
  const metrics = Object.fromEntries(nodeMetricNames.map((name) => [name, row[name]])) as Omit<
    NodeSampleView,
    'nodeId' | 'at'
  >
  return {
    cacheId: row.cacheId,
    shardId: row.shardId,
    shardOrdinal: row.shardOrdinal,
    nodeId: row.nodeId,
    address: row.address,
    role: row.role as NodeRole,
    state: row.state as NodeState,
    stateMessage: row.stateMessage,
    stateSince: row.stateSince.toISOString(),
    engine: row.engine,
    version: row.version,
    uptimeSeconds: row.uptimeSeconds === null ? null : Number(row.uptimeSeconds),
    maxMemoryPolicy: row.maxMemoryPolicy,
    maxClients: row.maxClients,
    clusterNodeId: row.clusterNodeId,
    hotKeysRefusal: row.hotKeysRefusal,
    watching: row.watching,
    checkedAt: row.checkedAt?.toISOString() ?? null,
    firstSeenAt: row.firstSeenAt.toISOString(),
    latest: sampleAt === null ? null : { nodeId: row.nodeId, at: sampleAt.toISOString(), ...metrics },
  }
}
