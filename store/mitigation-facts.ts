/** What is known before a mitigation is done, in one round of queries side by side: see core/mitigations/facts.ts. */
import { CachescopeError } from '../core/errors.ts'
import type { AppFacts, MitigationFacts, MitigationNode, MitigationShard } from '../core/mitigations/facts.ts'
import type { MitigationDraft } from '../core/mitigations/model.ts'
import type { Node } from '../core/model.ts'
import { HEARTBEAT_TTL_MS } from '../core/protocol/policy.ts'
import { summarizeCache, summarizeShards } from '../core/summary.ts'
import { query, type Store } from './client.ts'
import { readFleet } from './fleet.ts'
import type { Prisma } from './generated/client.ts'
import { readKeyFacts } from './key-facts.ts'
import { isMeasured } from './mitigation-rows.ts'

const FAILOVERS_MS = 3_600_000
/** Connections come and go: an older count says nothing. */
const COUNTED_MS = 15 * 60_000

/** @throws CachescopeError not-found (no such cache), store-unreachable */
export async function readMitigationFacts(
  store: Store,
  of: Pick<MitigationDraft, 'cacheId' | 'target'>,
  now: number,
): Promise<MitigationFacts> {
  const { cacheId, target } = of
  const [fleet, beside, systemMemory, running, apps, key] = await Promise.all([
    readFleet(store, cacheId, now),
    readBeside(store, cacheId, now),
    readSystemMemory(store, cacheId),
    readRunning(store, cacheId),
    readApps(store, cacheId, now),
    target.kind === 'key' ? readKeyFacts(store, { ...target, cacheId }, now) : null,
  ])
  const input = fleet[0]
  if (input === undefined || beside === null) {
    throw new CachescopeError(
      'not-found',
      `There is no cache ${cacheId}. GET /api/v1/caches lists those there are.`,
      { where: 'cacheId' },
    )
  }
  const cache = summarizeCache(input, now)
  const shards = summarizeShards(input, now).map(
    (shard): MitigationShard => ({
      shardId: shard.shardId,
      ordinal: shard.ordinal,
      slots: shard.slots,
      opsPerSec: shard.opsPerSec,
      nodes: shard.nodes.map((node) => toNode(node, systemMemory.get(node.nodeId) ?? null)),
    }),
  )
  const misses = input.shards
    .flatMap((shard) => shard.nodes)
    .map((node) => (node.state === 'up' ? (node.latest?.missesPerSec ?? null) : null))
    .filter((value) => value !== null)
  return {
    cache: {
      cacheId,
      kind: cache.kind,
      mitigationsEnabled: beside.mitigationsEnabled,
      health: cache.health,
      healthReason: cache.healthReason,
      intervalMs: cache.intervalMs,
      sampledAt: cache.sampledAt === null ? null : Date.parse(cache.sampledAt),
      failoverAt: beside.failoverAt?.getTime() ?? null,
      hitRate: cache.hitRate,
      missesPerSec: misses.length === 0 ? null : misses.reduce((sum, value) => sum + value, 0),
    },
    shards,
    key: key === null ? null : key.withOwner(cache.kind, shards),
    apps,
    connectionsWithoutLibrary: beside.connectionsWithoutLibrary,
    running,
  }
}

function toNode(node: Node, systemMemoryBytes: number | null): MitigationNode {
  const latest = node.latest
  return {
    nodeId: node.nodeId,
    address: node.address,
    clusterNodeId: node.clusterNodeId,
    role: node.role,
    state: node.state,
    engine: node.engine,
    version: node.version,
    sampledAt: latest === null ? null : Date.parse(latest.at),
    opsPerSec: latest?.opsPerSec ?? null,
    cpuShare: latest?.cpuShare ?? null,
    pingMs: latest?.pingMs ?? null,
    lagSeconds: latest?.lagSeconds ?? null,
    lagBytes: latest?.lagBytes ?? null,
    usedMemoryBytes: latest?.usedMemoryBytes ?? null,
    maxMemoryBytes: latest?.maxMemoryBytes ?? null,
    rssBytes: latest?.rssBytes ?? null,
    systemMemoryBytes,
    maxMemoryPolicy: node.maxMemoryPolicy,
    keys: latest?.keys ?? null,
    expires: latest?.expires ?? null,
    connectedClients: latest?.connectedClients ?? null,
    evictedPerSec: latest?.evictedPerSec ?? null,
  }
}

type Beside = {
  mitigationsEnabled: boolean
  failoverAt: Date | null
  connectionsWithoutLibrary: number | null
}

async function readBeside(store: Store, cacheId: string, now: number): Promise<Beside | null> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<Beside[]>`
      SELECT c.mitigations_enabled AS "mitigationsEnabled",
        (
          SELECT max(at) FROM event
          WHERE cache_id = c.cache_id AND kind = 'failover' AND at >= ${new Date(now - FAILOVERS_MS)}
        ) AS "failoverAt",
        (
          SELECT (acknowledgement->>'connectionsWithoutLibrary')::integer FROM mitigation
          WHERE cache_id = c.cache_id AND (acknowledgement->>'at')::timestamptz >= ${new Date(now - COUNTED_MS)}
            AND acknowledgement->>'connectionsWithoutLibrary' IS NOT NULL
          ORDER BY (acknowledgement->>'at')::timestamptz DESC LIMIT 1
        ) AS "connectionsWithoutLibrary"
      FROM cache c WHERE c.cache_id = ${cacheId} AND c.removed_at IS NULL`,
  )
  return rows[0] ?? null
}

/** By node: what INFO says of its machine. */
async function readSystemMemory(store: Store, cacheId: string): Promise<Map<number, number>> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ nodeId: number; bytes: number | null }[]>`
      SELECT n.node_id AS "nodeId",
        substring(i.info FROM 'total_system_memory:([0-9]+)')::double precision AS bytes
      FROM node n JOIN node_info i ON i.node_id = n.node_id
      WHERE n.cache_id = ${cacheId} AND n.removed_at IS NULL`,
  )
  return new Map(
    rows.flatMap(({ nodeId, bytes }) => (bytes === null ? [] : [[nodeId, bytes] as [number, number]])),
  )
}

type Running = MitigationFacts['running'][number]

async function readRunning(store: Store, cacheId: string): Promise<Running[]> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<(Omit<Running, 'expiresAt'> & { expiresAt: Date | null })[]>`
      SELECT m.mitigation_id AS "mitigationId", m.action, m.target, m.target_key AS "targetKey",
        m.parameters, m.label, m.phase, ${isMeasured},
        (
          SELECT expires_at FROM mitigation_revision r
          WHERE r.mitigation_id = m.mitigation_id ORDER BY revision DESC LIMIT 1
        ) AS "expiresAt"
      FROM mitigation m
      WHERE m.cache_id = ${cacheId} AND m.phase <> 'off' ORDER BY m.mitigation_id DESC`,
  )
  return rows.map(({ expiresAt, ...row }) => ({ ...row, expiresAt: expiresAt?.getTime() ?? null }))
}

async function readApps(store: Store, cacheId: string, now: number): Promise<AppFacts[]> {
  const fresh: Prisma.AppInstanceWhereInput = {
    cacheId,
    seenAt: { gte: new Date(now - HEARTBEAT_TTL_MS) },
  }
  const rows = await query(store, (prisma) =>
    prisma.appInstance.findMany({
      where: fresh,
      select: { app: true, host: true, library: true, state: true },
      orderBy: { app: 'asc' },
    }),
  )
  return [...Map.groupBy(rows, (row) => row.app)].map(([app, instances]) => ({
    app,
    instances: instances.length,
    hosts: [...new Set(instances.map((one) => one.host))].sort(),
    library: [...new Set(instances.map((one) => one.library))].sort().join(', '),
    disabled: instances.filter((one) => one.state === 'disabled').length,
  }))
}
