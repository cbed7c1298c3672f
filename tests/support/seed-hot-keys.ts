/** The hot keys and patterns of the synthetic fleet: one very hot, one big, one missing, one that is mostly written. */
import type { Watching } from '../../core/model.ts'
import type { HotKeySample, HotPatternSample } from '../../core/sample.ts'
import type { Fleet, Member } from './seed-types.ts'

const SAMPLED = 20_000
const BIG_RANK = 2
const MISSING_RANK = 3
const WRITTEN_RANK = 4

export function seedHotKeys(fleet: Fleet, member: Member, at: number): HotKeySample[] {
  if (member.role !== 'primary') return []
  const hot = member.ordinal === fleet.hotShard
  return Array.from({ length: fleet.hotKeysPerNode }, (_, index) => {
    const isTop = hot && index === 0
    const share = isTop ? 0.64 : 0.05 / (index + 1)
    const written = index === WRITTEN_RANK
    const isMissing = index === MISSING_RANK
    return {
      cacheId: member.cacheId,
      address: member.address,
      at,
      windowFrom: at - 10_000,
      sampledCommands: SAMPLED,
      db: 0,
      key: new TextEncoder().encode(isTop ? 'article:42' : `article:${1_000 * member.ordinal + index}`),
      ...rates(share, member.load, written ? 0.9 : isTop ? fleet.hotKeyWrites : 0.05),
      topCommand: written ? 'HINCRBY' : 'GET',
      commands: written ? ['HINCRBY', 'HGETALL'] : ['GET'],
      cpuShare: null,
      lfuCounter: null,
      sizeBytes: isMissing ? null : index === BIG_RANK ? 102_464 : 480 + 16 * index,
      isMissing,
      probedAt: at - 4_000,
      source: 'monitor',
      rank: index + 1,
    }
  })
}

export function seedHotPatterns(member: Member, at: number): HotPatternSample[] {
  if (member.role !== 'primary') return []
  const mix: [pattern: string | null, share: number, writes: number, keysSeen: number][] = [
    ['article:*', 0.71, 0.05, 1_840],
    ['session:*', 0.12, 0.3, 2_011],
    ['{cart:*}:items', 0.08, 0.6, 811],
    [null, 0.09, 0.2, 940],
  ]
  return mix.map(([pattern, share, writes, keysSeen], index) => ({
    cacheId: member.cacheId,
    address: member.address,
    at,
    windowFrom: at - 10_000,
    sampledCommands: SAMPLED,
    source: 'monitor',
    rank: index + 1,
    pattern,
    ...rates(share, member.load, writes),
    keysSeen,
  }))
}

/** Of a node that forbids every source. */
export const SEED_REFUSAL =
  'User cachescope may not use MONITOR: ACL SETUSER cachescope +monitor on the node lifts this.'

export function seedRefusedWatching(at: number): Watching {
  const watching = seedWatching(at)
  return {
    ...watching,
    source: null,
    sources: watching.sources.map((one) =>
      one.source === 'monitor' ? { source: 'monitor', state: 'refused', reason: SEED_REFUSAL } : one,
    ),
    attention: null,
    predictedShare: null,
    measuredShare: null,
    lastBurst: null,
  }
}

export function seedWatching(at: number): Watching {
  return {
    source: 'monitor',
    sources: [
      { source: 'monitor', state: 'used', reason: null },
      {
        source: 'hotkeys',
        state: 'unsupported',
        reason: 'The node has no HOTKEYS: its version is older, or it is disabled there.',
      },
      {
        source: 'slot-stats',
        state: 'unsupported',
        reason: 'The node has no CLUSTER SLOT-STATS: its version is older, or it is disabled there.',
      },
      {
        source: 'lfu',
        state: 'unsupported',
        reason:
          'The node counts no uses of keys under maxmemory-policy allkeys-lru: allkeys-lfu or volatile-lfu does.',
      },
    ],
    budget: 0.01,
    attention: 0.5,
    predictedShare: 0.0047,
    measuredShare: 0.0051,
    lastBurst: {
      at: new Date(at - 1_300).toISOString(),
      windowMs: 24,
      commands: 432,
      bytes: 33_100,
      predictedUs: 660,
      measuredUs: 702,
      predictedLatencyMs: 9.4,
      end: 'window',
    },
  }
}

function rates(share: number, load: number, writes: number) {
  const margin = 1.96 * Math.sqrt((share * (1 - share)) / SAMPLED)
  const [low, high] = [Math.max(0, share - margin), Math.min(1, share + margin)]
  return {
    share,
    shareLow: low,
    shareHigh: high,
    opsPerSec: share * load,
    opsPerSecLow: low * load,
    opsPerSecHigh: high * load,
    readsPerSec: share * load * (1 - writes),
    writesPerSec: share * load * writes,
  }
}
