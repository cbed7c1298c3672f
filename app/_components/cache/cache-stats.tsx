import type { Cache } from '../../../core/model.ts'
import { isSkewed } from '../../_lib/answers.ts'
import { formatBytes, formatDuration, formatRate, formatShare, formatTimes } from '../../_lib/format.ts'
import { Stat, Stats } from '../stat.tsx'

/** The figures of a cache, now. */
export function CacheStats({ cache }: { cache: Cache }) {
  const age = { at: cache.sampledAt, staleAfterMs: 2 * cache.intervalMs }
  const full =
    cache.usedMemoryBytes !== null && cache.maxMemoryBytes !== null
      ? cache.usedMemoryBytes / cache.maxMemoryBytes
      : null
  return (
    <Stats>
      <Stat label="Load" value={formatRate(cache.opsPerSec)} note="all shards" {...age} />
      <Stat
        label="Busiest ÷ mean"
        value={formatTimes(cache.hottestOverMean)}
        tone={isSkewed(cache) ? 'warn' : undefined}
        note="1× is even"
        {...age}
      />
      <Stat label="Hit rate" value={formatShare(cache.hitRate)} note="hits ÷ reads" {...age} />
      <Stat
        label="Memory"
        value={formatBytes(cache.usedMemoryBytes)}
        note={full === null ? 'no limit set' : `${formatShare(full)} of ${formatBytes(cache.maxMemoryBytes)}`}
        {...age}
      />
      <Stat label="Evictions" value={formatRate(cache.evictedPerSec)} note="keys removed for room" {...age} />
      <Stat
        label="Worst lag"
        value={formatDuration(cache.worstLagSeconds)}
        note={cache.worstLagBytes === null ? 'of a replica' : formatBytes(cache.worstLagBytes)}
        {...age}
      />
    </Stats>
  )
}
