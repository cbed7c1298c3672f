/** A split of a key whose shard is the second of two, in a database of its own, and a minute in which it is measured. */
import type { Measures } from '../../core/mitigations/measures.ts'
import type { Mitigation } from '../../core/mitigations/model.ts'
import type { Tick } from '../../core/sample.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { measureWindow } from '../../store/mitigation-measures.ts'
import type { MitigationSample } from '../../store/mitigation-samples.ts'
import { createMitigation } from '../../store/mitigations.ts'
import { saveTick } from '../../store/tick.ts'
import { saveCaches, saveTopology } from '../../store/topology.ts'
import { mitigationRequest, splitPreview } from './mitigation-rows.ts'
import { createTestDatabase } from './postgres.ts'
import { collector, emptyTick } from './tick.ts'

export const FROM = Date.UTC(2026, 0, 31, 12, 0, 0)
export const TO = FROM + 60_000
/** Slot 5605: of the second shard. */
export const KEY = 'article:42'
export const keyBase64 = Buffer.from(KEY).toString('base64')
export const COPY = '{hk0.1}:article:42'
export const primaryOf = (ordinal: number) => ({ cacheId: 'shop', address: `10.0.0.${ordinal}:7000` })
export const REPLICA = { cacheId: 'shop', address: '10.0.0.2:7001' }
export const SAMPLE: Omit<MitigationSample, 'at'> = {
  instances: 3,
  readsPerSec: 900,
  localHitsPerSec: 0,
  localMissesPerSec: 0,
  variantReadsPerSec: [450, 450],
  replicaReadsPerSec: 0,
  fallbacksPerSec: 0,
  invalidationsPerSec: 0,
  errorsPerSec: 0,
  p50Us: 200,
  p99Us: 900,
  probes: 10,
  diverged: 0,
}

export type MeasuredSplit = {
  readonly store: Store
  readonly split: Mitigation
  save(at: number, rows: Partial<Tick>): Promise<void>
  measure(of?: Mitigation): Promise<Measures>
  drop(): Promise<void>
}

export async function createMeasuredSplit(): Promise<MeasuredSplit> {
  const database = await createTestDatabase()
  const store = openStore(database.url)
  await saveCaches(store, [
    {
      cacheId: 'shop',
      kind: 'cluster',
      seeds: ['10.0.0.1:7000'],
      intervalMs: 2_000,
      mitigationsEnabled: true,
    },
  ])
  await saveTopology(store, {
    cacheId: 'shop',
    at: FROM - 60_000,
    shards: [1, 2].map((ordinal) => ({
      ordinal,
      slots: [[(ordinal - 1) * 5_000, ordinal === 2 ? 16_383 : 4_999]],
      nodes: [
        { address: primaryOf(ordinal).address, role: 'primary' as const, clusterNodeId: `p${ordinal}` },
        ...(ordinal === 2
          ? [{ address: REPLICA.address, role: 'replica' as const, clusterNodeId: 'r2' }]
          : []),
      ],
    })),
  })
  const { mitigation: split } = await createMitigation(store, mitigationRequest(keyBase64), {
    idempotencyKey: null,
    preview: splitPreview(keyBase64, [COPY]),
    label: KEY,
    now: FROM - 30_000,
  })
  return {
    store,
    split,
    save: (at, rows) => saveTick(store, emptyTick(at, rows), collector(at)),
    measure: (of = split) => measureWindow(store, of, FROM, TO),
    async drop() {
      await closeStore(store)
      await database.drop()
    },
  }
}
