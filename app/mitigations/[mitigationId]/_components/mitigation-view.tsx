import Link from 'next/link'
import { Announce } from '../../../_components/announce.tsx'
import { Time, Until } from '../../../_components/clock.tsx'
import { Columns } from '../../../_components/columns.tsx'
import { KeyName } from '../../../_components/key-name.tsx'
import { ChangeButtons } from '../../../_components/mitigations/change-buttons.tsx'
import { PhaseMark } from '../../../_components/mitigations/marks.tsx'
import { PageHead } from '../../../_components/page-head.tsx'
import { Panel } from '../../../_components/panel.tsx'
import { Stat, Stats } from '../../../_components/stat.tsx'
import { endFact } from '../../../_lib/mitigation-end.ts'
import { phaseNews } from '../../../_lib/mitigation-news.ts'
import { actionOf, mitigationState, mitigationTone, parameterFacts } from '../../../_lib/mitigation-text.ts'
import { cacheHref, keyHref, mitigationsHref, nodeHref } from '../../../_lib/urls.ts'
import type { DetailData } from '../_lib/detail-data.ts'
import { subjectOf } from '../_lib/subject.ts'
import { AcknowledgementPanel } from './acknowledgement-panel.tsx'
import { MitigationCharts } from './mitigation-charts.tsx'
import { PhaseLine } from './phase-line.tsx'
import { ProofPanel } from './proof-panel.tsx'
import { RevisionsPanel } from './revisions-panel.tsx'
import { StepsPanel } from './steps-panel.tsx'

/** One mitigation: what it does, whether it worked, what was predicted, every step, and who asked for it. */
export function MitigationView({ data }: { data: DetailData }) {
  const { mitigation, shards, page } = data
  const { cacheId, target, action, label, mitigationId, requestedBy, reason, expiresAt } = mitigation
  const first = mitigation.revisions[0]
  const end = endFact(mitigation)
  const href = mitigation.isAbandoned
    ? undefined
    : target.kind === 'key'
      ? keyHref(cacheId, target.db, target.keyBase64)
      : target.kind === 'node'
        ? nodeHref(cacheId, target.nodeId)
        : undefined
  return (
    <>
      <PageHead
        crumbs={
          <>
            <Link href={mitigationsHref()} prefetch={false}>
              Mitigations
            </Link>
            <span aria-hidden="true">/</span>
            {mitigation.isAbandoned ? (
              cacheId
            ) : (
              <Link href={cacheHref(cacheId)} prefetch={false}>
                {cacheId}
              </Link>
            )}
          </>
        }
        title={`Mitigation ${mitigationId}`}
        badge={<PhaseMark mitigation={mitigation} />}
        answer={
          <>
            {actionOf(action)} <KeyName text={label} href={href} /> {mitigationState(mitigation)}
          </>
        }
        tone={mitigationTone(mitigation)}
        notice={page.notice}
      />
      <ChangeButtons mitigation={mitigation} subject={subjectOf(mitigation, shards, data.slot)} />
      <PhaseLine mitigation={mitigation} />
      <Announce of={mitigationId} text={phaseNews(mitigation)} />
      <ProofPanel mitigation={mitigation} />
      <MitigationCharts data={data} />
      <Columns>
        {target.kind === 'key' && <AcknowledgementPanel mitigation={mitigation} />}
        <Panel title="What was asked for">
          <Stats>
            {parameterFacts(mitigation, shards).map(({ name, value }) => (
              <Stat key={name} label={name} value={value} />
            ))}
            <Stat label="By" value={requestedBy} note={first?.reason ?? reason} />
            <Stat
              label={end.name}
              value={end.isAhead ? <Until at={expiresAt} /> : <Time at={expiresAt} show="time" />}
              note={<Time at={expiresAt} />}
            />
            {mitigation.overrides.length > 0 && (
              <Stat
                label="Taken on"
                value={mitigation.overrides.join(', ')}
                note="refusals that were overridden"
              />
            )}
          </Stats>
        </Panel>
      </Columns>
      <StepsPanel steps={mitigation.steps} wayBack={mitigation.preview?.wayBack ?? null} />
      <RevisionsPanel mitigation={mitigation} />
    </>
  )
}
