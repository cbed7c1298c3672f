import Link from 'next/link'
import type { Shard } from '../../../core/model.ts'
import { formatRate, formatShare, formatTimes, UNKNOWN } from '../../_lib/format.ts'
import { shardColor } from '../../_lib/palette.ts'
import { type ShardLoadRow, type ShardLoads, shardLoads } from '../../_lib/shard-load.ts'
import { hotKeysHref, keyHref } from '../../_lib/urls.ts'
import { KeyName } from '../key-name.tsx'
import { ShardName } from '../shard-name.tsx'
import { ShardColumns } from './shard-columns.tsx'
import classes from './shard-load.module.css'

const MAX_BARS = 12
const TOP_BARS = 5

type Range = Record<string, string | undefined>

/**
 * The load of every shard side by side, the mean marked, the hottest called out with the key that causes it.
 * More shards than a dozen stand as columns, the busiest again as bars.
 */
export function ShardLoad({ cacheId, shards, range }: { cacheId: string; shards: Shard[]; range: Range }) {
  const loads = shardLoads(shards)
  const many = loads.rows.length > MAX_BARS
  const shown = many
    ? loads.rows.toSorted((a, b) => (b.opsPerSec ?? 0) - (a.opsPerSec ?? 0)).slice(0, TOP_BARS)
    : loads.rows
  return (
    <div className={classes.load}>
      {many && <ShardColumns cacheId={cacheId} loads={loads} range={range} />}
      {many && <h3 className={classes.subtitle}>The busiest {TOP_BARS}</h3>}
      <ol className={classes.bars}>
        {shown.map((row) => (
          <ShardBar
            key={row.shardId}
            row={row}
            loads={loads}
            shard={shards.find((shard) => shard.shardId === row.shardId)}
            href={hotKeysHref({ cache: cacheId, shard: row.shardId }, range)}
            range={range}
          />
        ))}
      </ol>
      {loads.meanOpsPerSec !== null && loads.rows.length > 1 && (
        <p className={classes.mean}>
          <span className={classes.meanMark} aria-hidden="true" /> mean {formatRate(loads.meanOpsPerSec)} a
          shard
        </p>
      )}
    </div>
  )
}

function ShardBar({
  row,
  loads,
  shard,
  href,
  range,
}: {
  row: ShardLoadRow
  loads: ShardLoads
  shard: Shard | undefined
  href: string
  range: Range
}) {
  const hot = row.hottest ? shard?.hottestKey : null
  const percent = (ops: number) => `${loads.maxOpsPerSec === 0 ? 0 : (ops / loads.maxOpsPerSec) * 100}%`
  return (
    <li className={classes.bar} data-hottest={row.hottest || undefined}>
      <Link prefetch={false} href={href} className={classes.name} title="Hot keys of this shard">
        <ShardName ordinal={row.ordinal} />
      </Link>
      <span className={classes.track} data-unknown={row.opsPerSec === null || undefined} aria-hidden="true">
        {row.opsPerSec !== null && (
          <span
            className={classes.fill}
            style={{ width: percent(row.opsPerSec), background: shardColor(row.ordinal) }}
          />
        )}
        {loads.meanOpsPerSec !== null && loads.rows.length > 1 && (
          <span className={classes.meanLine} style={{ left: percent(loads.meanOpsPerSec) }} />
        )}
      </span>
      {row.opsPerSec === null ? (
        <span className={classes.unknown}>{UNKNOWN}</span>
      ) : (
        <>
          <span className={classes.rate}>{formatRate(row.opsPerSec)}</span>
          <span className={classes.share}>{row.loadShare === null ? '–' : formatShare(row.loadShare)}</span>
        </>
      )}
      {row.hottest && (
        <span className={classes.callout}>
          busiest, {formatTimes(row.overMean)} the mean
          {hot != null && (
            <>
              {': '}
              <KeyName text={hot.key} href={keyHref(hot.cacheId, hot.db, hot.keyBase64, range)} /> is{' '}
              {formatShare(hot.share)} of its node’s commands
            </>
          )}
        </span>
      )}
    </li>
  )
}
