/** Facts of a cluster of three shards whose article:42 is hot; a test names what is different. */

import { slotOf } from '../../core/key-slot.ts'
import { formatKey } from '../../core/key-text.ts'
import type {
  KeyFacts,
  MitigationFacts,
  MitigationNode,
  MitigationShard,
} from '../../core/mitigations/facts.ts'
import type { MitigationAction, MitigationDraft } from '../../core/mitigations/model.ts'
import { PARAMETERS } from '../../core/mitigations/parameters.ts'

export const NOW = Date.UTC(2026, 10, 25, 12)

export function nodeFacts(over: Partial<MitigationNode> = {}): MitigationNode {
  return {
    nodeId: 1,
    address: '10.0.0.1:7000',
    clusterNodeId: null,
    role: 'primary',
    state: 'up',
    engine: 'redis',
    version: '7.0.15',
    sampledAt: NOW - 1_000,
    opsPerSec: 1_000,
    cpuShare: 0.2,
    pingMs: 0.4,
    lagSeconds: null,
    lagBytes: null,
    usedMemoryBytes: 100_000_000,
    maxMemoryBytes: 200_000_000,
    rssBytes: 120_000_000,
    systemMemoryBytes: 8_000_000_000,
    maxMemoryPolicy: 'allkeys-lru',
    keys: 10_000,
    expires: 8_000,
    connectedClients: 20,
    evictedPerSec: 0,
    ...over,
  }
}

/** Three equal shards, each with a primary and a replica in sync; the second does 6,000 of 10,000 commands a second. */
export function shardFacts(count = 3): MitigationShard[] {
  const width = Math.ceil(16_384 / count)
  return Array.from({ length: count }, (_, index) => {
    const first = index * width
    const opsPerSec = index === 1 ? 6_000 : 2_000
    return {
      shardId: 11 + index,
      ordinal: index + 1,
      slots: [[first, Math.min(first + width, 16_384) - 1]],
      opsPerSec,
      nodes: [
        nodeFacts({ nodeId: 101 + index, address: `10.0.0.${index + 1}:7000`, opsPerSec }),
        nodeFacts({
          nodeId: 201 + index,
          address: `10.0.0.${index + 1}:7001`,
          role: 'replica',
          opsPerSec: 0,
          lagSeconds: 0,
          lagBytes: 0,
        }),
      ],
    }
  })
}

/** Its slot is of the second of three shards. */
const HOT_KEY = 'article:42'

export function keyFacts(over: Partial<KeyFacts> = {}, name: string | Uint8Array = HOT_KEY): KeyFacts {
  const bytes = typeof name === 'string' ? new TextEncoder().encode(name) : name
  const slot = slotOf(bytes)
  return {
    db: 0,
    bytes,
    keyBase64: Buffer.from(bytes).toString('base64'),
    label: formatKey(bytes),
    slot,
    ownerShardId: 11 + Math.floor(slot / Math.ceil(16_384 / 3)),
    at: NOW - 4_000,
    source: 'monitor',
    opsPerSec: 4_501,
    opsPerSecLow: 4_400,
    opsPerSecHigh: 4_600,
    readsPerSec: 4_500,
    writesPerSec: 1,
    byNode: [{ nodeId: 101 + Math.floor(slot / Math.ceil(16_384 / 3)), opsPerSec: 4_501 }],
    commands: ['GET', 'SET'],
    sizeBytes: 480,
    isMissing: false,
    probedAt: NOW - 30_000,
    client: { at: NOW - 4_000, readsPerSec: 4_500, writesPerSec: 1 },
    ...over,
  }
}

export function mitigationFacts(over: Partial<MitigationFacts> = {}): MitigationFacts {
  return {
    cache: cacheFacts(),
    shards: shardFacts(),
    key: keyFacts(),
    apps: [
      {
        app: 'shop',
        instances: 12,
        hosts: ['web-1', 'web-2'],
        library: '@cachescope/client 0.1.0',
        disabled: 0,
      },
    ],
    connectionsWithoutLibrary: 0,
    running: [],
    ...over,
  }
}

export function cacheFacts(over: Partial<MitigationFacts['cache']> = {}): MitigationFacts['cache'] {
  return {
    cacheId: 'shop',
    kind: 'cluster',
    mitigationsEnabled: true,
    health: 'ok',
    healthReason: '3 shards share 10 k commands/s.',
    intervalMs: 2_000,
    sampledAt: NOW - 1_000,
    failoverAt: null,
    hitRate: 0.95,
    missesPerSec: 100,
    ...over,
  }
}

/** A single primary without slots, and `replicas` replicas of it. */
export function standaloneFacts(replicas = 0, over: Partial<MitigationFacts> = {}): MitigationFacts {
  const nodes = [
    nodeFacts({ nodeId: 101, opsPerSec: 6_000 }),
    ...Array.from({ length: replicas }, (_, index) =>
      nodeFacts({
        nodeId: 201 + index,
        address: `10.0.0.${index + 2}:7000`,
        role: 'replica',
        opsPerSec: 100,
        lagSeconds: 1,
        lagBytes: 0,
      }),
    ),
  ]
  return mitigationFacts({
    cache: cacheFacts({ kind: 'standalone' }),
    shards: [{ shardId: 11, ordinal: 1, slots: null, opsPerSec: 6_000 + 100 * replicas, nodes }],
    key: keyFacts({ slot: null, ownerShardId: 11, byNode: [{ nodeId: 101, opsPerSec: 4_501 }] }),
    ...over,
  })
}

export function keyDraft(
  action: MitigationAction,
  parameters: Record<string, unknown> = {},
  key = keyFacts(),
): MitigationDraft {
  return {
    cacheId: 'shop',
    action,
    target: { kind: 'key', db: key.db, keyBase64: key.keyBase64 },
    parameters: { ...PARAMETERS[action].parse(parameters) },
    expiresInSeconds: 3_600,
  }
}
