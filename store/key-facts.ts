/** One key as it was last seen among the hot keys of its cache, for those who decide what to do about it. */
import { createHash } from 'node:crypto'
import { HOT_KEY_CURRENT_MS } from '../core/health.ts'
import { slotOf } from '../core/key-slot.ts'
import { formatKey } from '../core/key-text.ts'
import { isPrimary, type KeyFacts, type MitigationShard } from '../core/mitigations/facts.ts'
import type { CacheKind, Source } from '../core/model.ts'
import { query, type Store } from './client.ts'
import { currentSpan } from './hot-key-records.ts'

/** A counter that is read all day and counted once an hour is still a counter. */
const COMMANDS_MS = 3_600_000
const WRITES_MS = 60_000

/** The rest is known once the shards are. */
type Ownerless = { withOwner(kind: CacheKind, shards: readonly MitigationShard[]): KeyFacts }

type ReportRow = {
  nodeId: number
  at: Date
  source: Source
  opsPerSec: number | null
  opsPerSecLow: number | null
  opsPerSecHigh: number | null
  readsPerSec: number | null
  writesPerSec: number | null
  /** Over the last minute; null where no report of it tells. */
  meanWritesPerSec: number | null
}

type ProbeRow = { sizeBytes: number | null; isMissing: boolean | null; probedAt: Date }

/** @throws CachescopeError store-unreachable */
export async function readKeyFacts(
  store: Store,
  of: { cacheId: string; db: number; keyBase64: string },
  now: number,
): Promise<Ownerless> {
  const bytes = new Uint8Array(Buffer.from(of.keyBase64, 'base64'))
  const digest = createHash('sha256').update(bytes).digest()
  const { after, until } = currentSpan(now, COMMANDS_MS)
  const [reports, commands, probes] = await Promise.all([
    query(
      store,
      (prisma) => prisma.$queryRaw<ReportRow[]>`
        SELECT DISTINCT ON (s.node_id, s.source = 'client') s.node_id AS "nodeId", s.at, s.source,
          s.ops_per_sec AS "opsPerSec", s.ops_per_sec_low AS "opsPerSecLow", s.ops_per_sec_high AS "opsPerSecHigh",
          s.reads_per_sec AS "readsPerSec", s.writes_per_sec AS "writesPerSec",
          avg(s.writes_per_sec) FILTER (WHERE s.at >= ${new Date(now - WRITES_MS)})
            OVER (PARTITION BY s.node_id, s.source = 'client') AS "meanWritesPerSec"
        FROM key k
        JOIN hot_key_sample s ON s.key_id = k.key_id AND s.at >= ${after} AND s.at <= ${until}
        JOIN node n ON n.node_id = s.node_id AND n.removed_at IS NULL
        WHERE k.cache_id = ${of.cacheId} AND k.db = ${of.db} AND k.digest = ${digest}
        ORDER BY s.node_id, s.source = 'client', s.at DESC`,
    ),
    query(
      store,
      (prisma) => prisma.$queryRaw<{ command: string }[]>`
        SELECT u.command
        FROM key k
        JOIN hot_key_sample s ON s.key_id = k.key_id AND s.at >= ${after} AND s.at <= ${until}
        CROSS JOIN LATERAL unnest(s.commands || s.top_command) AS u(command)
        WHERE k.cache_id = ${of.cacheId} AND k.db = ${of.db} AND k.digest = ${digest} AND u.command <> ''
        GROUP BY 1 ORDER BY max(s.at) DESC, 1`,
    ),
    query(
      store,
      (prisma) => prisma.$queryRaw<ProbeRow[]>`
        SELECT s.size_bytes::double precision AS "sizeBytes", s.is_missing AS "isMissing", s.probed_at AS "probedAt"
        FROM key k
        JOIN hot_key_sample s ON s.key_id = k.key_id AND s.at >= ${after} AND s.at <= ${until}
        WHERE k.cache_id = ${of.cacheId} AND k.db = ${of.db} AND k.digest = ${digest} AND s.probed_at IS NOT NULL
        ORDER BY s.probed_at DESC LIMIT 1`,
    ),
  ])
  const newest = Math.max(...reports.map((row) => row.at.getTime()))
  // A node whose newest report of the key is older has none of it now.
  const current = reports.filter((row) => row.at.getTime() > newest - HOT_KEY_CURRENT_MS)
  const counted = current.filter((row) => row.source === 'client')
  const served = current.filter((row) => row.source !== 'client')
  const rows = served.length > 0 ? served : counted
  const top = rows.toSorted((a, b) => (b.opsPerSec ?? -1) - (a.opsPerSec ?? -1))[0]
  const probed = probes[0]
  const clientReads = add(counted.map((row) => row.readsPerSec))
  const facts: Omit<KeyFacts, 'slot' | 'ownerShardId'> = {
    db: of.db,
    bytes,
    keyBase64: of.keyBase64,
    label: formatKey(bytes),
    at: rows.length === 0 ? null : Math.max(...rows.map((row) => row.at.getTime())),
    source: top?.source ?? null,
    ...addIntervals(rows),
    readsPerSec: add(rows.map((row) => row.readsPerSec)),
    writesPerSec: add(rows.map((row) => row.meanWritesPerSec ?? row.writesPerSec)),
    byNode: rows.map(({ nodeId, opsPerSec }) => ({ nodeId, opsPerSec })),
    commands: commands.map(({ command }) => command),
    sizeBytes: probed?.sizeBytes ?? null,
    isMissing: probed?.isMissing ?? null,
    probedAt: probed?.probedAt.getTime() ?? null,
    client:
      clientReads === null
        ? null
        : {
            at: Math.max(...counted.map((row) => row.at.getTime())),
            readsPerSec: clientReads,
            writesPerSec: add(counted.map((row) => row.writesPerSec)) ?? 0,
          },
  }
  return {
    withOwner(kind, shards) {
      const slot = kind === 'cluster' ? slotOf(bytes) : null
      return { ...facts, slot, ownerShardId: ownerOf(slot, shards, rows) }
    },
  }
}

function ownerOf(
  slot: number | null,
  shards: readonly MitigationShard[],
  rows: readonly { nodeId: number }[],
): number | null {
  if (slot !== null) {
    const owns = ([first, last]: [number, number]) => slot >= first && slot <= last
    return shards.find((shard) => shard.slots?.some(owns))?.shardId ?? null
  }
  const only = shards[0]
  if (only !== undefined && shards.length === 1) return only.shardId
  const seen = new Set(rows.map((row) => row.nodeId))
  const of = shards.filter((shard) => shard.nodes.some((node) => isPrimary(node) && seen.has(node.nodeId)))
  return of.length === 1 ? (of[0]?.shardId ?? null) : null
}

function add(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}

/** Nodes are sampled independently: their margins add in quadrature. */
function addIntervals(
  rows: readonly ReportRow[],
): Pick<KeyFacts, 'opsPerSec' | 'opsPerSecLow' | 'opsPerSecHigh'> {
  const opsPerSec = add(rows.map((row) => row.opsPerSec))
  if (opsPerSec === null) return { opsPerSec, opsPerSecLow: null, opsPerSecHigh: null }
  const margin = (end: 'opsPerSecLow' | 'opsPerSecHigh') =>
    Math.hypot(...rows.map((row) => (row.opsPerSec ?? 0) - (row[end] ?? row.opsPerSec ?? 0)))
  return {
    opsPerSec,
    opsPerSecLow: Math.max(0, opsPerSec - margin('opsPerSecLow')),
    opsPerSecHigh: opsPerSec + margin('opsPerSecHigh'),
  }
}
