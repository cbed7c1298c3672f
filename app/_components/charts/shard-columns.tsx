'use client'

import Link from 'next/link'
import { useState } from 'react'
import { shardColor } from '../../_lib/palette.ts'
import { type ShardLoads, shardLoadText } from '../../_lib/shard-load.ts'
import { hotKeysHref } from '../../_lib/urls.ts'
import classes from './shard-load.module.css'

/** One thin column per shard, in their order or by load. */
export function ShardColumns({
  cacheId,
  loads,
  range,
}: {
  cacheId: string
  loads: ShardLoads
  range: Record<string, string | undefined>
}) {
  const [byLoad, setByLoad] = useState(false)
  const rows = byLoad ? loads.rows.toSorted((a, b) => (b.opsPerSec ?? -1) - (a.opsPerSec ?? -1)) : loads.rows
  const relative = (ops: number) => (loads.maxOpsPerSec === 0 ? 0 : ops / loads.maxOpsPerSec)
  return (
    <div>
      <fieldset className={classes.order}>
        <legend className="visually-hidden">Order of the shards</legend>
        <button type="button" aria-pressed={!byLoad} onClick={() => setByLoad(false)}>
          In order
        </button>
        <button type="button" aria-pressed={byLoad} onClick={() => setByLoad(true)}>
          By load
        </button>
      </fieldset>
      <ol className={classes.columns}>
        {rows.map((row) => (
          <li
            key={row.shardId}
            className={classes.column}
            data-tenth={row.ordinal % 10 === 0 || undefined}
            data-labelled={rows.length <= 30 || row.ordinal % 5 === 0 || row.hottest || undefined}
            data-hottest={row.hottest || undefined}
          >
            <Link
              href={hotKeysHref({ cache: cacheId, shard: row.shardId }, range)}
              prefetch={false}
              title={shardLoadText(row)}
              aria-label={shardLoadText(row)}
            >
              <span
                className={classes.columnFill}
                data-unknown={row.opsPerSec === null || undefined}
                style={
                  row.opsPerSec === null
                    ? { height: 'var(--column-height)' }
                    : {
                        height: `calc(var(--column-height) * ${relative(row.opsPerSec)})`,
                        background: shardColor(row.ordinal),
                      }
                }
              />
              <span className={classes.columnName}>{row.ordinal}</span>
            </Link>
          </li>
        ))}
        {loads.meanOpsPerSec !== null && (
          <li
            className={classes.columnsMean}
            style={{ bottom: `calc(18px + var(--column-height) * ${relative(loads.meanOpsPerSec)})` }}
            aria-hidden="true"
          />
        )}
      </ol>
    </div>
  )
}
