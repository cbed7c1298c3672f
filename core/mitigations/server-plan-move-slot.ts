/** The plan of a slot that moves to another shard. */
import type { MitigationFacts, MitigationNode } from './facts.ts'
import type { Preview } from './model.ts'
import type { Parameters } from './parameters.ts'
import {
  cancelImport,
  cancelMigrations,
  fetchKeys,
  hostPort,
  importSlot,
  MAX_MIGRATED_BYTES,
  migrateKeys,
  migrateSlot,
  SIZED_KEYS,
  slotImporting,
  slotMigrating,
  slotNode,
  slotStable,
} from './server-commands.ts'
import {
  back,
  down,
  isAtLeast,
  looks,
  looksBack,
  looksBefore,
  type Plan,
  primaryOfShard,
  refusal,
  shown,
  UNTIL_OVER,
  unplanned,
  when,
} from './server-plans.ts'
import { short } from './words.ts'

const SIZE = 'MEMORY USAGE <each key> SAMPLES 5'

type Commands = Preview['commands']

export function planMoveSlot(facts: MitigationFacts, { slot, toShardId }: Parameters<'move-slot'>): Plan {
  if (facts.cache.kind !== 'cluster') {
    return unplanned(refusal('no-slots', 'Only a cluster has slots. Use a mitigation of the key instead.'))
  }
  const owner = facts.shards.find(({ slots }) => slots?.some(([from, to]) => from <= slot && slot <= to))
  if (owner === undefined) {
    return unplanned(refusal('no-owner', `Nobody serves slot ${slot}: the cluster has to be mended first.`))
  }
  const others = facts.shards.filter((shard) => shard !== owner)
  const target =
    toShardId === null
      ? others
          .filter((shard) => shard.opsPerSec !== null)
          .sort((a, b) => (a.opsPerSec ?? 0) - (b.opsPerSec ?? 0))[0]
      : others.find((shard) => shard.shardId === toShardId)
  if (target === undefined) {
    const isOwner = owner.shardId === toShardId
    return unplanned(
      isOwner
        ? refusal('same-shard', `Slot ${slot} is on shard ${owner.ordinal} already.`)
        : refusal('no-shard', 'There is no such other shard to take it.'),
    )
  }
  const [from, to] = [primaryOfShard(owner), primaryOfShard(target)]
  if (from === null || to === null)
    return unplanned(refusal('no-primary', 'One of the two has no primary now.'))
  const keys = from.keys === null ? null : from.keys / Math.max(1, countSlots(owner.slots))
  return {
    summary: `Slot ${slot} moves from shard ${owner.ordinal} (${from.address}) to shard ${target.ordinal} (${to.address}), with all its keys${keys === null ? '' : `, about ${short(keys)}`}.`,
    commands: [
      ...(toShardId === null
        ? others.flatMap((shard) => looksBefore(primaryOfShard(shard)?.address ?? 'its primary', 'INFO'))
        : []),
      ...moveCommands(facts, slot, from, to),
    ],
    refusals: [from, to].filter((node) => node.state !== 'up').map(down),
    warnings: [
      'What the slot is asked for is not measured alone: the load of the shards afterwards cannot be said before.',
      'It isolates a hot key from the keys around it. A key that is too hot for one node is as hot on the other.',
      ...(isNative(from, to) === null
        ? [
            `While a key is on its way both nodes serve nobody: milliseconds for small values, longer for large ones. One of more than ${MAX_MIGRATED_BYTES / 1_000_000} MB is not moved: then the slot stays where it is.`,
          ]
        : []),
      ...(toShardId === null
        ? ['The shard with the least load is chosen when it begins, by then it may be another.']
        : []),
    ],
    wayBack: `Drained before it ends, the slot is at shard ${owner.ordinal} as before: keys that have left come back, after the rest has followed them, for a slot can only turn round whole. Once it has ended it stays; its way back is the same move to shard ${owner.ordinal}.`,
    keepsLoads: false,
  }
}

const countSlots = (slots: [number, number][] | null): number =>
  (slots ?? []).reduce((sum, [from, to]) => sum + to - from + 1, 0)

function isNative(from: MitigationNode, to: MitigationNode): 'redis' | 'valkey' | null {
  if ([from, to].every((node) => isAtLeast(node, 'valkey', 9, 0))) return 'valkey'
  return [from, to].every((node) => isAtLeast(node, 'redis', 8, 4)) ? 'redis' : null
}

function moveCommands(
  facts: MitigationFacts,
  slot: number,
  from: MitigationNode,
  to: MitigationNode,
): Commands {
  const count = `CLUSTER COUNTKEYSINSLOT ${slot}`
  const before = [
    ...[from, to].flatMap((node) => looksBefore(node.address, 'CLUSTER NODES', 'INFO')),
    ...looksBefore(from.address, count),
  ]
  const watched = watchSides(from, to)
  const classic = classicCommands(facts, slot, from, to)
  const fallback = classic.map((command) => when('where a server does not know that command', command))
  switch (isNative(from, to)) {
    case 'redis': {
      const status = 'CLUSTER MIGRATION STATUS ALL'
      return [
        ...before,
        ...[from, to].flatMap((node) => looksBefore(node.address, status)),
        shown(importSlot(to.address, slot)),
        ...watched,
        ...looks(UNTIL_OVER, from.address, count),
        ...looks(UNTIL_OVER, to.address, status, 'DBSIZE', 'INFO', count),
        ...looksBack(to.address, status, 'CLUSTER NODES'),
        back(cancelImport(to.address, '<task>')),
        ...fallback,
      ]
    }
    case 'valkey': {
      const status = 'CLUSTER GETSLOTMIGRATIONS'
      return [
        ...before,
        ...[from, to].flatMap((node) => looksBefore(node.address, status)),
        shown(migrateSlot(from.address, slot, idOf(to))),
        ...watched,
        ...looks(UNTIL_OVER, from.address, status, count),
        ...looks(UNTIL_OVER, to.address, 'INFO', count),
        ...looks('where it is given up', to.address, status),
        ...looksBack(from.address, status),
        ...looksBack(to.address, 'CLUSTER NODES'),
        back(cancelMigrations(from.address)),
        ...fallback,
      ]
    }
    case null:
      return [...before, ...classic]
  }
}

const watchSides = (...sides: MitigationNode[]): Commands =>
  sides.flatMap((node) => looks(UNTIL_OVER, node.address, 'CLUSTER NODES'))

function classicCommands(
  facts: MitigationFacts,
  slot: number,
  from: MitigationNode,
  to: MitigationNode,
): Commands {
  const close = (node: MitigationNode) => shown(slotStable(node.address, slot))
  return [
    ...looksBefore(from.address, `CLUSTER GETKEYSINSLOT ${slot} ${SIZED_KEYS}`, SIZE),
    ...moveByKeys(facts, slot, from, to),
    ...[close(from), ...takeBack(slot, from, to), close(to)].map((command) =>
      when('where keys cannot leave', command),
    ),
    ...[from, to].map((node) => when('the way back before a key has left', close(node))),
    ...moveByKeys(facts, slot, to, from).map((command) => when('the way back once keys have left', command)),
  ]
}

function moveByKeys(
  facts: MitigationFacts,
  slot: number,
  from: MitigationNode,
  to: MitigationNode,
): Commands {
  const rest = facts.shards
    .flatMap((shard) => primaryOfShard(shard) ?? [])
    .filter((one) => one !== from && one !== to)
  return [
    shown(slotImporting(to.address, slot, idOf(from))),
    shown(slotMigrating(from.address, slot, idOf(to))),
    ...watchSides(from, to),
    ...readKeys(slot, from),
    moveKeys(from, to),
    ...[to, from, ...rest].map((one) => shown(slotNode(one.address, slot, idOf(to)))),
  ]
}

function readKeys(slot: number, from: MitigationNode): Commands {
  return looks(
    UNTIL_OVER,
    from.address,
    `CLUSTER GETKEYSINSLOT ${slot} 100`,
    SIZE,
    `CLUSTER COUNTKEYSINSLOT ${slot}`,
  )
}

/** What has left comes back; of a key that is at both, the older is removed. */
function takeBack(slot: number, from: MitigationNode, to: MitigationNode): Commands {
  const { node, command } = shown(fetchKeys(to.address, hostPort(from.address)))
  return [
    ...looks(UNTIL_OVER, to.address, `CLUSTER GETKEYSINSLOT ${slot} 10`, `CLUSTER COUNTKEYSINSLOT ${slot}`),
    ...looks(UNTIL_OVER, from.address, SIZE),
    ...['ASKING', 'UNLINK <each key that is at both>'].map((one) => ({ node, command: one })),
    { node, command: `${command} KEYS …` },
  ]
}

function moveKeys(from: MitigationNode, to: MitigationNode): Commands[number] {
  const { node, command } = shown(migrateKeys(from.address, hostPort(to.address)))
  return { node, command: `${command} KEYS …` }
}

const idOf = (node: MitigationNode): string => node.clusterNodeId ?? `<id of ${node.address}>`
