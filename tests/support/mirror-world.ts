/** A cluster, a key of it, and the mirror that keeps copies of the key on other shards. */
import { onTestFinished } from 'vitest'
import { systemClock } from '../../collector/clock.ts'
import { ActionNodes } from '../../collector/mitigations/action-nodes.ts'
import { Mirror } from '../../collector/mitigations/mirror/mirror.ts'
import { SlotMap } from '../../collector/mitigations/slot-map.ts'
import { slotOf } from '../../core/key-slot.ts'
import { chooseVariants } from '../../core/mitigations/variants.ts'
import type { Topology } from '../../core/sample.ts'
import { clusterClient } from './mitigation-world.ts'
import { type RedisCluster, startRedisCluster, until } from './redis.ts'

function topologyOf(cluster: RedisCluster): Topology {
  const count = cluster.primaries.length
  return {
    cacheId: 'shop',
    at: 1,
    shards: cluster.primaries.map((node, index) => ({
      ordinal: index + 1,
      slots: [[Math.floor((index * 16_384) / count), Math.floor(((index + 1) * 16_384) / count) - 1]],
      nodes: [
        { address: node.address, role: 'primary', clusterNodeId: null },
        ...(cluster.replicas[index] ?? []).map((replica) => ({
          address: replica.address,
          role: 'replica' as const,
          clusterNodeId: null,
        })),
      ],
    })),
  }
}

/** Three shards with the key, and its mirror once it is started; all of it ends with the test. */
export async function mirrorWorld(key: string | Buffer, replicasPerPrimary = 0) {
  const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary })
  onTestFinished(cluster.stop)
  const client = clusterClient(cluster.nodes.map((node) => node.port))
  onTestFinished(() => client.disconnect())
  const held = { topology: topologyOf(cluster), isHeld: true }
  const baseKey = Buffer.from(key)
  const shards = held.topology.shards.map((shard) => ({ ...shard, shardId: shard.ordinal }))
  const owner = shards.find((shard) =>
    shard.slots?.some(([first, last]) => slotOf(baseKey) >= first && slotOf(baseKey) <= last),
  )
  const names = chooseVariants({ key: baseKey, shards, ownerShardId: owner?.shardId ?? 0, count: 3 })
  const copyKeys = names.slice(1).map((name) => Buffer.from(name.keyBase64, 'base64'))
  const start = (isHeld = () => held.isHeld) => {
    const nodes = new ActionNodes(() => ({ username: null, password: null, tls: null }), isHeld)
    const slots = new SlotMap(
      () => held.topology,
      () => {},
    )
    const common = { owner: 'm1', nodes, slots, baseKey, copyKeys, maxBytes: 1_000_000 }
    const epoch = new AbortController()
    const mirror = new Mirror({
      ...common,
      clock: systemClock,
      onCommand: () => {},
      signal: epoch.signal,
    })
    mirror.start()
    onTestFinished(async () => {
      await mirror.stop()
      nodes.close()
    })
    return { mirror, nodes, epoch }
  }
  return { cluster, client, held, baseKey, copyKeys, start, ownerIndex: (owner?.ordinal ?? 1) - 1 }
}

export const untilRight = (mirror: Mirror) =>
  until('the copies are right', () => mirror.status.isArmed && mirror.status.right === mirror.status.copies)
