/**
 * Which mitigations of different targets are in each other's way. Those of one target are told by targetKeyOf, and kept
 * apart by the store.
 */
import type { Mitigation, MitigationTarget } from './model.ts'

export type Conflicting = Pick<Mitigation, 'mitigationId' | 'action' | 'target' | 'parameters' | 'label'> & {
  /** All of it is done, and only its effect is measured. */
  isMeasured: boolean
}

/**
 * @param shardOf the shard that a target is, or is a node of, told in any way that is the same for both; null: of none
 * @returns which one, and why, in a sentence; null where nothing that runs is in the way
 */
export function findConflict(
  draft: Pick<Conflicting, 'action' | 'target' | 'parameters'>,
  running: readonly Conflicting[],
  shardOf: (target: MitigationTarget) => number | null,
): { mitigationId: number; message: string } | null {
  for (const other of running) {
    const why = reasonOf(draft, other, shardOf)
    if (why === null) continue
    const { mitigationId, action, label } = other
    const message = `Mitigation ${mitigationId} (${action} of ${label}) runs: ${why} Drain that one, or wait for its end.`
    return { mitigationId, message }
  }
  return null
}

function reasonOf(
  draft: Pick<Conflicting, 'action' | 'target' | 'parameters'>,
  other: Conflicting,
  shardOf: (target: MitigationTarget) => number | null,
): string | null {
  if (other.isMeasured) return null
  if (draft.action === 'set-config' && other.action === 'set-config') {
    const { name } = draft.parameters
    const isNested = draft.target.kind === 'cache' || other.target.kind === 'cache'
    return isNested && name === other.parameters.name
      ? `it sets ${name} there too, and each would put back what the other has set.`
      : null
  }
  if (draft.action === 'move-slot' && other.action === 'move-slot') {
    return draft.parameters.slot === other.parameters.slot
      ? null
      : 'one slot moves at a time, for a server may know no other way to call one move off than to end all.'
  }
  if (!isPausing(draft.action) || !isPausing(other.action)) return null
  const shard = shardOf(draft.target)
  return shard !== null && shard === shardOf(other.target)
    ? 'both hold writes of one primary back, and the end of one would end the pause of the other.'
    : null
}

/** A failover by hand pauses writes itself, and every other one is waited for by those that write. */
const isPausing = (action: Mitigation['action']): boolean =>
  action === 'failover' || action === 'pause-writes'
