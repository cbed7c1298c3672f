/** What the applications and the mirror owner reported of a running mitigation. */
import type { Waits } from '../core/waits.ts'
import { query, type Store } from './client.ts'

/** Over all instances, since the sample before; null where nobody reported it. */
export type MitigationSample = {
  at: string
  instances: number
  readsPerSec: number | null
  localHitsPerSec: number | null
  localMissesPerSec: number | null
  /** In the order of the policy's names. */
  variantReadsPerSec: number[] | null
  replicaReadsPerSec: number | null
  fallbacksPerSec: number | null
  invalidationsPerSec: number | null
  errorsPerSec: number | null
  /** Of the reads of all instances that tell of each; else as the slowest one waited. */
  p50Us: number | null
  p99Us: number | null
  /** Copies compared with the base key, and how many differed. */
  probes: number | null
  diverged: number | null
}

/** Oldest first; the newest `limit` of them. @throws CachescopeError store-unreachable */
export async function listMitigationSamples(
  store: Store,
  mitigationId: number,
  limit = 2_000,
): Promise<MitigationSample[]> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<(Omit<MitigationSample, 'at'> & { at: Date })[]>`
      SELECT at, instances, reads_per_sec AS "readsPerSec", local_hits_per_sec AS "localHitsPerSec",
        local_misses_per_sec AS "localMissesPerSec", variant_reads_per_sec AS "variantReadsPerSec",
        replica_reads_per_sec AS "replicaReadsPerSec", fallbacks_per_sec AS "fallbacksPerSec",
        invalidations_per_sec AS "invalidationsPerSec", errors_per_sec AS "errorsPerSec",
        p50_us AS "p50Us", p99_us AS "p99Us", probes, diverged
      FROM mitigation_sample WHERE mitigation_id = ${mitigationId} ORDER BY at DESC LIMIT ${limit}`,
  )
  return rows.toReversed().map(({ at, ...row }) => ({ ...row, at: at.toISOString() }))
}

/**
 * @param waits how long all reads took since the sample before; null where no instance tells
 * @throws CachescopeError store-unreachable
 */
export async function saveMitigationSample(
  store: Store,
  mitigationId: number,
  sample: MitigationSample,
  waits: Waits | null = null,
): Promise<void> {
  const { at, instances, variantReadsPerSec: variants, ...s } = sample
  await query(
    store,
    (prisma) => prisma.$executeRaw`
      INSERT INTO mitigation_sample (mitigation_id, at, instances, reads_per_sec, local_hits_per_sec,
        local_misses_per_sec, variant_reads_per_sec, replica_reads_per_sec, fallbacks_per_sec,
        invalidations_per_sec, errors_per_sec, p50_us, p99_us, waits, probes, diverged)
      SELECT ${mitigationId}, ${new Date(at)}, ${instances}, ${s.readsPerSec}::real, ${s.localHitsPerSec}::real,
        ${s.localMissesPerSec}::real, ${variants}::real[], ${s.replicaReadsPerSec}::real,
        ${s.fallbacksPerSec}::real, ${s.invalidationsPerSec}::real, ${s.errorsPerSec}::real,
        ${s.p50Us}::real, ${s.p99Us}::real, ${waits && JSON.stringify(waits)}::text::jsonb, ${s.probes}::integer, ${s.diverged}::integer
      WHERE EXISTS (SELECT FROM mitigation WHERE mitigation_id = ${mitigationId})
      ON CONFLICT DO NOTHING`,
  )
}
