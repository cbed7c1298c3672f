import { HOT_KEY_CURRENT_MS } from '../../../core/health.ts'
import type { Node } from '../../../core/model.ts'
import { Age } from '../../_components/clock.tsx'
import { EmptyState } from '../../_components/empty-state.tsx'
import type { ListName } from '../_lib/lists.ts'
import { NoHotKeys } from './no-hot-keys.tsx'

type Props = { list: ListName; nodes: Node[]; filtered: boolean; now: number }

/** Why a list is empty: no reading is fresh, no node is watched, the filter leaves nothing, or there is nothing. */
export function NothingListed({ list, nodes, filtered, now }: Props) {
  const watched = nodes.some(({ state, hotKeysRefusal }) => state === 'up' && hotKeysRefusal === null)
  if (list === 'keys' || !watched) return <NoHotKeys nodes={nodes} filtered={filtered && list === 'keys'} />
  const checkedAt = Math.max(...nodes.map((node) => Date.parse(node.checkedAt ?? node.firstSeenAt)))
  if (now - checkedAt > HOT_KEY_CURRENT_MS) {
    return (
      <EmptyState title="Nothing is known of now" compact>
        <p>
          This list shows what is hot now; the last reading is from <Age at={checkedAt} />.
        </p>
      </EmptyState>
    )
  }
  if (filtered) {
    return (
      <EmptyState title="Nothing here matches the filter" compact>
        <p>Clear the filter to see this list for all caches.</p>
      </EmptyState>
    )
  }
  if (list === 'patterns') {
    return (
      <EmptyState title="No pattern is known now" compact>
        <p>
          Patterns are learned from sampled commands within a minute. A source that names only single keys,
          like the LFU counters, tells none.
        </p>
      </EmptyState>
    )
  }
  return (
    <EmptyState
      title={list === 'missing' ? 'No hot key is known to be missing' : 'No size of a hot key is known now'}
      compact
    >
      <p>
        The hottest keys of each node are asked for with MEMORY USAGE, a few at a time. Where a node does not
        permit it, neither their size nor whether they exist is known.
      </p>
    </EmptyState>
  )
}
