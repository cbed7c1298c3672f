import type { Node, Source } from '../../../core/model.ts'
import { Panel } from '../../_components/panel.tsx'
import { formatDuration } from '../../_lib/format.ts'
import { SOURCES } from '../../_lib/hot-key-text.ts'
import type { PageRange } from '../../_lib/page-range.ts'
import type { Listed } from '../_lib/listed.ts'
import type { ListName } from '../_lib/lists.ts'
import { BigTable } from './big-table.tsx'
import { HotKeyTable } from './hot-key-table.tsx'
import classes from './list-panel.module.css'
import type { OrdinalOf } from './merged-columns.tsx'
import { MissingTable } from './missing-table.tsx'
import { NothingListed } from './nothing-listed.tsx'
import { PatternTable } from './pattern-table.tsx'

const TITLES: Record<ListName, string> = {
  keys: 'Ranking',
  patterns: 'Which kinds of keys?',
  missing: 'Which hot keys do not exist?',
  big: 'Which keys are big and hot?',
}
const HINTS: Record<ListName, string> = {
  keys: "Bars show the share of the node's commands with its 95% interval; a key that is hot on several nodes has a row for each.",
  patterns: 'Keys of one shape together, over all nodes of their cache, as the sampled commands named them.',
  missing:
    'Every read of such a key goes on to the origin. Asking whether a key exists adds no hit and no miss.',
  big: 'Rate × MEMORY USAGE, over all nodes of the cache: what would move if each command took the whole value.',
}

type Props = { listed: Listed; full: boolean; nodes: Node[]; filtered: boolean; now: number; page: PageRange }

export function ListPanel({ listed, full, nodes, filtered, now, page }: Props) {
  const { list, rows } = listed
  const more = full ? `The first ${rows.length}; a filter finds the others. ` : ''
  return (
    <Panel title={TITLES[list]} flush hint={`${more}${HINTS[list]}`}>
      {rows.length === 0 ? (
        <NothingListed list={list} nodes={nodes} filtered={filtered} now={now} />
      ) : (
        <>
          <ListTable listed={listed} nodes={nodes} now={now} page={page} />
          <SourcesNote rows={rows} />
        </>
      )}
    </Panel>
  )
}

function ListTable({ listed, nodes, now, page }: Pick<Props, 'listed' | 'nodes' | 'now' | 'page'>) {
  const ordinals = new Map(nodes.map((node) => [node.nodeId, node.shardOrdinal]))
  const ordinalOf: OrdinalOf = (nodeId) => ordinals.get(nodeId) ?? null
  const range = page.query
  if (listed.list === 'keys') {
    const rangeLabel = formatDuration((page.range.to - page.range.from) / 1000)
    const { rows, overCaches, running } = listed
    return (
      <HotKeyTable
        rows={rows}
        overCaches={overCaches}
        running={running}
        now={now}
        rangeLabel={rangeLabel}
        rangeQuery={range}
      />
    )
  }
  if (listed.list === 'patterns') {
    return <PatternTable rows={listed.rows} ordinalOf={ordinalOf} range={range} />
  }
  const Table = listed.list === 'missing' ? MissingTable : BigTable
  return <Table rows={listed.rows} ordinalOf={ordinalOf} range={range} />
}

/** What the sources of the listed rows can tell, in words. */
function SourcesNote({ rows }: { rows: { source: Source }[] }) {
  const sources = [...new Set(rows.map(({ source }) => source))]
  return (
    <dl className={classes.sources}>
      {sources.map((source) => (
        <div key={source}>
          <dt>{SOURCES[source].label}</dt>
          <dd>{SOURCES[source].tells}</dd>
        </div>
      ))}
    </dl>
  )
}
