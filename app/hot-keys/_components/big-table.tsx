import type { CacheHotKey } from '../../../core/model.ts'
import { Age } from '../../_components/clock.tsx'
import type { Column } from '../../_components/data-table.tsx'
import { formatByteRate, formatBytes } from '../../_lib/format.ts'
import type { RangeQuery } from '../../_lib/page-range.ts'
import classes from './hot-key-table.module.css'
import {
  commandColumn,
  keyColumn,
  MergedTable,
  type OrdinalOf,
  rateColumn,
  shareColumn,
  sourceColumn,
  whereColumn,
} from './merged-columns.tsx'

type Props = { rows: CacheHotKey[]; ordinalOf: OrdinalOf; range: RangeQuery }

const bytes: Column<CacheHotKey> = {
  key: 'bytes',
  header: 'Bytes',
  align: 'right',
  cell: (row) => formatByteRate(row.bytesPerSec),
}
const size: Column<CacheHotKey> = {
  key: 'size',
  header: 'Size',
  align: 'right',
  cell: (row) => (
    <>
      {formatBytes(row.sizeBytes)}
      {row.probedAt !== null && (
        <span className={classes.under}>
          <Age at={row.probedAt} />
        </span>
      )}
    </>
  ),
}

/** Keys by rate × size. */
export function BigTable({ rows, ordinalOf, range }: Props) {
  return (
    <MergedTable
      caption="Hot keys, the most bytes per second first"
      columns={[
        keyColumn(range),
        bytes,
        size,
        { ...rateColumn, hideBelow: 'sm' },
        { ...shareColumn(rows, ordinalOf), hideBelow: 'md' },
        commandColumn,
        whereColumn(ordinalOf),
        sourceColumn,
      ]}
      rows={rows}
    />
  )
}
