import Link from 'next/link'
import type { Advice } from '../../../../../../../core/mitigations/advice.ts'
import type { Mitigation } from '../../../../../../../core/mitigations/model.ts'
import type { CacheHotKey, Event, HotPattern, Shard } from '../../../../../../../core/model.ts'
import type { HotKeyDetail } from '../../../../../../../store/hot-keys.ts'
import type { KeyWaits as Waits } from '../../../../../../../store/key-waits.ts'
import { Announce } from '../../../../../../_components/announce.tsx'
import { Columns } from '../../../../../../_components/columns.tsx'
import { BigKeys } from '../../../../../../_components/hot-keys/big-keys.tsx'
import { MissingKeys } from '../../../../../../_components/hot-keys/missing-keys.tsx'
import { MitigateButton } from '../../../../../../_components/mitigations/mitigate-button.tsx'
import { PageHead } from '../../../../../../_components/page-head.tsx'
import { phaseNews } from '../../../../../../_lib/mitigation-news.ts'
import { keySubject } from '../../../../../../_lib/mitigation-subject.ts'
import { ACTION_TEXT } from '../../../../../../_lib/mitigation-text.ts'
import type { PageRange } from '../../../../../../_lib/page-range.ts'
import { cacheHref, fleetHref, hotKeysHref } from '../../../../../../_lib/urls.ts'
import { shardOfKey } from '../_lib/shard-of-key.ts'
import { KeyAnswer } from './key-answer.tsx'
import { KeyCharts } from './key-charts.tsx'
import { KeyFacts } from './key-facts.tsx'
import { KeyFigures } from './key-figures.tsx'
import { KeyMitigations } from './key-mitigations.tsx'
import { KeyNamePanel } from './key-name-panel.tsx'
import { KeyPlace } from './key-place.tsx'
import classes from './key-view.module.css'
import { KeyWaits } from './key-waits.tsx'

const HARMFUL_SHARE = 0.25

export type KeyData = {
  detail: HotKeyDetail
  shards: Shard[]
  /** Of its cache, as the lists beside it. */
  missing: CacheHotKey[]
  big: CacheHotKey[]
  patterns: HotPattern[]
  /** Aimed at it, the newest first. */
  mitigations: Mitigation[]
  /** Of its cache, over the range. */
  events: Event[]
  /** The one mitigation that fits it now; null: nothing can be said. */
  advice: Advice | null
  /** How long its readers wait, by what applications have told lately. */
  waits: Waits
  page: PageRange
}

export function KeyView({ data }: { data: KeyData }) {
  const { detail, shards, page } = data
  const shard = shardOfKey(detail, shards)
  const ordinal = shard?.ordinal ?? null
  const nodes = shards.flatMap((each) => each.nodes)
  const current = detail.current.toSorted(
    (a, b) => (b.opsPerSec ?? -1) - (a.opsPerSec ?? -1) || a.rank - b.rank,
  )
  const newest = data.mitigations[0]
  const running = data.mitigations.find(({ phase }) => phase !== 'off')
  return (
    <>
      <PageHead
        crumbs={
          <>
            <Link href={fleetHref(page.query)}>Fleet</Link>
            <span aria-hidden="true">/</span>
            <Link href={cacheHref(detail.cacheId, page.query)}>{detail.cacheId}</Link>
            <span aria-hidden="true">/</span>
            <Link href={hotKeysHref({ cache: detail.cacheId }, page.query)}>Hot keys</Link>
          </>
        }
        title={`Key of ${detail.cacheId}${detail.db === 0 ? '' : `, database ${detail.db}`}`}
        answer={
          <KeyAnswer name={detail.key} current={current} lastSeenAt={detail.lastSeenAt} nodes={nodes} />
        }
        tone={(current[0]?.share ?? 0) >= HARMFUL_SHARE ? 'warn' : 'calm'}
        notice={page.notice}
      />
      {running === undefined && (
        <div className={classes.mitigate}>
          <MitigateButton look="primary" text="Mitigate" subject={keySubject(detail, detail.slot)} />
          {data.advice !== null && (
            <p>
              {data.advice.action === null ? (
                'None is recommended. '
              ) : (
                <>
                  <b>{ACTION_TEXT[data.advice.action].name}</b> is recommended.{' '}
                </>
              )}
              <span>{data.advice.because}</span>
            </p>
          )}
        </div>
      )}
      <KeyMitigations mitigations={data.mitigations} subject={keySubject(detail, detail.slot)} />
      <Announce of={newest?.mitigationId} text={newest === undefined ? '' : phaseNews(newest)} />
      <KeyCharts
        history={detail.history}
        rated={current.length === 0 || current.some((row) => row.opsPerSec !== null)}
        ordinal={ordinal}
        range={page.range}
        events={data.events}
      />
      <KeyFigures current={current} nodes={nodes} />
      <KeyWaits waits={data.waits} />
      <KeyFacts name={detail.key} current={current} patterns={data.patterns} range={page.query} />
      <KeyPlace
        db={detail.db}
        slot={detail.slot}
        shard={shard}
        firstSeenAt={detail.firstSeenAt}
        lastSeenAt={detail.lastSeenAt}
        range={page.query}
      />
      <KeyNamePanel name={detail.key} keyBase64={detail.keyBase64} />
      <Columns>
        <MissingKeys cacheId={detail.cacheId} rows={data.missing} range={page.query} />
        <BigKeys cacheId={detail.cacheId} rows={data.big} range={page.query} />
      </Columns>
    </>
  )
}
