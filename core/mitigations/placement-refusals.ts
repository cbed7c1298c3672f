/** What speaks against an action by where the key lies and who reads it. */
import {
  countInstances,
  IN_SYNC_SECONDS,
  isInSyncReplica,
  type MitigationFacts,
  ownerShard,
} from './facts.ts'
import type { MitigationDraft, Refusal } from './model.ts'
import { PARAMETERS } from './parameters.ts'

/** How a `replicate` is carried out; null: in no way. */
export function replicateBy(
  facts: MitigationFacts,
  asked: 'auto' | 'replicas' | 'copies',
): 'replicas' | 'copies' | null {
  const hasReplica = ownerShard(facts)?.nodes.some(isInSyncReplica) ?? false
  if (asked !== 'copies' && hasReplica) return 'replicas'
  return asked !== 'replicas' && shardsWithSlots(facts) > 1 ? 'copies' : null
}

export function shardsWithSlots(facts: MitigationFacts): number {
  return facts.shards.filter((shard) => shard.slots !== null && shard.slots.length > 0).length
}

export function* refusePlacement(facts: MitigationFacts, draft: MitigationDraft): Iterable<Refusal> {
  if (facts.apps.length === 0) {
    yield {
      id: 'no-library',
      overridable: false,
      message:
        'No application with @cachescope/client has been heard of for 15 s, so nobody would carry it out: wrap the client as its README shows, or take an action that the servers do alone.',
    }
  } else if (countInstances(facts) === 0) {
    yield {
      id: 'library-disabled',
      overridable: false,
      message:
        'Every application process has the library switched off (HOTKEY_DISABLE): take the variable away and start one again.',
    }
  }
  if (draft.action === 'split' && shardsWithSlots(facts) < 2) yield oneShard('split')
  if (draft.action === 'replicate') yield* refuseReplicate(facts, draft)
}

function* refuseReplicate(facts: MitigationFacts, draft: MitigationDraft): Iterable<Refusal> {
  const parameters = PARAMETERS.replicate.safeParse(draft.parameters)
  const by = parameters.success ? parameters.data.by : 'auto'
  const how = replicateBy(facts, by)
  if (how === 'replicas' && facts.cache.kind === 'standalone') {
    yield {
      id: 'replicas-unknown',
      overridable: true,
      message:
        'A client of a single Redis knows no replica of it, so reads would stay where they are: connect the applications through a Sentinel, or take it on where they do that already.',
    }
  }
  if (how !== null) return
  if (by === 'copies') yield oneShard('copies')
  else {
    const others =
      shardsWithSlots(facts) > 1 ? 'replicate by copies' : 'use the local cache, or add a replica and wait'
    yield {
      id: 'no-replica-in-sync',
      overridable: false,
      message: `No replica of its shard is up and at most ${IN_SYNC_SECONDS} s behind, so there is no other node to read from: ${others}.`,
    }
  }
}

function oneShard(what: string): Refusal {
  return {
    id: 'one-shard',
    overridable: false,
    message: `There is one shard only, and ${what === 'split' ? 'a split' : 'copies'} on the same node would move no load: use the local cache, or read from a replica where one is in sync.`,
  }
}
