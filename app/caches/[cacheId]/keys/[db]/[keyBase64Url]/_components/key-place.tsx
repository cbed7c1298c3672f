import Link from 'next/link'
import type { Shard } from '../../../../../../../core/model.ts'
import { Age, Time } from '../../../../../../_components/clock.tsx'
import { NodeStateBadge } from '../../../../../../_components/health-badge.tsx'
import { Panel } from '../../../../../../_components/panel.tsx'
import { RoleMark } from '../../../../../../_components/role-mark.tsx'
import { ShardName } from '../../../../../../_components/shard-name.tsx'
import { Stat, Stats } from '../../../../../../_components/stat.tsx'
import { formatShare, UNKNOWN } from '../../../../../../_lib/format.ts'
import type { RangeQuery } from '../../../../../../_lib/page-range.ts'
import { nodeHref } from '../../../../../../_lib/urls.ts'
import classes from './key-view.module.css'

/** Where the key lives: its slot, shard and nodes. */
export function KeyPlace({
  db,
  slot,
  shard,
  firstSeenAt,
  lastSeenAt,
  range,
}: {
  db: number
  slot: number | null
  shard: Shard | null
  firstSeenAt: string
  lastSeenAt: string
  range: RangeQuery
}) {
  return (
    <Panel title="Where it lives">
      <Stats>
        <Stat
          label="Shard"
          value={shard === null ? UNKNOWN : <ShardName ordinal={shard.ordinal} />}
          note={shard === null ? undefined : `${formatShare(shard.loadShare)} of the cache's load`}
        />
        <Stat
          label="Slot"
          value={slot === null ? 'none' : slot}
          note={`${slot === null ? 'not a cluster' : 'of 16,384'}, database ${db}`}
        />
        <Stat label="First seen hot" value={<Age at={firstSeenAt} />} note={<Time at={firstSeenAt} />} />
        <Stat label="Last seen hot" value={<Age at={lastSeenAt} />} note={<Time at={lastSeenAt} />} />
      </Stats>
      {shard !== null && (
        <ul className={classes.nodes}>
          {shard.nodes.map((node) => (
            <li key={node.nodeId}>
              <RoleMark role={node.role} />
              <Link href={nodeHref(node.cacheId, node.nodeId, range)} prefetch={false}>
                <code>{node.address}</code>
              </Link>
              <NodeStateBadge state={node.state} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
