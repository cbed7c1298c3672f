/**
 * A synthetic fleet through the real saveTopology and saveTick: the load is skewed to one shard by `article:42`.
 * By hand: `DATABASE_URL=… node tests/support/seed.ts` migrates, then seeds the last 15 minutes.
 */
import { pathToFileURL } from 'node:url'
import type { CacheRecord, Topology } from '../../core/sample.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { ensurePartitions, rollUp } from '../../store/maintenance.ts'
import { migrate } from '../../store/migrate.ts'
import { saveTick } from '../../store/tick.ts'
import { saveCaches, saveTopology } from '../../store/topology.ts'
import { buildTick } from './seed-tick.ts'
import type { Fleet } from './seed-types.ts'

export type SeedOptions = {
  /** @default 1, named shop, shop-2, … */
  caches?: number
  /** @default 3 */
  shardsPerCache?: number
  /** Replicas of every shard. @default 1 */
  replicas?: number
  /** How far back the history goes. @default 15 */
  minutes?: number
  /** Epoch ms of the newest tick. @default Date.now() */
  now?: number
  /** Distance of two ticks. @default 2000 */
  stepMs?: number
  /** The shard (ordinal) whose `article:42` is hot; 0 for a balanced fleet. @default 2 */
  hotShard?: number
  /** The primary of this shard (ordinal) of the first cache went down a minute ago. @default none */
  downShard?: number
  /** @default 20 */
  hotKeysPerNode?: number
  /** The share of writes of `article:42`. @default 0.05 */
  hotKeyWrites?: number
}

/** @returns the cache ids, in order */
export async function seedFleet(store: Store, options: SeedOptions = {}): Promise<string[]> {
  const now = options.now ?? Date.now()
  const stepMs = options.stepMs ?? 2_000
  const ticks = Math.max(1, Math.round(((options.minutes ?? 15) * 60_000) / stepMs))
  const from = now - (ticks - 1) * stepMs
  const fleet = describeFleet(options, from, now)
  await saveCaches(store, fleet.caches)
  await ensurePartitions(store, from)
  await ensurePartitions(store, now)
  for (const topology of fleet.topologies) await saveTopology(store, topology)
  for (let index = 0; index < ticks; index++) {
    const at = from + index * stepMs
    const tick = buildTick(fleet, at, index, stepMs)
    await saveTick(store, tick, {
      collectorId: 'seed',
      host: 'localhost',
      pid: process.pid,
      version: '0.0.0',
      startedAt: from,
      at,
      nodes: tick.statuses.length,
      bufferedTicks: 0,
      droppedTicks: 0,
    })
  }
  await rollUp(store, now)
  return fleet.caches.map((cache) => cache.cacheId)
}

export function describeFleet(options: SeedOptions, from: number, now: number): Fleet {
  const shardCount = options.shardsPerCache ?? 3
  const caches: CacheRecord[] = []
  const topologies: Topology[] = []
  for (let cacheIndex = 0; cacheIndex < (options.caches ?? 1); cacheIndex++) {
    const cacheId = cacheIndex === 0 ? 'shop' : `shop-${cacheIndex + 1}`
    const shards: Topology['shards'] = []
    for (let ordinal = 1; ordinal <= shardCount; ordinal++) {
      const first = Math.floor(((ordinal - 1) * 16_384) / shardCount)
      const last = Math.floor((ordinal * 16_384) / shardCount) - 1
      const nodes = Array.from({ length: 1 + (options.replicas ?? 1) }, (_, member) => ({
        address: `10.0.${cacheIndex}.${ordinal}:${7_000 + member}`,
        role: member === 0 ? ('primary' as const) : ('replica' as const),
        clusterNodeId: `${cacheIndex}-${ordinal}-${member}`.padEnd(40, '0'),
      }))
      shards.push({ ordinal, slots: [[first, last]], nodes })
    }
    const seeds = shards.flatMap((shard) => shard.nodes.slice(0, 1).map((node) => node.address))
    caches.push({
      cacheId,
      kind: 'cluster',
      seeds,
      intervalMs: options.stepMs ?? 2_000,
      mitigationsEnabled: true,
    })
    topologies.push({ cacheId, at: from, shards })
  }
  return {
    caches,
    topologies,
    hotShard: options.hotShard ?? 2,
    hotKeysPerNode: options.hotKeysPerNode ?? 20,
    hotKeyWrites: options.hotKeyWrites ?? 0.05,
    down: options.downShard === undefined ? null : { ordinal: options.downShard, since: now - 60_000 },
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const url = process.env.DATABASE_URL
  if (url === undefined) throw new Error('Set DATABASE_URL to the database to seed.')
  await migrate(url)
  const store = openStore(url)
  const cacheIds = await seedFleet(store, { minutes: Number(process.env.SEED_MINUTES ?? 15) })
  console.log(`seeded ${cacheIds.join(', ')}`)
  await closeStore(store)
}
