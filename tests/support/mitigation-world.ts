/** A cluster, a database and a collector that may change it, with a request that has no need of observed figures. */
import { Cluster } from 'ioredis'
import type { MitigationAction, MitigationDetail, MitigationRequest } from '../../core/mitigations/model.ts'
import { PARAMETERS } from '../../core/mitigations/parameters.ts'
import type { Store } from '../../store/client.ts'
import { createMitigation, getMitigation } from '../../store/mitigations.ts'
import { until } from './redis.ts'

const base64 = (key: string | Buffer): string => Buffer.from(key).toString('base64')

export function requestOf(
  action: MitigationAction,
  key: string | Buffer,
  more: Partial<MitigationRequest> = {},
): MitigationRequest {
  const parameters = PARAMETERS[action].parse(more.parameters ?? {})
  return {
    cacheId: 'shop',
    action,
    target: { kind: 'key', db: 0, keyBase64: base64(key) },
    expiresInSeconds: 3_600,
    actor: 'ada',
    reason: 'viral',
    overrides: [],
    dryRun: false,
    ...more,
    parameters: { ...parameters },
  }
}

/** As if it had been previewed: what is known of the key is not what these tests are about. */
export async function create(store: Store, request: MitigationRequest): Promise<number> {
  const key = request.target.kind === 'key' ? Buffer.from(request.target.keyBase64, 'base64').toString() : '-'
  const { mitigation } = await createMitigation(store, request, {
    idempotencyKey: null,
    preview: null,
    label: key,
    now: Date.now(),
  })
  return mitigation.mitigationId
}

export async function detailOf(store: Store, mitigationId: number): Promise<MitigationDetail> {
  const detail = await getMitigation(store, mitigationId)
  if (detail === null) throw new Error(`mitigation ${mitigationId} is not there`)
  return detail
}

export function untilPhase(
  store: Store,
  mitigationId: number,
  phase: MitigationDetail['phase'],
  timeoutMs = 60_000,
): Promise<MitigationDetail> {
  return until(
    `mitigation ${mitigationId} is ${phase}`,
    async () => {
      const detail = await detailOf(store, mitigationId)
      if (detail.phase !== phase) {
        throw new Error(
          `${detail.phase}: ${detail.message}; ${detail.steps.map((s) => `${s.name} ${s.result} ${s.message}`)}`,
        )
      }
      // They are read beside the phase, and may be of before it.
      const { steps, revisions } = await detailOf(store, mitigationId)
      return { ...detail, steps, revisions }
    },
    timeoutMs,
  )
}

export function clusterClient(ports: number[]): Cluster {
  const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
  client.on('error', () => {})
  return client
}
