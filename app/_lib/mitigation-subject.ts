/** What a mitigation may be asked for: a key, a shard, a node or the cache, and the actions that each offers. Pure. */
import { KEY_ACTIONS, type MitigationAction, type MitigationTarget } from '../../core/mitigations/model.ts'
import type { Node, Shard } from '../../core/model.ts'

/** What the button that opens the dialog stands at. */
export type Subject = {
  cacheId: string
  /** `article:42`, `shard 2`, `10.0.0.5:6379`, `shop` */
  label: string
  key?: { db: number; keyBase64: string; slot: number | null }
  shard?: { shardId: number; ordinal: number }
  node?: { nodeId: number; address: string }
}
export type Choice = { action: MitigationAction; target: MitigationTarget; label: string }

/** @param slot in a cluster, where it is known */
export function keySubject(
  key: { cacheId: string; key: string; db: number; keyBase64: string },
  slot: number | null,
): Subject {
  const { cacheId, db, keyBase64 } = key
  return { cacheId, label: key.key, key: { db, keyBase64, slot } }
}

export function shardSubject({
  cacheId,
  shardId,
  ordinal,
}: Pick<Shard, 'cacheId' | 'shardId' | 'ordinal'>): Subject {
  return { cacheId, label: `shard ${ordinal}`, shard: { shardId, ordinal } }
}

/** With its shard, whose failover is the answer to many a sick node. */
export function nodeSubject(
  node: Pick<Node, 'cacheId' | 'nodeId' | 'address' | 'shardId' | 'shardOrdinal'>,
): Subject {
  const { cacheId, nodeId, address, shardId, shardOrdinal } = node
  const shard = shardId === null || shardOrdinal === null ? {} : { shard: { shardId, ordinal: shardOrdinal } }
  return { cacheId, label: address, node: { nodeId, address }, ...shard }
}

/** In the order in which they are offered. */
export function choicesOf(subject: Subject): Choice[] {
  const { cacheId, key, shard, node } = subject
  const choices: Choice[] = []
  const add = (target: MitigationTarget, label: string, actions: readonly MitigationAction[]) => {
    for (const action of actions) choices.push({ action, target, label })
  }
  if (key !== undefined) {
    add({ kind: 'key', db: key.db, keyBase64: key.keyBase64 }, subject.label, KEY_ACTIONS)
    if (key.slot !== null) add({ kind: 'cache' }, `slot ${key.slot}`, ['move-slot'])
    return choices
  }
  if (shard !== undefined) {
    add({ kind: 'shard', shardId: shard.shardId }, `shard ${shard.ordinal}`, ['failover'])
    if (node === undefined) {
      add({ kind: 'shard', shardId: shard.shardId }, `shard ${shard.ordinal}`, ['pause-writes'])
    }
  }
  if (node !== undefined) {
    add({ kind: 'node', nodeId: node.nodeId }, node.address, ['set-config', 'kill-client', 'pause-writes'])
  }
  if (shard === undefined && node === undefined) {
    add({ kind: 'cache' }, cacheId, ['move-slot', 'spread-ttls', 'set-config', 'deny-user'])
  }
  return choices
}
