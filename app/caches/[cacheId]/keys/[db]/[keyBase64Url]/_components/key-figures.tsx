import Link from 'next/link'
import type { HotKey, Node } from '../../../../../../../core/model.ts'
import { Age } from '../../../../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../../../../_components/data-table.tsx'
import { EmptyState } from '../../../../../../_components/empty-state.tsx'
import { HotKeyShare } from '../../../../../../_components/hot-key-share.tsx'
import { HeatMark } from '../../../../../../_components/hot-keys/heat-mark.tsx'
import { SourceMark } from '../../../../../../_components/hot-keys/source-mark.tsx'
import { Panel } from '../../../../../../_components/panel.tsx'
import { formatDuration, formatRate, plural, UNKNOWN } from '../../../../../../_lib/format.ts'
import { commandText } from '../../../../../../_lib/hot-key-text.ts'
import { nodeHref } from '../../../../../../_lib/urls.ts'

/** The newest report of every node on which the key is hot. */
export function KeyFigures({ current, nodes }: { current: HotKey[]; nodes: Node[] }) {
  const nodeOf = (row: HotKey) => nodes.find(({ nodeId }) => nodeId === row.nodeId)
  const columns: Column<HotKey>[] = [
    {
      key: 'node',
      header: 'Node',
      cell: (row) => (
        <Link href={nodeHref(row.cacheId, row.nodeId)} prefetch={false}>
          <code>{nodeOf(row)?.address ?? `node ${row.nodeId}`}</code>
        </Link>
      ),
    },
    {
      key: 'share',
      header: 'Share, 95% interval',
      grow: true,
      cell: (row) => <HotKeyShare row={row} ordinal={nodeOf(row)?.shardOrdinal ?? 1} />,
    },
    {
      key: 'rate',
      header: 'Rate, 95% interval',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) =>
        row.opsPerSec === null
          ? UNKNOWN
          : `${formatRate(row.opsPerSec)} (${formatRate(row.opsPerSecLow)} to ${formatRate(row.opsPerSecHigh)})`,
    },
    {
      key: 'reads',
      header: 'Reads',
      align: 'right',
      hideBelow: 'md',
      cell: (row) => formatRate(row.readsPerSec),
    },
    {
      key: 'writes',
      header: 'Writes',
      align: 'right',
      hideBelow: 'md',
      cell: (row) => formatRate(row.writesPerSec),
    },
    {
      key: 'command',
      header: 'Command',
      hideBelow: 'md',
      cell: (row) => <code>{commandText(row.topCommand) ?? UNKNOWN}</code>,
    },
    { key: 'heat', header: 'Used', hideBelow: 'lg', cell: (row) => <HeatMark row={row} /> },
    { key: 'source', header: 'Source', hideBelow: 'sm', cell: (row) => <SourceMark source={row.source} /> },
    {
      key: 'window',
      header: 'From',
      align: 'right',
      hideBelow: 'sm',
      cell: ({ window }) =>
        `${window.sampledCommands === null ? '' : `${plural(window.sampledCommands, 'command')} in `}${formatDuration((Date.parse(window.to) - Date.parse(window.from)) / 1000)}`,
    },
    { key: 'age', header: 'Age', align: 'right', cell: ({ window }) => <Age at={window.to} suffix="" /> },
  ]
  return (
    <Panel title="Now" flush hint="On each node, with the 95% interval where the source can tell one.">
      <DataTable
        caption="Where the key is hot now"
        columns={columns}
        rows={current}
        rowKey={(row) => String(row.nodeId)}
        empty={<EmptyState title="It is not hot on any node now" compact />}
      />
    </Panel>
  )
}
