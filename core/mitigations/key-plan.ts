/** How a key action is carried out on the cache as it is: its parameters filled in, its names, who may be read. */
import {
  countInstances,
  isInSyncReplica,
  isPrimary,
  type KeyFacts,
  type MitigationFacts,
  type MitigationNode,
  ownerShard,
} from './facts.ts'
import type { MitigationDraft } from './model.ts'
import { PARAMETERS, type Parameters } from './parameters.ts'
import { replicateBy, shardsWithSlots } from './placement-refusals.ts'
import { chooseVariants, type Variant } from './variants.ts'

export type KeyPlan =
  | { how: 'local'; parameters: Parameters<'local-cache'>; instances: number }
  | { how: 'replicas'; nodes: MitigationNode[] }
  | { how: 'copies'; action: 'replicate' | 'split'; variants: Variant[]; writeFanout: boolean }

/** @returns null where it cannot be carried out, or where its parameters do not parse: its refusals say why */
export function planKeyAction(facts: MitigationFacts, draft: MitigationDraft): KeyPlan | null {
  const { action } = draft
  if (action === 'local-cache') {
    const parameters = PARAMETERS[action].safeParse(draft.parameters)
    return parameters.success
      ? { how: 'local', parameters: parameters.data, instances: countInstances(facts) }
      : null
  }
  if (action === 'split') {
    const parameters = PARAMETERS[action].safeParse(draft.parameters)
    if (!parameters.success) return null
    const { variants, writeFanout } = parameters.data
    return planCopies(facts, { action, count: variants, writeFanout })
  }
  if (action !== 'replicate') return null
  const parameters = PARAMETERS[action].safeParse(draft.parameters)
  if (!parameters.success) return null
  const by = replicateBy(facts, parameters.data.by)
  if (by === 'copies') {
    return planCopies(facts, { action, count: parameters.data.copies, writeFanout: false })
  }
  const nodes = readableNodes(facts)
  return by === 'replicas' && nodes.length > 1 ? { how: 'replicas', nodes } : null
}

function planCopies(
  facts: MitigationFacts,
  options: { action: 'replicate' | 'split'; count: number | null; writeFanout: boolean },
): KeyPlan | null {
  const { key } = facts
  if (key?.ownerShardId == null) return null
  const { action, writeFanout } = options
  const count = options.count ?? shardsWithSlots(facts)
  const variants = chooseVariants({
    key: key.bytes,
    shards: facts.shards,
    ownerShardId: key.ownerShardId,
    count,
  })
  return variants.length > 1 ? { how: 'copies', action, variants, writeFanout } : null
}

/** The key's primary first. */
function readableNodes(facts: MitigationFacts): MitigationNode[] {
  const nodes = ownerShard(facts)?.nodes ?? []
  return [...nodes.filter((node) => isPrimary(node) && node.state === 'up'), ...nodes.filter(isInSyncReplica)]
}

/** Of the key's reads, those by applications that take part; 1 where nothing says otherwise. */
export function coverage(key: KeyFacts): number {
  if (key.client === null || key.readsPerSec === null || key.readsPerSec <= 0) return 1
  const share = key.client.readsPerSec / key.readsPerSec
  // Two samples of one rate differ by a few percent.
  return share > 0.85 ? 1 : share
}
