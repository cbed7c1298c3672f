/** The whole way from a request to a mitigation: facts, preview, refusals, and only then a row. */
import { CachescopeError } from '../core/errors.ts'
import { standingRefusals } from '../core/mitigations/eligibility.ts'
import type { MitigationFacts } from '../core/mitigations/facts.ts'
import type { Mitigation, MitigationDraft, MitigationRequest, Preview } from '../core/mitigations/model.ts'
import { previewMitigation } from '../core/mitigations/preview.ts'
import type { Store } from './client.ts'
import { readMitigationFacts } from './mitigation-facts.ts'
import { createMitigation, getByIdempotencyKey } from './mitigations.ts'

/** `mitigation` is null after a dry run: nothing was written. `created` is false where the same request came before. */
export type RequestAnswer = { mitigation: Mitigation | null; preview: Preview; created: boolean }

/** @throws CachescopeError not-found, mitigation-refused, mitigation-conflict, store-unreachable */
export async function requestMitigation(
  store: Store,
  request: MitigationRequest,
  idempotencyKey: string | null,
  now: number,
): Promise<RequestAnswer> {
  if (idempotencyKey !== null && !request.dryRun) {
    const known = await getByIdempotencyKey(store, request, idempotencyKey)
    if (known?.preview) return { mitigation: known, preview: known.preview, created: false }
  }
  const { facts, preview } = await readPreview(store, request, now)
  if (request.dryRun) return { mitigation: null, preview, created: false }
  // That another one runs is said by the database, who asked for it and when included.
  const standing = standingRefusals(preview.refusals, request.overrides).filter(({ id }) => id !== 'running')
  if (standing.length > 0) {
    const how = standing.every(({ overridable }) => overridable)
      ? ` To take it on: overrides: [${standing.map(({ id }) => JSON.stringify(id)).join(', ')}].`
      : ''
    throw new CachescopeError(
      'mitigation-refused',
      `${standing.map(({ message }) => message).join(' ')}${how}`,
      { where: standing.map(({ id }) => id).join(', ') },
    )
  }
  const label = labelOf(facts, request)
  const made = await createMitigation(store, request, { idempotencyKey, preview, label, now })
  return { ...made, preview }
}

/** @throws CachescopeError not-found (the cache, or what the draft is aimed at), store-unreachable */
export async function previewDraft(store: Store, draft: MitigationDraft, now: number): Promise<Preview> {
  return (await readPreview(store, draft, now)).preview
}

async function readPreview(store: Store, draft: MitigationDraft, now: number) {
  const facts = await readMitigationFacts(store, draft, now)
  return { facts, preview: previewMitigation(facts, draft, now) }
}

function labelOf(facts: MitigationFacts, { action, target, parameters, cacheId }: MitigationDraft): string {
  switch (target.kind) {
    case 'key':
      return facts.key?.label ?? 'a key'
    case 'shard': {
      const shard = facts.shards.find((one) => one.shardId === target.shardId)
      return `shard ${shard?.ordinal ?? '?'}`
    }
    case 'node': {
      const nodes = facts.shards.flatMap((shard) => shard.nodes)
      const address = nodes.find((node) => node.nodeId === target.nodeId)?.address ?? 'a node'
      return action === 'kill-client' ? `client ${parameters.clientId} of ${address}` : address
    }
    case 'cache':
      if (action === 'move-slot') return `slot ${parameters.slot}`
      if (action === 'spread-ttls') return String(parameters.pattern)
      if (action === 'deny-user') return `user ${parameters.username}`
      return cacheId
  }
}
