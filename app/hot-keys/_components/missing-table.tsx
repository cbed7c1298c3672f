import type { CacheHotKey } from '../../../core/model.ts'
import { Age } from '../../_components/clock.tsx'
import type { Column } from '../../_components/data-table.tsx'
import type { RangeQuery } from '../../_lib/page-range.ts'
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

const asked: Column<CacheHotKey> = {
  key: 'asked',
  header: 'Not there',
  align: 'right',
  cell: (row) => (row.probedAt === null ? null : <Age at={row.probedAt} />),
}

/** Keys that did not exist when their nodes were asked, by their rate. */
export function MissingTable({ rows, ordinalOf, range }: Props) {
  return (
    <MergedTable
      caption="Hot keys that do not exist, the most commands per second first"
      columns={[
        keyColumn(range),
        { ...shareColumn(rows, ordinalOf), hideBelow: 'sm' },
        rateColumn,
        asked,
        commandColumn,
        whereColumn(ordinalOf),
        sourceColumn,
      ]}
      rows={rows}
    />
  )
}
