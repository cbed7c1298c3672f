/** What of different targets is in each other's way: told before, and refused by the later of two. */
import { describe, expect, it } from 'vitest'
import { failover } from '../../../collector/mitigations/actions/failover.ts'
import { moveSlot } from '../../../collector/mitigations/actions/move-slot.ts'
import { pauseWrites } from '../../../collector/mitigations/actions/pause-writes.ts'
import { setConfig } from '../../../collector/mitigations/actions/set-config.ts'
import type { MitigationDraft, ServerAction } from '../../../core/mitigations/model.ts'
import { targetKeyOf } from '../../../core/mitigations/parse.ts'
import { previewServerAction } from '../../../core/mitigations/server-preview.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig } from '../../support/action-context.ts'
import { mitigationFacts, NOW } from '../../support/mitigation-facts.ts'

type Of = Pick<MitigationDraft, 'target' | 'parameters'> & { action: ServerAction; isMeasured?: boolean }

const cache = { kind: 'cache' } as const
const node = (nodeId: number) => ({ kind: 'node', nodeId }) as const
const shard = (shardId: number) => ({ kind: 'shard', shardId }) as const
const memory = { name: 'maxmemory', bytes: 190_000_000 }
const policy = { name: 'maxmemory-policy', policy: 'allkeys-lfu' }
const pause = { pauseSeconds: 5 }

const ACTIONS = {
  failover,
  'move-slot': moveSlot,
  'set-config': setConfig,
  'pause-writes': pauseWrites,
} as const

const PAIRS: [string, Of & { action: keyof typeof ACTIONS }, Of, RegExp | null][] = [
  [
    'a setting of a node, and the same of its cache',
    { action: 'set-config', target: node(101), parameters: memory },
    { action: 'set-config', target: cache, parameters: { ...memory, bytes: 150_000_000 } },
    /put back what the other has set/,
  ],
  [
    'a setting of the cache, and the same of a node',
    { action: 'set-config', target: cache, parameters: memory },
    { action: 'set-config', target: node(202), parameters: memory },
    /put back what the other has set/,
  ],
  [
    'another setting',
    { action: 'set-config', target: node(101), parameters: memory },
    { action: 'set-config', target: cache, parameters: policy },
    null,
  ],
  [
    'the same setting of another node',
    { action: 'set-config', target: node(101), parameters: memory },
    { action: 'set-config', target: node(102), parameters: memory },
    null,
  ],
  [
    'a failover, and a pause of a node of the shard',
    { action: 'failover', target: shard(12), parameters: { toNodeId: null } },
    { action: 'pause-writes', target: node(102), parameters: pause },
    /hold writes of one primary back/,
  ],
  [
    'a pause of a node, and a failover of its shard',
    { action: 'pause-writes', target: node(102), parameters: pause },
    { action: 'failover', target: shard(12), parameters: { toNodeId: null } },
    /hold writes of one primary back/,
  ],
  [
    'a pause of a shard, and one of its primary',
    { action: 'pause-writes', target: shard(12), parameters: pause },
    { action: 'pause-writes', target: node(102), parameters: pause },
    /hold writes of one primary back/,
  ],
  [
    'a pause, and a failover of another shard',
    { action: 'pause-writes', target: node(101), parameters: pause },
    { action: 'failover', target: shard(12), parameters: { toNodeId: null } },
    null,
  ],
  [
    'a failover, and a pause of its shard that is over and only measured',
    { action: 'failover', target: shard(12), parameters: { toNodeId: null } },
    { action: 'pause-writes', target: node(102), parameters: pause, isMeasured: true },
    null,
  ],
  [
    'a pause, and a failover of its shard that is over and only measured',
    { action: 'pause-writes', target: node(102), parameters: pause },
    { action: 'failover', target: shard(12), parameters: { toNodeId: null }, isMeasured: true },
    null,
  ],
  [
    'a slot that moves, and another one',
    { action: 'move-slot', target: cache, parameters: { slot: 1, toShardId: null } },
    { action: 'move-slot', target: cache, parameters: { slot: 2, toShardId: null } },
    /one slot moves at a time/,
  ],
  [
    'a slot that moves, and the same one, which is told of its target',
    { action: 'move-slot', target: cache, parameters: { slot: 1, toShardId: null } },
    { action: 'move-slot', target: cache, parameters: { slot: 1, toShardId: null } },
    null,
  ],
  [
    'a slot that moves, and one that has moved and is only measured',
    { action: 'move-slot', target: cache, parameters: { slot: 1, toShardId: null } },
    { action: 'move-slot', target: cache, parameters: { slot: 2, toShardId: null }, isMeasured: true },
    null,
  ],
]
const runningOf = (other: Of) => ({
  ...{ isMeasured: false, ...other, mitigationId: 7, label: 'what runs', targetKey: targetKeyOf(other) },
  ...{ phase: 'draining' as const, expiresAt: NOW },
})

it.each(PAIRS)('the preview knows of %s', (_, asked, other, message) => {
  const facts = mitigationFacts({ running: [runningOf(other)] })
  const { refusals } = previewServerAction(facts, { cacheId: 'shop', ...asked, expiresInSeconds: 3_600 })
  const told = refusals.filter(({ id }) => id === 'running-beside')
  const expected = { message: expect.stringMatching(message ?? ''), mitigationId: 7 }
  expect(told).toEqual(message === null ? [] : [expect.objectContaining(expected)])
})

describe('of two that were asked for at once', () => {
  const facts = mitigationFacts()
  /** Nobody listens there: who is not refused for the other is refused for that. */
  const addressOf = (nodeId: number) => `127.0.0.1:${nodeId - 100}`
  const topology: Topology = {
    ...{ cacheId: 'shop', at: 1 },
    shards: facts.shards.map(({ ordinal, slots, nodes }) => ({
      ...{ ordinal, slots },
      nodes: nodes.map(({ nodeId, role }) => ({ address: addressOf(nodeId), role, clusterNodeId: null })),
    })),
  }
  const nodeIds = facts.shards.flatMap(({ nodes }) => nodes.map(({ nodeId }) => nodeId))

  it.each(PAIRS)('the later one is refused: %s', async (_, asked, other, message) => {
    const refusalOf = async (mitigationId: number) => {
      const { action: name, target, parameters } = asked
      const run = new ActionRun({
        ...{ action: ACTIONS[name](), name, target, parameters, mitigationId, topology },
        ...{ cache: cacheConfig('cluster'), others: [runningOf(other)] },
        shardOrdinals: new Map(facts.shards.map(({ shardId, ordinal }) => [shardId, ordinal])),
        nodeAddresses: new Map(nodeIds.map((nodeId) => [nodeId, addressOf(nodeId)])),
      })
      const outcome = await run.on()
      return 'message' in outcome ? outcome.message : null
    }
    expect(await refusalOf(8)).toMatch(message ?? /127\.0\.0\.1/)
    expect(await refusalOf(6)).toMatch(/127\.0\.0\.1/)
  })
})

it('sets two things of one node at once, and one of them once', () => {
  const key = (target: Of['target'], parameters: Record<string, unknown>) =>
    targetKeyOf({ action: 'set-config', target, parameters })
  expect(key(node(1), memory)).toBe(key(node(1), { ...memory, bytes: 150_000_000 }))
  expect(key(cache, policy)).toBe(key(cache, { ...policy, policy: 'noeviction' }))
  expect(
    new Set([key(node(1), memory), key(node(1), policy), key(cache, memory), key(node(2), memory)]).size,
  ).toBe(4)
})
