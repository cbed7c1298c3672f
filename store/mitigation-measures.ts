/** How a mitigation's target and its cache fared over a span of time: from samples, reports and heartbeats alike. */

import { slotOf } from '../core/key-slot.ts'
import { readKeyState } from '../core/mitigations/key-state.ts'
import type { Measures, ShardLoad } from '../core/mitigations/measures.ts'
import type { Mitigation, MitigationTarget } from '../core/mitigations/model.ts'
import { hottestOverMean } from '../core/mitigations/predict.ts'
import { countOf, describeWaits, type WaitFigures, type Waits } from '../core/waits.ts'
import { query, type Store } from './client.ts'
import { findIncident } from './incidents.ts'
import { type NameRate, readNameRates } from './name-rates.ts'

type MeasuredOf = Pick<Mitigation, 'mitigationId' | 'cacheId' | 'action' | 'target' | 'preview' | 'proof'>

/**
 * Of raw samples, so of a span within their retention. What the applications say is of the mitigation's own samples:
 * a span before it has them only where its `prepare` reaches into it.
 * @param from epoch milliseconds, `to` likewise
 * @throws CachescopeError store-unreachable
 */
export async function measureWindow(
  store: Store,
  mitigation: MeasuredOf,
  from: number,
  to: number,
): Promise<Measures> {
  const { target } = mitigation
  const namesBase64 = target.kind === 'key' ? await readNames(store, mitigation, target) : []
  const [nodes, apps, names, incident] = await Promise.all([
    readNodes(store, mitigation.cacheId, from, to),
    readApps(store, mitigation.mitigationId, from, to),
    target.kind === 'key'
      ? readNameRates(store, { cacheId: mitigation.cacheId, db: target.db, namesBase64 }, from, to)
      : [],
    findIncident(store, mitigation, from, to),
  ])
  const shards = loadsOf(nodes)
  const primary = findPrimary(nodes, target)
  const hits = add(nodes.map((node) => node.hitsPerSec))
  // A copy that was missing was asked for once more at the key itself: the origin has not heard of it.
  const misses = add(nodes.map((node) => node.missesPerSec))
  const missesPerSec = misses === null ? null : Math.max(0, misses - (apps?.fallbacksPerSec ?? 0))
  return {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    ...ofKey(names, apps, primary?.nodeId ?? null),
    nameShardIds:
      names.length === 0 ? null : namesBase64.map((name) => primaryOf(nodes, name)?.shardId ?? null),
    keyReadsByAppPerSec: apps?.readsPerSec ?? null,
    localHitsPerSec: apps?.localHitsPerSec ?? null,
    shards,
    hottestOverMean: hottestOverMean(shards),
    ...waitsOf(apps),
    hitRate:
      hits === null || missesPerSec === null || hits + missesPerSec <= 0
        ? null
        : hits / (hits + missesPerSec),
    missesPerSec,
    cpuShare: primary?.cpuShare ?? null,
    netOutBytesPerSec: primary?.netOutBytesPerSec ?? null,
    instances: apps?.instances ?? null,
    errorsPerSec: add(nodes.map((node) => node.errorsPerSec)),
    libraryErrorsPerSec: apps?.errorsPerSec ?? null,
    incident,
  }
}

/** Of one window, from what its samples tell. */
function waitsOf(apps: AppRow | null): WaitMeasures {
  const waits = apps?.waits ?? []
  const figures = describeWaits(waits, Math.round(countOf(waits)))
  return figures === null
    ? { p99Us: apps?.p99Us ?? null, p99LowUs: null, p99HighUs: null, timedReads: 0 }
    : waitMeasures(figures)
}

export type WaitMeasures = Pick<Measures, 'p99Us' | 'p99LowUs' | 'p99HighUs' | 'timedReads'>

export function waitMeasures({ p99Us, p99LowUs, p99HighUs, timed }: WaitFigures): WaitMeasures {
  return { p99Us, p99LowUs, p99HighUs, timedReads: timed }
}

/**
 * The servers' reports where they have a name most of the time, else the applications' own counts: a name that is in
 * few reports is colder than what they list, and how much colder they do not say.
 */
function ofKey(
  names: readonly NameRate[],
  apps: AppRow | null,
  primaryId: number | null,
): Pick<Measures, 'keyOpsPerSec' | 'nameOpsPerSec' | 'keyPrimaryOpsPerSec'> {
  const byApps = variantRates(apps, names.length)
  const rates = names.map((name, index) => byApps?.[index] ?? name.opsPerSec)
  const base = names[0]
  const total = add(
    names.map((name, index) => name.opsPerSec ?? (index === 0 ? null : (rates[index] ?? null))),
  )
  const onPrimary = base?.byNode.find((node) => node.nodeId === primaryId)?.opsPerSec ?? null
  return {
    keyOpsPerSec: base?.opsPerSec == null ? servedByApps(apps) : total,
    nameOpsPerSec: names.length < 2 ? null : rates,
    keyPrimaryOpsPerSec:
      onPrimary ?? (apps === null ? null : less(apps.readsPerSec, apps.replicaReadsPerSec)),
  }
}

/** Reads of all names that went to a server. */
function servedByApps(apps: AppRow | null): number | null {
  return apps === null ? null : less(apps.readsPerSec, apps.localHitsPerSec)
}

/** Whatever was not read under another name was read at the key itself, a missing copy's reads included. */
function variantRates(apps: AppRow | null, names: number): number[] | null {
  const copies = apps?.variantReadsPerSec?.slice(1) ?? null
  if (apps?.readsPerSec == null || copies === null || copies.length !== names - 1) return null
  const elsewhere = copies.reduce((sum, rate) => sum + rate, 0)
  return [Math.max(0, apps.readsPerSec - elsewhere) + (apps.fallbacksPerSec ?? 0), ...copies]
}

type NodeRow = {
  nodeId: number
  shardId: number
  ordinal: number
  role: string
  slots: [number, number][] | null
  opsPerSec: number | null
  hitsPerSec: number | null
  missesPerSec: number | null
  errorsPerSec: number | null
  cpuShare: number | null
  netOutBytesPerSec: number | null
}

async function readNodes(store: Store, cacheId: string, from: number, to: number): Promise<NodeRow[]> {
  return query(
    store,
    (prisma) => prisma.$queryRaw<NodeRow[]>`
      SELECT n.node_id AS "nodeId", h.shard_id AS "shardId", h.ordinal, n.role, h.slots,
        avg(s.ops_per_sec) AS "opsPerSec", avg(s.hits_per_sec) AS "hitsPerSec",
        avg(s.misses_per_sec) AS "missesPerSec", avg(s.errors_per_sec) AS "errorsPerSec",
        avg(s.cpu_share) AS "cpuShare", avg(s.net_out_bytes_per_sec) AS "netOutBytesPerSec"
      FROM node n
      JOIN shard h ON h.shard_id = n.shard_id AND h.removed_at IS NULL
      LEFT JOIN node_sample s
        ON s.node_id = n.node_id AND s.at > ${new Date(from)} AND s.at <= ${new Date(to)}
      WHERE n.cache_id = ${cacheId} AND n.removed_at IS NULL
      GROUP BY n.node_id, h.shard_id ORDER BY h.ordinal, n.role, n.node_id`,
  )
}

function loadsOf(nodes: readonly NodeRow[]): ShardLoad[] {
  return [...Map.groupBy(nodes, (node) => node.shardId)].map(([shardId, of]) => ({
    shardId,
    ordinal: of[0]?.ordinal ?? 0,
    opsPerSec: add(of.map((node) => node.opsPerSec)),
  }))
}

/** Where the key, shard or node is; of a whole cache the busiest. */
function findPrimary(nodes: readonly NodeRow[], target: MitigationTarget): NodeRow | null {
  const primaries = nodes.filter(isPrimary)
  const busiest = primaries.toSorted((a, b) => (b.cpuShare ?? -1) - (a.cpuShare ?? -1))[0] ?? null
  switch (target.kind) {
    case 'node':
      return nodes.find((node) => node.nodeId === target.nodeId) ?? null
    case 'shard':
      return primaries.find((node) => node.shardId === target.shardId) ?? null
    case 'cache':
      return busiest
    case 'key':
      return primaryOf(nodes, target.keyBase64)
  }
}

function primaryOf(nodes: readonly NodeRow[], keyBase64: string): NodeRow | null {
  const primaries = nodes.filter(isPrimary)
  if (primaries.length < 2) return primaries[0] ?? null
  const slot = slotOf(new Uint8Array(Buffer.from(keyBase64, 'base64')))
  const owns = ([first, last]: [number, number]) => slot >= first && slot <= last
  return primaries.find((node) => node.slots?.some(owns)) ?? null
}

const isPrimary = ({ role }: NodeRow): boolean => role === 'primary' || role === 'server'

/** As it was prepared: the slots, and what the key holds, may have been others by then than in the preview. */
async function readNames(
  store: Store,
  { mitigationId, preview }: MeasuredOf,
  { keyBase64 }: { keyBase64: string },
): Promise<string[]> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<{ state: unknown }[]>`
      SELECT state FROM mitigation WHERE mitigation_id = ${mitigationId}`,
  )
  const plan = readKeyState(rows[0]?.state)?.plan ?? null
  const names =
    plan === null ? preview?.variants?.map((variant) => variant.keyBase64) : plan.variants?.keysBase64
  return names ?? [keyBase64]
}

type AppRow = {
  instances: number | null
  readsPerSec: number | null
  localHitsPerSec: number | null
  fallbacksPerSec: number | null
  replicaReadsPerSec: number | null
  errorsPerSec: number | null
  p99Us: number | null
  waits: Waits | null
  variantReadsPerSec: number[] | null
}

/** @returns null where no application reported in the span */
async function readApps(
  store: Store,
  mitigationId: number,
  from: number,
  to: number,
): Promise<AppRow | null> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<AppRow[]>`
      WITH s AS (
        SELECT * FROM mitigation_sample
        WHERE mitigation_id = ${mitigationId} AND at > ${new Date(from)} AND at <= ${new Date(to)}
          AND reads_per_sec IS NOT NULL
      )
      SELECT round(avg(instances))::integer AS instances, avg(reads_per_sec) AS "readsPerSec",
        avg(local_hits_per_sec) AS "localHitsPerSec", avg(fallbacks_per_sec) AS "fallbacksPerSec",
        avg(replica_reads_per_sec) AS "replicaReadsPerSec", avg(errors_per_sec) AS "errorsPerSec",
        avg(p99_us) AS "p99Us",
        (
          SELECT jsonb_agg(jsonb_build_array(us, count)) FROM (
            SELECT w.pair -> 0 AS us, sum((w.pair ->> 1)::double precision) AS count
            FROM s CROSS JOIN LATERAL jsonb_array_elements(s.waits) AS w(pair)
            GROUP BY w.pair -> 0
          ) pairs
        ) AS waits,
        (
          SELECT array_agg(rate ORDER BY place) FROM (
            SELECT place, avg(v.rate) AS rate
            FROM s CROSS JOIN LATERAL unnest(s.variant_reads_per_sec) WITH ORDINALITY AS v(rate, place)
            GROUP BY place
          ) rates
        ) AS "variantReadsPerSec"
      FROM s HAVING count(*) > 0`,
  )
  return rows[0] ?? null
}

function less(all: number | null, part: number | null): number | null {
  return all === null || part === null ? null : Math.max(0, all - part)
}

function add(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}
