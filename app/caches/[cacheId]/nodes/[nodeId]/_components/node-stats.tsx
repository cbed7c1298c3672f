import type { Node } from '../../../../../../core/model.ts'
import { Stat, Stats } from '../../../../../_components/stat.tsx'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMetric,
  formatRate,
  formatShare,
} from '../../../../../_lib/format.ts'

const NEAR_FULL = 0.9

/** What the node's last reading says. */
export function NodeStats({ node, staleAfterMs }: { node: Node; staleAfterMs: number }) {
  const { latest } = node
  const {
    usedMemoryBytes = null,
    maxMemoryBytes = null,
    hitsPerSec = null,
    missesPerSec = null,
  } = latest ?? {}
  const hits = hitsPerSec === null || missesPerSec === null ? null : hitsPerSec + missesPerSec
  const limit = maxMemoryBytes === null || maxMemoryBytes === 0 ? null : maxMemoryBytes
  const full = limit === null || usedMemoryBytes === null ? null : usedMemoryBytes / limit
  return (
    <Stats>
      <Stat
        label="Commands"
        value={formatRate(latest?.opsPerSec)}
        at={latest?.at ?? null}
        staleAfterMs={staleAfterMs}
      />
      <Stat
        label="Hit rate"
        value={hits === 0 ? 'no reads' : formatShare(hits === null ? null : (hitsPerSec ?? 0) / hits)}
        note={`${formatRate(missesPerSec)} misses`}
      />
      <Stat label="Main thread CPU" value={formatShare(latest?.cpuShare)} />
      <Stat
        label="Memory"
        value={formatBytes(usedMemoryBytes)}
        note={
          limit === null
            ? maxMemoryBytes === null
              ? undefined
              : 'no limit set'
            : `${formatShare(full)} of ${formatBytes(limit)}`
        }
        tone={full !== null && full >= NEAR_FULL ? 'warn' : undefined}
      />
      <Stat
        label="Evicted keys"
        value={formatRate(latest?.evictedPerSec)}
        note={node.maxMemoryPolicy ?? undefined}
      />
      <Stat
        label="Clients"
        value={formatCount(latest?.connectedClients)}
        note={node.maxClients === null ? undefined : `of ${formatCount(node.maxClients)}`}
      />
      <Stat label="PING round trip" value={formatMetric('pingMs', latest?.pingMs)} />
      {node.role === 'replica' && (
        <Stat
          label="Replication lag"
          value={formatMetric('lagSeconds', latest?.lagSeconds)}
          note={formatBytes(latest?.lagBytes)}
        />
      )}
      <Stat
        label="Keys"
        value={formatCount(latest?.keys)}
        note={`${formatCount(latest?.expires)} with a TTL`}
      />
      <Stat
        label="Up for"
        value={formatDuration(node.uptimeSeconds)}
        note={node.engine === null ? undefined : `${node.engine} ${node.version ?? ''}`.trim()}
      />
    </Stats>
  )
}
