/** One synthetic tick: figures that a small cluster under a Zipf load would show. Deterministic. */
import type { NodeMetrics } from '../../core/metrics.ts'
import type { NodeStatus, Tick, Topology } from '../../core/sample.ts'
import {
  SEED_REFUSAL,
  seedHotKeys,
  seedHotPatterns,
  seedRefusedWatching,
  seedWatching,
} from './seed-hot-keys.ts'
import type { Fleet, Member } from './seed-types.ts'

const MiB = 1024 * 1024
const BASE_OPS = 4_000
const HOT_OPS = 14_000

export function buildTick(fleet: Fleet, at: number, index: number, stepMs: number): Tick {
  const tick: Tick = {
    at,
    statuses: [],
    samples: [],
    commands: [],
    keyspaces: [],
    hotKeys: [],
    hotPatterns: [],
    slowlog: [],
    events: [],
    infos: [],
  }
  const everyMs = (ms: number) => Math.floor(at / ms) !== Math.floor((at - stepMs) / ms) || index === 0
  for (const [cacheIndex, topology] of fleet.topologies.entries()) {
    for (const member of members(fleet, topology, index)) {
      const { cacheId, address } = member
      const node = { cacheId, address, at }
      const isDown =
        fleet.down !== null &&
        cacheIndex === 0 &&
        member.ordinal === fleet.down.ordinal &&
        member.role === 'primary' &&
        at >= fleet.down.since
      tick.statuses.push(status(member, at, isDown))
      if (isDown) {
        if (at - stepMs < (fleet.down?.since ?? 0)) {
          tick.events.push({
            at,
            cacheId,
            address,
            shardOrdinal: member.ordinal,
            kind: 'node-lost',
            message: `${address} refuses connections.`,
          })
        }
        continue
      }
      tick.samples.push({ ...node, metrics: metrics(member, index) })
      if (everyMs(10_000)) {
        tick.commands.push(...commands(node, member))
        tick.keyspaces.push({ ...node, db: 0, keys: 16_000 + index, expires: 12_000, avgTtlMs: 1_800_000 })
      }
      if (everyMs(5_000)) {
        tick.hotKeys.push(...seedHotKeys(fleet, member, at))
        tick.hotPatterns.push(...seedHotPatterns(member, at))
      }
      if (everyMs(60_000)) {
        tick.slowlog.push({
          ...node,
          entryId: Math.floor(at / 60_000),
          runId: 'seed',
          durationUs: 12_000 + (index % 7) * 1_000,
          command: 'ZRANGE',
          keys: [text('leaderboard')],
          argumentCount: 4,
          clientAddress: '10.1.0.9:50112',
        })
        tick.infos.push({ ...node, info: `# Server\r\nredis_version:7.0.15\r\nrole:${member.role}\r\n` })
      }
    }
  }
  return tick
}

function members(fleet: Fleet, topology: Topology, index: number): Member[] {
  return topology.shards.flatMap(({ ordinal, nodes }) =>
    nodes.map(({ address, role }) => {
      const wave = 1 + 0.08 * Math.sin(index / 17 + ordinal) + 0.02 * Math.sin(index * 1.7)
      const own = BASE_OPS * wave + (ordinal === fleet.hotShard ? HOT_OPS * wave : 0)
      const isPrimary = role === 'primary'
      return {
        cacheId: topology.cacheId,
        address,
        ordinal,
        role: isPrimary ? ('primary' as const) : ('replica' as const),
        load: isPrimary ? own : own * 0.05,
      }
    }),
  )
}

function status(member: Member, at: number, isDown: boolean): NodeStatus {
  const isRefused = member.role === 'replica' && member.ordinal === 3
  return {
    cacheId: member.cacheId,
    address: member.address,
    at,
    state: isDown ? 'refused' : 'up',
    message: isDown ? `Nothing listens on ${member.address}.` : null,
    role: isDown ? null : member.role,
    version: isDown ? null : '7.0.15',
    engine: isDown ? null : 'redis',
    uptimeSeconds: isDown ? null : 86_400 + (Math.floor(at / 1_000) % 86_400),
    maxMemoryPolicy: isDown ? null : 'allkeys-lru',
    maxClients: isDown ? null : 10_000,
    hotKeysRefusal: isRefused ? SEED_REFUSAL : null,
    watching: isDown ? null : isRefused ? seedRefusedWatching(at) : seedWatching(at),
  }
}

function metrics({ load, role, ordinal }: Member, index: number): NodeMetrics {
  return {
    opsPerSec: load,
    hitsPerSec: load * 0.72,
    missesPerSec: load * 0.06,
    expiredPerSec: load * 0.002,
    evictedPerSec: ordinal === 1 ? load * 0.001 : 0,
    netInBytesPerSec: load * 70,
    netOutBytesPerSec: load * 900,
    connectionsPerSec: 0.5,
    rejectedPerSec: 0,
    errorsPerSec: 0.1,
    commandUsPerSec: load * 3.1,
    cpuShare: Math.min(0.98, load / 25_000),
    usedMemoryBytes: 180 * MiB + ordinal * 11 * MiB + index * 512,
    maxMemoryBytes: 256 * MiB,
    rssBytes: 210 * MiB + ordinal * 11 * MiB,
    connectedClients: 24 + (index % 3),
    blockedClients: 0,
    pingMs: 0.3 + (load / 20_000) * 0.6,
    lagBytes: role === 'replica' ? 120 + (index % 11) * 40 : null,
    lagSeconds: role === 'replica' ? index % 2 : null,
    keys: 16_000 + index,
    expires: 12_000,
    ownCommandsPerSec: 2.5,
    ownBytesPerSec: 2_400,
    ownCpuShare: 0.0008,
  }
}

function commands(node: { cacheId: string; address: string; at: number }, { load }: Member) {
  const mix: [string, number, number][] = [
    ['get', 0.7, 2.1],
    ['set', 0.1, 3.4],
    ['hgetall', 0.1, 5.2],
    ['sadd', 0.05, 2.9],
    ['zrange', 0.03, 21.5],
    ['xadd', 0.02, 4.8],
  ]
  return mix.map(([command, share, usPerCall]) => ({
    ...node,
    command,
    callsPerSec: load * share,
    usPerCall,
    failedPerSec: 0,
    rejectedPerSec: 0,
    p50Us: usPerCall * 0.9,
    p99Us: usPerCall * 3,
    p999Us: usPerCall * 9,
  }))
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}
