import type { HotPattern } from '../../../core/model.ts'
import { IntervalBar } from '../../_components/charts/interval-bar.tsx'
import { Age } from '../../_components/clock.tsx'
import { type Column, DataTable } from '../../_components/data-table.tsx'
import { HeatMark } from '../../_components/hot-keys/heat-mark.tsx'
import { RateCell } from '../../_components/hot-keys/rate-cell.tsx'
import { KeyName } from '../../_components/key-name.tsx'
import { formatCount, formatRate, plural } from '../../_lib/format.ts'
import { isGlobOfItself, SOURCES } from '../../_lib/hot-key-text.ts'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { hotKeysHref } from '../../_lib/urls.ts'
import { shareScale } from '../_lib/ranking.ts'
import classes from './hot-key-table.module.css'
import type { OrdinalOf } from './merged-columns.tsx'

type Props = { rows: HotPattern[]; ordinalOf: OrdinalOf; range: RangeQuery }

/** Hot patterns of caches by their rate; the keys of no pattern last. */
export function PatternTable({ rows, ordinalOf, range }: Props) {
  const max = shareScale(rows)
  const columns: Column<HotPattern>[] = [
    {
      key: 'pattern',
      header: 'Pattern',
      grow: true,
      cell: (row) => (
        <span className={classes.key}>
          <PatternName row={row} range={range} />
          <span className={classes.note}>
            <HeatMark row={row} />
          </span>
        </span>
      ),
    },
    {
      key: 'share',
      header: 'Share of its cache',
      width: 240,
      cell: (row) => (
        <>
          <IntervalBar
            share={row.share}
            low={row.shareLow}
            high={row.shareHigh}
            ordinal={row.nodeIds.length === 1 ? ordinalOf(row.nodeIds[0] ?? 0) : null}
            max={max}
          />
          <span className={classes.narrow}>{formatRate(row.opsPerSec)}</span>
        </>
      ),
    },
    {
      key: 'rate',
      header: 'Rate',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => <RateCell row={row} />,
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
      key: 'keys',
      header: 'Keys seen',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => formatCount(row.keysSeen),
    },
    {
      key: 'cache',
      header: 'Cache',
      cell: (row) => (
        <span className={classes.where}>
          {row.cacheId}
          <span className={classes.note}>{plural(row.nodeIds.length, 'node')}</span>
        </span>
      ),
    },
    { key: 'source', header: 'Source', hideBelow: 'lg', cell: (row) => SOURCES[row.source].label },
    {
      key: 'age',
      header: 'Age',
      align: 'right',
      hideBelow: 'md',
      cell: (row) => <Age at={row.window.to} suffix="" />,
    },
  ]
  return (
    <DataTable
      caption="Hot patterns, the most commands per second first"
      columns={columns}
      rows={rows}
      rowKey={(row) => JSON.stringify([row.cacheId, row.pattern])}
    />
  )
}

/** A pattern whose text is a glob of the same keys leads to them. */
function PatternName({ row: { cacheId, pattern }, range }: { row: HotPattern; range: RangeQuery }) {
  if (pattern === null) return <>all other keys</>
  return (
    <KeyName
      text={pattern}
      href={isGlobOfItself(pattern) ? hotKeysHref({ cache: cacheId, pattern }, range) : undefined}
    />
  )
}
