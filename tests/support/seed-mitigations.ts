/** Mitigations of the synthetic fleet in every phase and with every verdict, with what applications told of them. */
import type { MitigationRequest } from '../../core/mitigations/model.ts'
import type { Shard } from '../../core/model.ts'
import type { ClientHotKey, Heartbeat } from '../../core/protocol/heartbeat.ts'
import { saveHeartbeats } from '../../store/app-instances.ts'
import type { Store } from '../../store/client.ts'
import { createMitigation } from '../../store/mitigations.ts'
import { listShards } from '../../store/shards.ts'
import { acknowledgementOf, INSTANCES, previewOf, proofOf } from './seed-mitigation-figures.ts'
import { BANNER_SEEDS, MINUTE, SEEDS, type Seed } from './seed-mitigation-list.ts'
import { insertSamples, insertSteps } from './seed-mitigation-steps.ts'

export type SeededMitigations = { byLabel: Map<string, number>; instances: number }

/** @param options.banner with those that are drained or do harm. @default true */
export async function seedMitigations(
  store: Store,
  options: { cacheId?: string; now?: number; banner?: boolean } = {},
): Promise<SeededMitigations> {
  const { cacheId = 'shop', now = Date.now(), banner = true } = options
  const shards = await listShards(store, cacheId, now)
  await seedInstances(store, { cacheId, now })
  const byLabel = new Map<string, number>()
  for (const seed of banner ? [...SEEDS, ...BANNER_SEEDS] : SEEDS) {
    const mitigationId = await insert(store, seed, { cacheId, now, shards })
    byLabel.set(String(seed.of), mitigationId)
  }
  await store.pool.query(
    `INSERT INTO event (at, cache_id, shard_id, node_id, kind, message)
     SELECT created_at + interval '20 seconds', cache_id, NULL, NULL, 'mitigation', action || ' of ' || label || ' is active.'
     FROM mitigation WHERE cache_id = $1 AND phase <> 'prepare'`,
    [cacheId],
  )
  return { byLabel, instances: INSTANCES }
}

/** As one process reads the hottest key: of a dozen together enough is timed to tell where p99 ends. */
const TIMED_KEY: ClientHotKey = {
  db: 0,
  keyBase64: btoa('article:42'),
  reads: 6_000,
  elsewhere: 0,
  writes: 0,
  timed: 90,
  waits: [
    [240, 5_000],
    [480, 900],
    [3_800, 100],
  ],
}

/** Heartbeats of a dozen processes on four hosts. */
export async function seedInstances(
  store: Store,
  {
    cacheId = 'shop',
    now = Date.now(),
    instances = INSTANCES,
  }: { cacheId?: string; now?: number; instances?: number } = {},
): Promise<void> {
  const heartbeats = Array.from(
    { length: instances },
    (_, index): Heartbeat => ({
      v: 1,
      app: 'web',
      instanceId: `i${index}`,
      host: `web-${1 + (index % 4)}`,
      pid: 4_000 + index,
      library: '@cachescope/client 0.1.0',
      startedAt: now - 3_600_000,
      at: now,
      rev: 1_000_000,
      state: 'applying',
      policies: [],
      errors: 0,
      connections: [],
      hotKeys: { windowMs: 5_000, commands: 0, sampled: 0, keys: [TIMED_KEY] },
    }),
  )
  await saveHeartbeats(
    store,
    cacheId,
    heartbeats.map((heartbeat) => ({ heartbeat, seenAt: now })),
  )
}

type Place = { cacheId: string; now: number; shards: Shard[] }

async function insert(store: Store, seed: Seed, { cacheId, now, shards }: Place): Promise<number> {
  const createdAt = Math.round(now - seed.ageMs)
  const shard = shards.find(({ ordinal }) => ordinal === seed.of) ?? shards[0]
  const target: MitigationRequest['target'] =
    typeof seed.of === 'string'
      ? { kind: 'key', db: 0, keyBase64: btoa(seed.of) }
      : seed.action === 'move-slot'
        ? { kind: 'cache' }
        : { kind: 'shard', shardId: shard?.shardId ?? 1 }
  const label =
    typeof seed.of === 'string' ? seed.of : seed.action === 'move-slot' ? 'slot 7425' : `shard ${seed.of}`
  const preview = previewOf(seed, shards)
  const { mitigation } = await createMitigation(
    store,
    {
      cacheId,
      action: seed.action,
      target,
      parameters: seed.parameters,
      expiresInSeconds: 7_200,
      actor: seed.actor ?? 'Grace',
      reason: seed.reason ?? 'Traffic moved to one key.',
      overrides: seed.of === 'session:9' ? ['sensitive'] : [],
      dryRun: false,
    },
    { idempotencyKey: null, preview, label, now: createdAt },
  )
  const { mitigationId } = mitigation
  const since =
    seed.phase === 'prepare'
      ? createdAt
      : seed.phase === 'active'
        ? createdAt + 20_000
        : Math.min(now - 20_000, createdAt + 8 * MINUTE)
  await store.pool.query(
    `UPDATE mitigation SET phase = $2, phase_since = $3, outcome = $4, message = $5, progress = $6, acknowledgement = $7, proof = $8
     WHERE mitigation_id = $1`,
    [
      mitigationId,
      seed.phase,
      new Date(since),
      seed.outcome ?? null,
      seed.message ?? null,
      seed.progress ?? null,
      typeof seed.of === 'string' ? acknowledgementOf(seed, now) : null,
      proofOf(seed, shards, createdAt),
    ],
  )
  if (seed.outcome === 'drained') {
    await store.pool.query(
      `INSERT INTO mitigation_revision (mitigation_id, at, actor, reason, desired, expires_at)
       VALUES ($1, $2, 'Ada', 'The traffic is gone.', 'off', $3)`,
      [mitigationId, new Date(since), new Date(createdAt + 7_200_000)],
    )
  }
  await insertSteps(store, mitigationId, seed, createdAt)
  if (typeof seed.of === 'string' && seed.outcome !== 'refused')
    await insertSamples(store, mitigationId, seed, createdAt, now)
  return mitigationId
}
