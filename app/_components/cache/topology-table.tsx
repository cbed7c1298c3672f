import Link from 'next/link'
import type { Node, Shard } from '../../../core/model.ts'
import { formatBytes, formatDuration, formatRate, formatSlots, UNKNOWN } from '../../_lib/format.ts'
import { nodeSubject, shardSubject } from '../../_lib/mitigation-subject.ts'
import { nodeHref } from '../../_lib/urls.ts'
import { Age } from '../clock.tsx'
import { type Column, DataTable } from '../data-table.tsx'
import { NodeStateBadge } from '../health-badge.tsx'
import { MitigateButton } from '../mitigations/mitigate-button.tsx'
import { RoleMark } from '../role-mark.tsx'
import { ShardName } from '../shard-name.tsx'
import classes from './topology-table.module.css'

type Row = { node: Node; shard: Shard; first: boolean }

/** Every node with its place: shard, role, state, slots, version. */
export function TopologyTable({
  shards,
  staleAfterMs,
  range,
}: {
  shards: Shard[]
  staleAfterMs: number
  range: Record<string, string | undefined>
}) {
  const rows: Row[] = shards.flatMap((shard) =>
    shard.nodes
      .toSorted((a, b) => a.role.localeCompare(b.role) || a.address.localeCompare(b.address))
      .map((node, index) => ({ node, shard, first: index === 0 })),
  )
  const columns: Column<Row>[] = [
    {
      key: 'node',
      header: 'Node',
      cell: ({ node }) => (
        <Link href={nodeHref(node.cacheId, node.nodeId, range)} prefetch={false}>
          <code>{node.address}</code>
        </Link>
      ),
    },
    {
      key: 'shard',
      header: 'Shard',
      cell: ({ shard, first }) => (
        <span className={classes.shard}>
          <ShardName ordinal={shard.ordinal} />
          {first && <MitigateButton look="row" text="Act on" subject={shardSubject(shard)} />}
        </span>
      ),
    },
    { key: 'role', header: 'Role', hideBelow: 'sm', cell: ({ node }) => <RoleMark role={node.role} /> },
    {
      key: 'state',
      header: 'State',
      cell: ({ node }) => (
        <NodeStateBadge
          state={node.state}
          detail={
            node.checkedAt === null ? undefined : <Age at={node.checkedAt} staleAfterMs={staleAfterMs} />
          }
        />
      ),
    },
    {
      key: 'slots',
      header: 'Slots',
      hideBelow: 'lg',
      cell: ({ shard, first }) => (first ? formatSlots(shard.slots) : ''),
    },
    {
      key: 'load',
      header: 'Load',
      align: 'right',
      hideBelow: 'sm',
      cell: ({ node }) => formatRate(reading(node)?.opsPerSec),
    },
    {
      key: 'memory',
      header: 'Memory',
      align: 'right',
      hideBelow: 'md',
      cell: ({ node }) => formatBytes(reading(node)?.usedMemoryBytes),
    },
    {
      key: 'lag',
      header: 'Lag',
      align: 'right',
      hideBelow: 'md',
      cell: ({ node }) => (node.role === 'replica' ? formatDuration(reading(node)?.lagSeconds) : '–'),
    },
    {
      key: 'version',
      header: 'Version',
      hideBelow: 'md',
      cell: ({ node }) => (node.version === null ? UNKNOWN : `${node.engine ?? ''} ${node.version}`.trim()),
    },
    {
      key: 'uptime',
      header: 'Uptime',
      align: 'right',
      hideBelow: 'lg',
      cell: ({ node }) => formatDuration(node.uptimeSeconds),
    },
    {
      key: 'act',
      header: <span className="visually-hidden">Action</span>,
      align: 'right',
      hideBelow: 'sm',
      cell: ({ node }) => <MitigateButton look="row" text="Act on" subject={nodeSubject(node)} />,
    },
  ]
  return (
    <DataTable
      caption="Nodes of the cache"
      maxHeight={640}
      columns={columns}
      rows={rows}
      rowKey={({ node }) => String(node.nodeId)}
      rowTone={({ node }) => (node.state === 'up' || node.state === 'pending' ? undefined : 'harm')}
    />
  )
}

/** A node that does not answer has no figures of now: its last ones stand on its own page, with their age. */
function reading(node: Node): Node['latest'] {
  return node.state === 'up' ? node.latest : null
}
