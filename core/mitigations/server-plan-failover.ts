/** The plan of a failover. */
import { IN_SYNC_SECONDS, isInSyncReplica, type MitigationFacts, type MitigationNode } from './facts.ts'
import type { MitigationDraft, Preview } from './model.ts'
import type { Parameters } from './parameters.ts'
import {
  clusterFailover,
  failoverAbort,
  failoverTo,
  hostPort,
  NO_WRITE_PAUSE,
  pause,
  replicaOf,
  SENTINEL_PAUSE_MS,
  unpause,
} from './server-commands.ts'
import {
  back,
  GONE,
  isRedisAtLeast,
  looks,
  looksBefore,
  type Plan,
  primaryOfShard,
  refusal,
  shardOf,
  shown,
  UNTIL_OVER,
  unplanned,
} from './server-plans.ts'
import { list } from './words.ts'

type Commands = Preview['commands']

export function planFailover(
  facts: MitigationFacts,
  draft: MitigationDraft,
  { toNodeId }: Parameters<'failover'>,
): Plan {
  const shard = shardOf(facts, draft)
  if (shard === null) return unplanned(GONE)
  const from = primaryOfShard(shard)
  const replicas = shard.nodes.filter((node) => node.role === 'replica')
  if (from === null) return unplanned(refusal('no-primary', `Shard ${shard.ordinal} has no primary now.`))
  if (from.state !== 'up') {
    return unplanned(
      refusal(
        'primary-down',
        `${from.address} does not answer, so nobody could hand over. The cluster or the Sentinels decide then; it is never forced from here.`,
      ),
    )
  }
  if (replicas.length === 0) {
    return unplanned(refusal('no-replica', 'The shard has no replica: there is nobody to promote. Add one.'))
  }
  const chosen = toNodeId === null ? null : replicas.find((node) => node.nodeId === toNodeId)
  if (chosen === undefined) return unplanned(refusal('no-replica', 'That node is no replica of this shard.'))
  const to = chosen ?? replicas.filter(isInSyncReplica).sort(byGap)[0]
  if (to === undefined || !isInSyncReplica(to)) {
    const who = chosen === null ? 'No replica is' : `${chosen.address} is not`
    return unplanned(
      refusal(
        'not-in-sync',
        `${who} up and within ${IN_SYNC_SECONDS} s of its primary: writes would be lost. Wait until one has caught up.`,
      ),
    )
  }
  const isOld = facts.cache.kind !== 'cluster' && from.version !== null && !isRedisAtLeast(from, 6, 2)
  const refusals = [
    ...(facts.cache.kind === 'sentinel' && chosen !== null && replicas.length > 1
      ? [refusal('sentinel-chooses', 'A Sentinel chooses the replica itself. Leave the node open.')]
      : []),
    ...(isOld ? [refusal('too-old', `${from.address} is older than Redis 6.2: ${NO_WRITE_PAUSE}`)] : []),
  ]
  const others = replicas.filter((node) => node !== to)
  return {
    summary: `${to.address} becomes the primary of shard ${shard.ordinal}, ${from.address} its replica.`,
    commands: failoverCommands(facts, from, to, others),
    refusals,
    warnings: [
      'Writes wait while the replica catches up, mostly for less than a second; clients with open connections to the old primary are told to go on or are disconnected.',
      ...(facts.cache.kind === 'sentinel' && others.length > 0
        ? [`The Sentinels choose among ${list(replicas.map((node) => node.address))}: it may be another one.`]
        : []),
      ...(facts.cache.kind !== 'sentinel' && chosen === null && others.length > 0
        ? [`The replica is chosen when it begins: another one where ${to.address} is not in step by then.`]
        : []),
      ...(facts.cache.kind === 'standalone'
        ? [
            'Where FAILOVER is disabled it is done by hand: CLIENT PAUSE and REPLICAOF at the old primary, REPLICAOF NO ONE at the new one, CLIENT UNPAUSE.',
          ]
        : []),
    ],
    wayBack: `A failover stays when it ends. Its way back is another failover of the shard, to ${from.address}.`,
    keepsLoads: true,
    promotes: { nodeId: to.nodeId, address: to.address },
  }
}

const byGap = (a: MitigationNode, b: MitigationNode): number =>
  (a.lagBytes ?? Number.POSITIVE_INFINITY) - (b.lagBytes ?? Number.POSITIVE_INFINITY)

function failoverCommands(
  facts: MitigationFacts,
  from: MitigationNode,
  to: MitigationNode,
  others: MitigationNode[],
): Commands {
  const all = [from, to, ...others]
  const before = all.flatMap((node) => looksBefore(node.address, 'INFO'))
  const watched = all.flatMap((node) => looks(UNTIL_OVER, node.address, 'INFO'))
  if (facts.cache.kind === 'cluster') {
    return [
      ...before,
      ...looksBefore(from.address, 'CLUSTER INFO'),
      shown(clusterFailover(to.address)),
      ...watched,
    ]
  }
  if (facts.cache.kind === 'sentinel') {
    return [
      ...before,
      ...looksBefore('a Sentinel', 'PING'),
      shown(pause(from.address, SENTINEL_PAUSE_MS)),
      ...all.flatMap((node) => looks('until the replicas have caught up', node.address, 'INFO')),
      { node: 'a Sentinel', command: 'SENTINEL FAILOVER <master of cachescope.yaml>' },
      ...looks(UNTIL_OVER, 'a Sentinel', 'SENTINEL MASTERS'),
      ...watched,
      shown(replicaOf(from.address, hostPort(to.address))),
      shown(unpause(from.address)),
    ]
  }
  return [
    ...before,
    ...looksBefore(from.address, 'COMMAND INFO failover'),
    shown(failoverTo(from.address, hostPort(to.address))),
    ...watched,
    ...others.map((node) => shown(replicaOf(node.address, hostPort(to.address)))),
    back(failoverAbort(from.address)),
  ]
}
