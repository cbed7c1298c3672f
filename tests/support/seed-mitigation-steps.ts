/** The steps and the reports of the synthetic fleet's mitigations. */
import type { Store } from '../../store/client.ts'
import { INSTANCES } from './seed-mitigation-figures.ts'
import { MINUTE, type Seed } from './seed-mitigation-list.ts'

export async function insertSteps(
  store: Store,
  mitigationId: number,
  seed: Seed,
  createdAt: number,
): Promise<void> {
  type Step = [
    phase: string,
    name: string,
    node: string | null,
    command: string | null,
    atMs: number,
    tookMs: number,
    result: string,
    message: string | null,
  ]
  const name = String(seed.of)
  const steps: Step[] = [
    [
      'prepare',
      'check the guards',
      null,
      null,
      200,
      3,
      seed.outcome === 'refused' ? 'failed' : 'ok',
      seed.message ?? null,
    ],
  ]
  if (seed.outcome !== 'refused') {
    steps.push(
      [
        'prepare',
        'track the base key',
        '10.0.0.2:7000',
        `CLIENT TRACKING ON REDIRECT 41 BCAST PREFIX ${name}`,
        900,
        2,
        'ok',
        null,
      ],
      [
        'prepare',
        'copy to {hk1.2}',
        '10.0.0.1:7000',
        `RESTORE {hk1.2}:${name} 5000 (the copy) REPLACE`,
        1_200,
        4,
        'ok',
        null,
      ],
      [
        'prepare',
        'copy to {hk2.9}',
        '10.0.0.3:7000',
        `RESTORE {hk2.9}:${name} 5000 (the copy) REPLACE`,
        1_260,
        3,
        'ok',
        null,
      ],
    )
  }
  if (seed.phase !== 'prepare' && seed.outcome !== 'refused') {
    steps.push([
      'active',
      'publish',
      '10.0.0.1:7000',
      'SET {hk:web}:pol (the policies) PX 30000',
      20_000,
      2,
      'ok',
      null,
    ])
  }
  if (seed.isMeasured) steps.push(['active', 'finish', null, null, 23_000, 1, 'ok', null])
  if (seed.outcome === 'failed') {
    steps.push([
      'active',
      'wait for the replica',
      '10.0.0.1:7001',
      'INFO replication',
      21_000,
      10_000,
      'failed',
      seed.message ?? null,
    ])
  }
  if (seed.phase === 'draining' || (seed.phase === 'off' && seed.outcome !== 'refused')) {
    steps.push([
      'draining',
      'unlink the copies',
      '10.0.0.3:7000',
      `UNLINK {hk2.9}:${name}`,
      8 * MINUTE - 8_000,
      1,
      seed.phase === 'off' ? 'ok' : 'started',
      null,
    ])
  }
  for (const [phase, step, node, command, atMs, tookMs, result, message] of steps) {
    await store.pool.query(
      `INSERT INTO mitigation_step (mitigation_id, phase, name, node, command, started_at, ended_at, result, message)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        mitigationId,
        phase,
        step,
        node,
        command,
        new Date(createdAt + atMs),
        result === 'started' ? null : new Date(createdAt + atMs + tookMs),
        result,
        message,
      ],
    )
  }
}

export async function insertSamples(
  store: Store,
  mitigationId: number,
  seed: Seed,
  createdAt: number,
  now: number,
): Promise<void> {
  const ended = seed.phase === 'off' ? Math.min(now, createdAt + 8 * MINUTE) : now
  const count = Math.floor((ended - createdAt) / SAMPLE_MS) + 1
  const samples = Array.from({ length: count }, (_, index) =>
    sampleAt(seed, createdAt, createdAt + index * SAMPLE_MS),
  )
  // One round trip for all: there are a thousand of them.
  await store.pool.query(
    `INSERT INTO mitigation_sample
     SELECT $1, s.at, s.instances, s.reads, s.hits, s.misses, s.variants, s.replicas, 0, 0.2, 0, s.p50, s.p99, s.probes, s.diverged
     FROM jsonb_to_recordset($2::jsonb) AS s(at timestamptz, instances integer, reads real, hits real, misses real,
       variants real[], replicas real, p50 real, p99 real, probes integer, diverged integer)`,
    [mitigationId, JSON.stringify(samples)],
  )
}

const SAMPLE_MS = 5_000

function sampleAt(seed: Seed, createdAt: number, at: number) {
  const on = at > createdAt + 20_000
  const wave = 1 + 0.05 * Math.sin(at / 23_000)
  const reads = 12_000 * wave
  const local = seed.action === 'local-cache' && on
  const spread = seed.action === 'split' && on
  return {
    at: new Date(at).toISOString(),
    instances: INSTANCES,
    reads,
    hits: local ? reads * 0.985 : 0,
    misses: local ? reads * 0.015 : 0,
    variants: spread ? [reads / 3, reads / 3, reads / 3] : null,
    replicas: seed.action === 'replicate' && on ? reads / 2 : 0,
    p50: on ? 210 : 340,
    p99: (on && seed.verdict === 'harmful' ? 4_200 : on ? 610 : 900) * wave,
    probes: spread ? 5 : null,
    diverged: spread ? 0 : null,
  }
}
