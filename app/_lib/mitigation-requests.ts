/** What the browser asks of our own HTTP API; the schemas are those that the server answers by. */
import { z } from 'zod'
import { AdviceAnswer } from '../../core/api/advice.ts'
import { Problem } from '../../core/api/problem.ts'
import {
  Mitigation,
  type MitigationChange,
  type MitigationDraft,
  type MitigationRequest,
  Preview,
} from '../../core/mitigations/model.ts'
import { Shard } from '../../core/model.ts'

export type Answered<T> = { ok: true; value: T; status: number } | { ok: false; problem: Problem }

const BASE = '/api/v1/mitigations'

export function previewMitigation(draft: MitigationDraft, signal: AbortSignal): Promise<Answered<Preview>> {
  return send('POST', `${BASE}/preview`, Preview, { body: draft, signal })
}

export function adviseMitigation(
  key: { cacheId: string; db: number; keyBase64: string },
  signal: AbortSignal,
): Promise<Answered<z.infer<typeof AdviceAnswer>>> {
  return send('POST', `${BASE}/advice`, AdviceAnswer, { body: key, signal })
}

/** @param idempotencyKey the same for as long as the request is the same: pressed twice it is one mitigation */
export function requestMitigation(
  request: MitigationRequest,
  idempotencyKey: string,
): Promise<Answered<Mitigation>> {
  return send('POST', BASE, Mitigation, {
    body: { ...request, dryRun: false },
    headers: { 'idempotency-key': idempotencyKey },
  })
}

export function dryRunMitigation(request: MitigationRequest): Promise<Answered<Preview>> {
  return send('POST', BASE, Preview, { body: { ...request, dryRun: true } })
}

export function extendMitigation(
  mitigationId: number,
  change: MitigationChange,
): Promise<Answered<Mitigation>> {
  return send('PATCH', `${BASE}/${mitigationId}`, Mitigation, { body: change })
}

export function drainMitigation(
  mitigationId: number,
  { actor, reason }: Pick<MitigationChange, 'actor' | 'reason'>,
): Promise<Answered<Mitigation>> {
  const search = new URLSearchParams({ actor, reason })
  return send('DELETE', `${BASE}/${mitigationId}?${search}`, Mitigation)
}

/** The shards of a cache with their nodes. */
export async function listShards(cacheId: string, signal: AbortSignal): Promise<Shard[]> {
  const path = `/api/v1/caches/${encodeURIComponent(cacheId)}/shards`
  const answer = await send('GET', path, z.object({ items: z.array(Shard) }), { signal })
  return answer.ok ? answer.value.items : []
}

async function send<T>(
  method: string,
  path: string,
  schema: z.ZodType<T>,
  options: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Answered<T>> {
  const { body, headers, signal } = options
  try {
    const response = await fetch(path, {
      method,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const said: unknown = await response.json()
    if (response.ok) return { ok: true, value: schema.parse(said), status: response.status }
    return { ok: false, problem: Problem.parse(said) }
  } catch (error) {
    // Called off by who asked; an end of patience is no answer as well.
    if (error instanceof Error && error.name === 'AbortError') throw error
    return { ok: false, problem: NO_ANSWER }
  }
}

const NO_ANSWER: Problem = {
  type: 'urn:cachescope:problem:internal',
  title: 'No answer',
  status: 503,
  detail:
    'The dashboard’s server did not answer, or with something that is not understood. Whether it was done is shown in the list of mitigations.',
}
