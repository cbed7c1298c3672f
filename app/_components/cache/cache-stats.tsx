import type { Cache } from '../../../core/model.ts'
import { evennessNote, isSkewed } from '../../_lib/answers.ts'
import { isReplicated, skewText, worstLagText } from '../../_lib/cache-figures.ts'
import { formatBytes, formatRate, formatShare } from '../../_lib/format.ts'
import { Stat, Stats } from '../stat.tsx'

/** The figures of a cache, now. */
export function CacheStats({ cache }: { cache: Cache }) {
  const age = { at: cache.sampledAt, staleAfterMs: 2 * cache.intervalMs }
  return (
    <Stats>
      <Stat label="Load" value={formatRate(cache.opsPerSec)} note="all shards" {...age} />
      <Stat
        label="Busiest ÷ mean"
        value={skewText(cache)}
        tone={isSkewed(cache) ? 'warn' : undefined}
        note={skewNote(cache)}
        {...age}
      />
      <Stat label="Hit rate" value={formatShare(cache.hitRate)} note="hits ÷ reads" {...age} />
      <Stat label="Memory" value={formatBytes(cache.usedMemoryBytes)} note={memoryNote(cache)} {...age} />
      <Stat label="Evictions" value={formatRate(cache.evictedPerSec)} note="keys removed for room" {...age} />
      <Stat label="Worst lag" value={worstLagText(cache)} note={lagNote(cache)} {...age} />
    </Stats>
  )
}

function memoryNote({ usedMemoryBytes, maxMemoryBytes }: Cache): string {
  if (usedMemoryBytes === null) return 'of all primaries'
  if (maxMemoryBytes === null) return 'no limit set'
  return `${formatShare(usedMemoryBytes / maxMemoryBytes)} of ${formatBytes(maxMemoryBytes)}`
}

function skewNote(cache: Cache): string | undefined {
  if (cache.shardCount === 0) return undefined
  return cache.shardCount > 1 ? evennessNote(cache) : 'carries all of it'
}

function lagNote(cache: Cache): string {
  const { shardCount, worstLagBytes } = cache
  if (shardCount > 0 && !isReplicated(cache)) return 'nothing to fail over to'
  return worstLagBytes === null ? 'of a replica' : formatBytes(worstLagBytes)
}
