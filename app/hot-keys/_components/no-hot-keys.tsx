import Link from 'next/link'
import type { Node } from '../../../core/model.ts'
import { EmptyState } from '../../_components/empty-state.tsx'
import { plural } from '../../_lib/format.ts'
import { nodeHref } from '../../_lib/urls.ts'
import classes from './no-hot-keys.module.css'

const SHOWN_NODES = 4

/** Why the list is empty: nothing is hot, the filter leaves nothing, or nodes that cannot be watched. */
export function NoHotKeys({ nodes, filtered }: { nodes: Node[]; filtered: boolean }) {
  const blind = nodes.filter(({ hotKeysRefusal, state }) => hotKeysRefusal !== null || state !== 'up')
  const watched = nodes.length - blind.length
  if (nodes.length === 0) {
    return (
      <EmptyState title="No node has been found yet" compact>
        <p>Hot keys appear here within seconds of the first reading of a node.</p>
      </EmptyState>
    )
  }
  return (
    <EmptyState
      title={
        filtered
          ? 'No hot key matches the filter'
          : watched > 0
            ? 'No key was hot in this time'
            : 'No node is watched'
      }
      compact
    >
      <p>
        {watched > 0
          ? `${plural(watched, 'node')} ${watched === 1 ? 'is' : 'are'} watched. A key appears here within seconds of taking a visible share of a node's commands.`
          : 'Cachescope cannot see which keys are hot; below is why.'}
      </p>
      {blind.length > 0 && (
        <>
          <p>{watched > 0 ? 'These nodes are not watched:' : ''}</p>
          <ul className={classes.reasons}>
            {groupByReason(blind).map(([reason, group]) => (
              <li key={reason}>
                {reason}{' '}
                <span className={classes.nodes}>
                  {group.slice(0, SHOWN_NODES).map((node) => (
                    <Link key={node.nodeId} href={nodeHref(node.cacheId, node.nodeId)} prefetch={false}>
                      {node.address}
                    </Link>
                  ))}
                  {group.length > SHOWN_NODES && (
                    <span>and {plural(group.length - SHOWN_NODES, 'more node')}</span>
                  )}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </EmptyState>
  )
}

function groupByReason(nodes: Node[]): [string, Node[]][] {
  const groups = Map.groupBy(
    nodes,
    (node) => (node.state === 'up' ? node.hotKeysRefusal : node.stateMessage) ?? 'It was not reached yet.',
  )
  return [...groups].toSorted(([, a], [, b]) => b.length - a.length)
}
