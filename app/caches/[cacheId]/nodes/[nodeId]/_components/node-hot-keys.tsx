import type { HotKey, Node } from '../../../../../../core/model.ts'
import { Age } from '../../../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../../../_components/data-table.tsx'
import { EmptyState } from '../../../../../_components/empty-state.tsx'
import { HotKeyShare } from '../../../../../_components/hot-key-share.tsx'
import { SourceMark } from '../../../../../_components/hot-keys/source-mark.tsx'
import { KeyName } from '../../../../../_components/key-name.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import { formatDuration, formatRate, UNKNOWN } from '../../../../../_lib/format.ts'
import { commandText } from '../../../../../_lib/hot-key-text.ts'
import type { RangeQuery } from '../../../../../_lib/page-range.ts'
import { keyHref } from '../../../../../_lib/urls.ts'

/** The keys that take most of this node's commands now. */
export function NodeHotKeys({ node, hotKeys, range }: { node: Node; hotKeys: HotKey[]; range: RangeQuery }) {
  const columns: Column<HotKey>[] = [
    {
      key: 'key',
      header: 'Key',
      grow: true,
      cell: (row) => <KeyName text={row.key} href={keyHref(row.cacheId, row.db, row.keyBase64, range)} />,
    },
    {
      key: 'share',
      header: 'Share',
      width: 260,
      cell: (row) => <HotKeyShare row={row} ordinal={node.shardOrdinal ?? 1} />,
    },
    { key: 'rate', header: 'Rate', align: 'right', cell: (row) => formatRate(row.opsPerSec) },
    {
      key: 'command',
      header: 'Command',
      hideBelow: 'sm',
      cell: (row) => <code>{commandText(row.topCommand) ?? UNKNOWN}</code>,
    },
    { key: 'source', header: 'Source', hideBelow: 'md', cell: (row) => <SourceMark source={row.source} /> },
    {
      key: 'window',
      header: 'From',
      align: 'right',
      hideBelow: 'md',
      cell: ({ window }) => formatDuration((Date.parse(window.to) - Date.parse(window.from)) / 1000),
    },
    { key: 'age', header: 'Age', align: 'right', cell: ({ window }) => <Age at={window.to} suffix="" /> },
  ]
  return (
    <Panel title="Hot keys now" hint="Shares are of this node’s commands." flush>
      <DataTable
        caption="Hot keys of this node"
        columns={columns}
        rows={hotKeys}
        rowKey={(row) => `${row.db} ${row.keyBase64}`}
        empty={
          <EmptyState title={emptyTitle(node)} compact>
            {node.hotKeysRefusal !== null && <p>{node.hotKeysRefusal}</p>}
          </EmptyState>
        }
      />
    </Panel>
  )
}

function emptyTitle({ state, hotKeysRefusal }: Node): string {
  if (hotKeysRefusal !== null) return 'Hot keys are not read here'
  if (state === 'up') return 'No key is hot here'
  return state === 'pending' ? 'Not read yet' : 'Not known while the node cannot be read'
}
