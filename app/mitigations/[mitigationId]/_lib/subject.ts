import type { Mitigation } from '../../../../core/mitigations/model.ts'
import type { Shard } from '../../../../core/model.ts'
import type { Subject } from '../../../_lib/mitigation-subject.ts'

/** What a mitigation is aimed at, to ask for it again. */
export function subjectOf(mitigation: Mitigation, shards: Shard[], slot: number | null): Subject {
  const { cacheId, target, label } = mitigation
  switch (target.kind) {
    case 'key':
      return { cacheId, label, key: { db: target.db, keyBase64: target.keyBase64, slot } }
    case 'shard': {
      const ordinal = shards.find(({ shardId }) => shardId === target.shardId)?.ordinal ?? 0
      return { cacheId, label, shard: { shardId: target.shardId, ordinal } }
    }
    case 'node': {
      const node = shards.flatMap(({ nodes }) => nodes).find(({ nodeId }) => nodeId === target.nodeId)
      return {
        cacheId,
        label: node?.address ?? label,
        node: { nodeId: target.nodeId, address: node?.address ?? label },
      }
    }
    case 'cache':
      return { cacheId, label: cacheId }
  }
}
