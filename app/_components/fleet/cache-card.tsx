import Link from 'next/link'
import type { Cache } from '../../../core/model.ts'
import { isSkewed } from '../../_lib/answers.ts'
import {
  formatBytes,
  formatDuration,
  formatRate,
  formatShare,
  formatTimes,
  plural,
  UNKNOWN,
} from '../../_lib/format.ts'
import { cacheHref, keyHref } from '../../_lib/urls.ts'
import { Sparkline } from '../charts/sparkline.tsx'
import { Age } from '../clock.tsx'
import { HealthBadge } from '../health-badge.tsx'
import { KeyName } from '../key-name.tsx'
import classes from './cache-card.module.css'

/** A cache of the fleet: state, figures, hottest key. */
export function CacheCard({
  cache,
  load,
  range,
}: {
  cache: Cache
  /** Commands per second over the range, for the sparkline. */
  load: (number | null)[]
  range: Record<string, string | undefined>
}) {
  const hot = cache.hottestKey
  return (
    <li className={classes.card} data-stale={cache.health === 'stale' || undefined}>
      <div className={classes.name}>
        <h2 className={classes.title}>
          <Link prefetch={false} href={cacheHref(cache.cacheId, range)} className={classes.cover}>
            {cache.cacheId}
          </Link>
        </h2>
        <HealthBadge
          health={cache.health}
          detail={
            cache.nodesUp === cache.nodeCount
              ? plural(cache.nodeCount, 'node')
              : `${cache.nodesUp} of ${cache.nodeCount} nodes up`
          }
        />
        <p className={classes.kind}>
          {cache.kind}, {plural(cache.shardCount, 'shard')}
          {cache.sampledAt !== null && (
            <>
              {' · '}
              <Age at={cache.sampledAt} />
            </>
          )}
        </p>
      </div>
      <dl className={classes.figures}>
        <Figure label="Load" value={formatRate(cache.opsPerSec)}>
          <Sparkline values={load} width={88} height={22} />
        </Figure>
        <Figure
          label="Busiest ÷ mean"
          value={cache.shardCount > 1 ? formatTimes(cache.hottestOverMean) : 'one shard'}
          tone={isSkewed(cache) ? 'warn' : undefined}
        />
        <Figure label="Hit rate" value={formatShare(cache.hitRate)} />
        <Figure label="Memory" value={formatBytes(cache.usedMemoryBytes)} note={memoryNote(cache)} />
        <Figure label="Worst lag" value={formatDuration(cache.worstLagSeconds)} />
        <div className={classes.hot}>
          <dt>Hottest key</dt>
          <dd>
            {hot === null ? (
              <span className={classes.none}>none</span>
            ) : (
              <>
                <KeyName text={hot.key} href={keyHref(hot.cacheId, hot.db, hot.keyBase64, range)} />
                <span className={classes.note}>
                  {formatShare(hot.share)} of its node, {formatRate(hot.opsPerSec)}
                </span>
              </>
            )}
          </dd>
        </div>
      </dl>
      {cache.health !== 'ok' && <p className={classes.reason}>{cache.healthReason}</p>}
    </li>
  )
}

function Figure({
  label,
  value,
  note,
  tone,
  children,
}: {
  label: string
  value: string
  note?: string
  tone?: 'warn' | undefined
  children?: React.ReactNode
}) {
  return (
    <div>
      <dt>{label}</dt>
      <dd className={classes.value} data-tone={tone} data-unknown={value === UNKNOWN || undefined}>
        {value}
      </dd>
      {note !== undefined && <dd className={classes.note}>{note}</dd>}
      {children !== undefined && <dd>{children}</dd>}
    </div>
  )
}

function memoryNote(cache: Cache): string {
  if (cache.maxMemoryBytes === null) return 'no limit'
  if (cache.usedMemoryBytes === null) return `of ${formatBytes(cache.maxMemoryBytes)}`
  return `${formatShare(cache.usedMemoryBytes / cache.maxMemoryBytes)} of ${formatBytes(cache.maxMemoryBytes)}`
}
