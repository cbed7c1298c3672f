import Link from 'next/link'
import type { Cache } from '../../../core/model.ts'
import { evennessNote, isSkewed } from '../../_lib/answers.ts'
import { skewText, worstLagText } from '../../_lib/cache-figures.ts'
import { formatBytes, formatRate, formatShare, plural, UNKNOWN } from '../../_lib/format.ts'
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
              ? nodesText(cache.nodeCount)
              : `${cache.nodesUp} of ${cache.nodeCount} nodes up`
          }
        />
        <p className={classes.kind}>
          {cache.kind}
          {cache.shardCount > 0 && `, ${plural(cache.shardCount, 'shard')}`}
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
          value={skewText(cache)}
          tone={isSkewed(cache) ? 'warn' : undefined}
          note={cache.shardCount > 1 ? evennessNote(cache) : undefined}
        />
        <Figure label="Hit rate" value={formatShare(cache.hitRate)} />
        <Figure label="Memory" value={formatBytes(cache.usedMemoryBytes)} note={memoryNote(cache)} />
        <Figure label="Worst lag" value={worstLagText(cache)} />
        <div className={classes.hot}>
          <dt>Hottest key</dt>
          <dd>
            {hot === null ? (
              <span className={classes.none}>{isCurrent(cache) ? 'none' : UNKNOWN}</span>
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
  note?: string | undefined
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

function nodesText(count: number): string {
  return count === 0 ? 'nodes unknown' : plural(count, 'node')
}

/** Whether it was sampled just now: before, and long after, nobody knows which key is hot. */
function isCurrent({ health }: Cache): boolean {
  return health !== 'pending' && health !== 'stale'
}

function memoryNote(cache: Cache): string | undefined {
  if (cache.usedMemoryBytes === null) return undefined
  if (cache.maxMemoryBytes === null) return 'no limit'
  return `${formatShare(cache.usedMemoryBytes / cache.maxMemoryBytes)} of ${formatBytes(cache.maxMemoryBytes)}`
}
