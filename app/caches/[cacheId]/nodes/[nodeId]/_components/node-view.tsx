import Link from 'next/link'
import type {
  CommandRow,
  Event,
  HotKey,
  KeyspaceRow,
  Node,
  Series,
  SlowlogRow,
} from '../../../../../../core/model.ts'
import { Age } from '../../../../../_components/clock.tsx'
import { EmptyState } from '../../../../../_components/empty-state.tsx'
import { EventList } from '../../../../../_components/event-list.tsx'
import { NodeStateBadge } from '../../../../../_components/health-badge.tsx'
import { MitigateButton } from '../../../../../_components/mitigations/mitigate-button.tsx'
import { PageHead } from '../../../../../_components/page-head.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import { RoleMark } from '../../../../../_components/role-mark.tsx'
import { ShardName } from '../../../../../_components/shard-name.tsx'
import { nodeSubject } from '../../../../../_lib/mitigation-subject.ts'
import type { PageRange } from '../../../../../_lib/page-range.ts'
import { cacheHref, fleetHref, hotKeysHref } from '../../../../../_lib/urls.ts'
import { parseInfo, readInfo } from '../_lib/info.ts'
import { CommandsTable } from './commands-table.tsx'
import { ClientsPanel, MemoryPanel, PersistencePanel, ReplicationPanel } from './info-panels.tsx'
import { KeyspaceTable } from './keyspace-table.tsx'
import { NodeAnswer } from './node-answer.tsx'
import { NodeCharts } from './node-charts.tsx'
import { NodeHotKeys } from './node-hot-keys.tsx'
import { NodeStats } from './node-stats.tsx'
import classes from './node-view.module.css'
import { RawFacts } from './raw-facts.tsx'
import { SlowlogTable } from './slowlog-table.tsx'
import { WatchCost } from './watch-cost.tsx'
import { WatchSources } from './watch-sources.tsx'

export type NodeData = {
  node: Node
  series: Series
  hotKeys: HotKey[]
  commands: CommandRow[]
  keyspaces: { at: string | null; rows: KeyspaceRow[] }
  slowlog: SlowlogRow[]
  events: Event[]
  info: { at: string; info: string } | null
  intervalMs: number
  page: PageRange
}

export function NodeView({ data }: { data: NodeData }) {
  const { node, page } = data
  const down = node.state !== 'up' && node.state !== 'pending'
  const sections = parseInfo(data.info?.info ?? '')
  const info = readInfo(sections)
  const staleAfterMs = 2 * data.intervalMs
  const age = data.info === null ? undefined : <Age at={data.info.at} />
  return (
    <>
      <PageHead
        crumbs={
          <>
            <Link href={fleetHref(page.query)}>Fleet</Link>
            <span aria-hidden="true">/</span>
            <Link href={cacheHref(node.cacheId, page.query)}>{node.cacheId}</Link>
          </>
        }
        title={
          <span className={classes.title}>
            <code>{node.address}</code>
            <RoleMark role={node.role} />
            {node.shardOrdinal !== null && <ShardName ordinal={node.shardOrdinal} />}
          </span>
        }
        badge={<NodeStateBadge state={node.state} />}
        answer={<NodeAnswer node={node} />}
        tone={down ? 'harm' : 'calm'}
        notice={page.notice}
        action={
          node.shardId === null ? undefined : (
            <Link
              href={hotKeysHref({ cache: node.cacheId, shard: node.shardId }, page.query)}
              prefetch={false}
            >
              Hot keys of this shard
            </Link>
          )
        }
      />
      <div>
        <MitigateButton text="Act on this node" subject={nodeSubject(node)} />
      </div>
      <Panel title={down ? 'Its last reading' : 'Now'}>
        <NodeStats node={node} staleAfterMs={staleAfterMs} />
      </Panel>
      <NodeCharts
        node={node}
        series={data.series}
        events={data.events}
        range={page.range}
        intervalMs={data.intervalMs}
      />
      <NodeHotKeys node={node} hotKeys={data.hotKeys} range={page.query} />
      <CommandsTable commands={data.commands} />
      <SlowlogTable slowlog={data.slowlog} />
      <Panel title="What happened?" flush>
        <EventList events={data.events} range={page.query} />
      </Panel>
      <div className={classes.columns}>
        <WatchCost node={node} staleAfterMs={staleAfterMs} />
        <WatchSources node={node} />
        <KeyspaceTable keyspaces={data.keyspaces} />
        {data.info !== null && (
          <>
            <ReplicationPanel info={info} aside={age} />
            <PersistencePanel info={info} aside={age} />
            <MemoryPanel info={info} aside={age} />
            <ClientsPanel info={info} aside={age} />
          </>
        )}
      </div>
      <Panel title="Everything it says" flush hint="The whole INFO reply, as the server sent it." aside={age}>
        {data.info === null ? (
          <EmptyState title="Not read yet" compact>
            <p>The facts of INFO appear here with the first reading of this node.</p>
          </EmptyState>
        ) : (
          <RawFacts sections={sections} />
        )}
      </Panel>
    </>
  )
}
