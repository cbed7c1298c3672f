/** Columns of the lists whose rows are keys over all nodes of their cache. */
import type { CacheHotKey } from '../../../core/model.ts'
import { type Column, DataTable } from '../../_components/data-table.tsx'
import { HotKeyShare } from '../../_components/hot-key-share.tsx'
import { HeatMark } from '../../_components/hot-keys/heat-mark.tsx'
import { RateCell } from '../../_components/hot-keys/rate-cell.tsx'
import { KeyName } from '../../_components/key-name.tsx'
import { ShardName } from '../../_components/shard-name.tsx'
import { plural, UNKNOWN } from '../../_lib/format.ts'
import { commandText, SOURCES } from '../../_lib/hot-key-text.ts'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { keyHref } from '../../_lib/urls.ts'
import { shareScale } from '../_lib/ranking.ts'
import classes from './hot-key-table.module.css'

/** The shard of a node; null where it has none. */
export type OrdinalOf = (nodeId: number) => number | null
type KeyColumn = Column<CacheHotKey>

export const keyColumn = (range: RangeQuery): KeyColumn => ({
  key: 'key',
  header: 'Key',
  grow: true,
  cell: (row) => (
    <span className={classes.key}>
      <KeyName text={row.key} href={keyHref(row.cacheId, row.db, row.keyBase64, range)} />
      {row.db !== 0 && <span className={classes.note}>db {row.db}</span>}
      <span className={`${classes.narrow} ${classes.note}`}>{row.cacheId}</span>
      <span className={classes.note}>
        <HeatMark row={row} />
      </span>
    </span>
  ),
})

export function shareColumn(rows: CacheHotKey[], ordinalOf: OrdinalOf): KeyColumn {
  const max = shareScale(rows)
  return {
    key: 'share',
    header: 'Share of its cache',
    width: 220,
    cell: (row) => <HotKeyShare row={row} ordinal={ordinalOf(row.nodeId)} max={max} />,
  }
}

export const rateColumn: KeyColumn = {
  key: 'rate',
  header: 'Rate',
  align: 'right',
  cell: (row) => <RateCell row={row} />,
}

export const commandColumn: KeyColumn = {
  key: 'command',
  header: 'Command',
  hideBelow: 'md',
  cell: (row) => <code>{commandText(row.topCommand) ?? UNKNOWN}</code>,
}

export const whereColumn = (ordinalOf: OrdinalOf): KeyColumn => ({
  key: 'shard',
  header: 'Shard',
  hideBelow: 'sm',
  cell: (row) => {
    const ordinal = ordinalOf(row.nodeId)
    const more = row.nodeIds.length - 1
    return (
      <span className={classes.where}>
        {ordinal !== null && <ShardName ordinal={ordinal} />}
        <span className={classes.note}>
          {row.cacheId}
          {more > 0 && `, and ${plural(more, 'other node')}`}
        </span>
      </span>
    )
  },
})

export const sourceColumn: KeyColumn = {
  key: 'source',
  header: 'Source',
  hideBelow: 'lg',
  cell: (row) => SOURCES[row.source].label,
}

export function MergedTable(props: { caption: string; columns: KeyColumn[]; rows: CacheHotKey[] }) {
  return <DataTable {...props} rowKey={(row) => `${row.cacheId} ${row.db} ${row.keyBase64}`} />
}
