import type { Mitigation } from '../../../core/mitigations/model.ts'
import type { CacheHotKey, HotKeyRow } from '../../../core/model.ts'
import { Sparkline } from '../../_components/charts/sparkline.tsx'
import { Age } from '../../_components/clock.tsx'
import { type Column, DataTable } from '../../_components/data-table.tsx'
import { HotKeyShare } from '../../_components/hot-key-share.tsx'
import { HeatMark } from '../../_components/hot-keys/heat-mark.tsx'
import { RateCell } from '../../_components/hot-keys/rate-cell.tsx'
import { KeyName } from '../../_components/key-name.tsx'
import { RunningMark } from '../../_components/mitigations/marks.tsx'
import { MitigateButton } from '../../_components/mitigations/mitigate-button.tsx'
import { ShardName } from '../../_components/shard-name.tsx'
import { formatByteRate, formatBytes, formatRate, formatShare, plural, UNKNOWN } from '../../_lib/format.ts'
import { commandText, SOURCES } from '../../_lib/hot-key-text.ts'
import { keyAddress } from '../../_lib/mitigation-news.ts'
import { keySubject } from '../../_lib/mitigation-subject.ts'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { shardColor } from '../../_lib/palette.ts'
import { keyHref } from '../../_lib/urls.ts'
import { type OverCaches, overCache } from '../_lib/listed.ts'
import { isCurrent, shareScale } from '../_lib/ranking.ts'
import classes from './hot-key-table.module.css'

/** Hot keys by their rate; those that are hot no longer stand last, in muted letters. */
export function HotKeyTable({
  rows,
  overCaches,
  running,
  now,
  rangeLabel,
  rangeQuery,
}: {
  rows: HotKeyRow[]
  overCaches: OverCaches
  /** What is aimed at keys now, by keyAddress. */
  running: ReadonlyMap<string, Mitigation>
  now: number
  /** What the sparklines cover: `15 min`. */
  rangeLabel: string
  rangeQuery: RangeQuery
}) {
  const max = shareScale(rows)
  const runningOn = (row: HotKeyRow) => running.get(keyAddress(row))
  const columns: Column<HotKeyRow>[] = [
    {
      key: 'key',
      header: 'Key',
      grow: true,
      cell: (row) => (
        <span className={classes.key}>
          <KeyName text={row.key} href={keyHref(row.cacheId, row.db, row.keyBase64, rangeQuery)} />
          {row.db !== 0 && <span className={classes.note}>db {row.db}</span>}
          <span className={classes.note}>
            <HeatMark row={row} />
          </span>
          {row.isMissing === true && row.probedAt !== null && (
            <span className={classes.note}>
              missing, <Age at={row.probedAt} />
            </span>
          )}
          <RunningMark mitigation={runningOn(row)} />
          <span className={classes.narrow}>
            <MitigateButton look="icon" text="Mitigate" subject={keySubject(row, null)} />
          </span>
          {!isCurrent(row, now) && (
            <span className={classes.note}>
              not hot now, last <Age at={row.window.to} />
            </span>
          )}
        </span>
      ),
    },
    {
      key: 'share',
      header: 'Share of its node',
      width: 240,
      cell: (row) => (
        <>
          <HotKeyShare row={row} ordinal={row.shardOrdinal} max={max} />
          <span className={classes.narrow}>
            {row.opsPerSec !== null && formatRate(row.opsPerSec)}
            {readsOf(row) !== null && (
              <span className={classes.note}> {formatShare(readsOf(row))} reads</span>
            )}
          </span>
        </>
      ),
    },
    {
      key: 'cache',
      header: 'Of its cache',
      align: 'right',
      hideBelow: 'lg',
      cell: (row) => <CacheShare merged={isCurrent(row, now) ? overCache(row, overCaches) : null} />,
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
      key: 'shard',
      header: 'Shard',
      cell: (row) => (
        <span className={classes.where}>
          <ShardName ordinal={row.shardOrdinal} />
          <span className={classes.note}>{row.cacheId}</span>
        </span>
      ),
    },
    {
      key: 'bytes',
      header: 'Bytes',
      align: 'right',
      hideBelow: 'lg',
      cell: (row) =>
        row.sizeBytes === null ? (
          <span className={classes.note}>{row.isMissing === true ? 'none' : UNKNOWN}</span>
        ) : (
          <>
            {formatByteRate(row.bytesPerSec)}
            <span className={classes.under}>{formatBytes(row.sizeBytes)} each</span>
          </>
        ),
    },
    {
      key: 'command',
      header: 'Command',
      hideBelow: 'md',
      cell: (row) => <code>{commandText(row.topCommand) ?? UNKNOWN}</code>,
    },
    { key: 'first', header: 'First seen', hideBelow: 'lg', cell: (row) => <Age at={row.firstSeenAt} /> },
    { key: 'source', header: 'Source', hideBelow: 'lg', cell: (row) => SOURCES[row.source].label },
    {
      key: 'trend',
      header: `Last ${rangeLabel}`,
      hideBelow: 'md',
      cell: (row) => <Sparkline values={row.sparkline} color={shardColor(row.shardOrdinal)} />,
    },
    {
      key: 'act',
      header: <span className="visually-hidden">Action</span>,
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => <MitigateButton look="row" text="Mitigate" subject={keySubject(row, null)} />,
    },
  ]
  return (
    <DataTable
      caption="Hot keys, the most commands per second first"
      columns={columns}
      rows={rows}
      rowKey={(row) => `${row.cacheId} ${row.nodeId} ${row.db} ${row.keyBase64}`}
    />
  )
}

/** The share of all commands of the cache, and on how many nodes the key is hot where they are several. */
function CacheShare({ merged }: { merged: CacheHotKey | null }) {
  if (merged === null || merged.share === null) return <span className={classes.note}>{UNKNOWN}</span>
  return (
    <span
      title={`95% interval: ${formatShare(merged.shareLow)} to ${formatShare(merged.shareHigh)}; ${formatRate(merged.opsPerSec)} in all`}
    >
      {formatShare(merged.share)}
      {merged.nodeIds.length > 1 && (
        <span className={classes.under}>on {plural(merged.nodeIds.length, 'node')}</span>
      )}
    </span>
  )
}

function readsOf({ readsPerSec, opsPerSec }: HotKeyRow): number | null {
  return readsPerSec === null || opsPerSec === null || opsPerSec === 0
    ? null
    : Math.min(1, readsPerSec / opsPerSec)
}
