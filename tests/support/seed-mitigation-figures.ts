/** What was predicted and measured of the synthetic fleet's mitigations, and who had applied them. */
import type { Measures, Proof } from '../../core/mitigations/measures.ts'
import type { Preview } from '../../core/mitigations/model.ts'
import type { Shard } from '../../core/model.ts'
import type { Seed } from './seed-mitigation-list.ts'

export const INSTANCES = 12

function loads(shards: Shard[], hot: number, rest: number) {
  return shards.map(({ shardId, ordinal }) => ({
    shardId,
    ordinal,
    opsPerSec: ordinal === 2 ? hot : rest + 60 * ordinal,
  }))
}

export function previewOf(seed: Seed, shards: Shard[]): Preview {
  const ofKey = typeof seed.of === 'string'
  const node = shards[0]?.nodes[0]?.address ?? '10.0.0.1:7000'
  return {
    action: seed.action,
    summary: ofKey
      ? `Reads of ${seed.of} will be spread over 3 names on 3 shards; writes stay at ${node}.`
      : 'A replica in sync becomes the primary.',
    commands: ofKey
      ? [
          { node, command: `DUMP ${seed.of}` },
          {
            node: shards[1]?.nodes[0]?.address ?? node,
            command: `RESTORE {hk1.2}:${seed.of} 5000 (the copy) REPLACE`,
          },
        ]
      : [{ node, command: 'CLUSTER FAILOVER' }],
    refusals: [],
    warnings: [],
    wayBack: ofKey
      ? 'Drain it: reads go to the key itself again, then the copies are unlinked.'
      : 'A failover stays when it ends. Its way back is another failover of the shard.',
    staleness: ofKey
      ? 'A reader may see a value up to 1 s after it was replaced; where something fails meanwhile, up to 5 s.'
      : null,
    before: loads(shards, 18_900, 4_100),
    after: ofKey ? loads(shards, 9_700, 8_600) : null,
    hottestOverMeanBefore: 2.1,
    hottestOverMeanAfter: ofKey ? 1.08 : null,
    keyOpsPerSecAfter: ofKey ? 4_000 : null,
    variants: null,
    apps: [
      {
        app: 'web',
        instances: INSTANCES,
        hosts: ['web-1', 'web-2', 'web-3', 'web-4'],
        library: '@cachescope/client 0.1.0',
      },
    ],
    connectionsWithoutLibrary: 3,
  }
}

const BECAUSE = {
  worked:
    'The busiest shard fell from 2.1× to 1.09× the mean, and the key from 12.1 k/s to 4.05 k/s a shard.',
  'no-effect':
    'The key is asked for 11.9 k/s at the servers, as before (12.1 k/s): 2 of 12 processes read it from memory.',
  harmful: 'p99 of its reads rose from 900 µs to 4.2 ms, and 4% of the reads failed.',
  unknown: 'The key was not asked for any more.',
} as const

export function proofOf(seed: Seed, shards: Shard[], createdAt: number): Proof | null {
  if (seed.phase === 'prepare' || seed.outcome === 'refused' || typeof seed.of === 'number') return null
  const verdict = seed.verdict ?? null
  const good = verdict === 'worked' || verdict === null
  const measures = (from: number, after: boolean): Measures => {
    const helped = after && good
    return {
      from: new Date(from).toISOString(),
      to: new Date(from + 60_000).toISOString(),
      keyOpsPerSec: helped ? 4_050 : 12_100,
      keyReadsByAppPerSec: 12_000,
      localHitsPerSec: helped && seed.action === 'local-cache' ? 7_950 : 0,
      shards: helped ? loads(shards, 9_800, 8_550) : loads(shards, 18_700, 4_150),
      hottestOverMean: helped ? 1.09 : 2.1,
      p99Us: after && verdict === 'harmful' ? 4_200 : helped ? 610 : 900,
      timedReads: after ? 720_000 : 38_000,
      hitRate: 0.92,
      missesPerSec: 1_610,
      cpuShare: helped ? 0.38 : 0.74,
      netOutBytesPerSec: helped ? 8_400_000 : 16_800_000,
      instances: after ? INSTANCES : null,
    }
  }
  const windows = verdict === null ? 1 : 2
  return {
    before: measures(createdAt - 60_000, false),
    after: Array.from({ length: windows }, (_, index) => measures(createdAt + 20_000 + index * 60_000, true)),
    verdict,
    because: verdict === null ? null : BECAUSE[verdict],
    decidedAt: verdict === null ? null : new Date(createdAt + 140_000).toISOString(),
    divergence: seed.action === 'local-cache' ? null : { probes: 412, diverged: 0, since: null },
  }
}

export function acknowledgementOf(seed: Seed, now: number) {
  const late = seed.phase === 'prepare' ? 2 : seed.outcome === 'harmful' && seed.phase !== 'off' ? 3 : 0
  return {
    at: new Date(now).toISOString(),
    applied: INSTANCES - late,
    instances: INSTANCES,
    laggards: Array.from({ length: late }, (_, index) => ({
      app: 'web',
      host: `web-${index + 1}`,
      pid: 4_000 + index,
      rev: 3,
      seenAt: new Date(now - 3_000).toISOString(),
    })),
    connectionsWithoutLibrary: 3,
  }
}
