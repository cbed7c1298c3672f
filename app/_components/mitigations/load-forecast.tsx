import type { ReactNode } from 'react'
import type { ShardLoad } from '../../../core/mitigations/measures.ts'
import type { Preview } from '../../../core/mitigations/model.ts'
import { forecastRows } from '../../_lib/forecast.ts'
import { formatRate, formatTimes, plural } from '../../_lib/format.ts'
import { shardColor } from '../../_lib/palette.ts'
import { ShardName } from '../shard-name.tsx'
import classes from './load-forecast.module.css'

/** The same of the nodes of one shard, where they share the reads of a key. */
export function NodeForecast({ nodes }: { nodes: NonNullable<Preview['nodes']> }) {
  const max = nodes.reduce((high, { before, after }) => Math.max(high, before ?? 0, after ?? 0), 0)
  return (
    <ol className={classes.rows}>
      {nodes.map(({ nodeId, address, before, after }) => (
        <Bars
          key={nodeId}
          name={<code className={classes.address}>{address}</code>}
          color="var(--cs-calm)"
          before={before}
          after={after}
          max={max}
          words={['now', 'predicted']}
        />
      ))}
    </ol>
  )
}

/**
 * The load of every shard before and after, one bar above the other in the shard's colour.
 * @param words what the two are: now and predicted, or before and measured
 */
export function LoadForecast({
  before,
  after,
  overMean,
  words = ['now', 'then'],
  missing = 'what comes after cannot be predicted',
}: {
  before: ShardLoad[]
  after: ShardLoad[] | null
  /** Hottest over mean of both; null where it is not known. */
  overMean: [before: number | null, after: number | null]
  words?: [before: string, after: string]
  /** What stands in the legend where there is no `after`. */
  missing?: string
}) {
  const { rows, others, unknown, maxOpsPerSec } = forecastRows(before, after)
  if (rows.length === 0) return <p className={classes.unknown}>The load of the shards is unknown.</p>
  return (
    <div className={classes.forecast}>
      <ol className={classes.rows}>
        {rows.map((row) => (
          <Bars
            key={row.shardId}
            name={<ShardName ordinal={row.ordinal} />}
            color={shardColor(row.ordinal)}
            before={row.before}
            after={after === null ? undefined : row.after}
            max={maxOpsPerSec}
            words={words}
          />
        ))}
      </ol>
      <p className={classes.legend}>
        <span>
          <span className={classes.key} data-before aria-hidden="true" /> {words[0]}
          {overMean[0] !== null && `, busiest ${formatTimes(overMean[0])} the mean`}
        </span>
        {after === null ? (
          <span>{missing}</span>
        ) : (
          <span>
            <span className={classes.key} aria-hidden="true" /> {words[1]}
            {overMean[1] !== null && `, busiest ${formatTimes(overMean[1])} the mean`}
          </span>
        )}
        {others > 0 && <span>{plural(others, 'other shard')} with less load</span>}
        {unknown > 0 && <span>{plural(unknown, 'other shard')} with an unknown load</span>}
      </p>
    </div>
  )
}

/** `after` undefined: it is not known, and has no bar. */
function Bars({
  name,
  color,
  before,
  after,
  max,
  words,
}: {
  name: ReactNode
  color: string
  before: number | null
  after: number | null | undefined
  max: number
  words: [before: string, after: string]
}) {
  const width = (ops: number | null) => `${max === 0 || ops === null ? 0 : (ops / max) * 100}%`
  return (
    <li className={classes.row}>
      {name}
      <span className={classes.tracks} aria-hidden="true">
        <span className={classes.track}>
          <span className={classes.fill} data-before style={{ width: width(before), background: color }} />
        </span>
        {after !== undefined && (
          <span className={classes.track}>
            <span className={classes.fill} style={{ width: width(after), background: color }} />
          </span>
        )}
      </span>
      <span className={classes.figures}>
        <span className={classes.before}>
          <span className="visually-hidden">{words[0]} </span>
          {formatRate(before)}
        </span>
        {after !== undefined && (
          <span className={classes.after}>
            <span className="visually-hidden">{words[1]} </span>
            {formatRate(after)}
          </span>
        )}
      </span>
    </li>
  )
}
