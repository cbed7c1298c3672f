import { HEARTBEAT_MS } from '../../../../../../../core/protocol/policy.ts'
import type { KeyWaits as Waits } from '../../../../../../../store/key-waits.ts'
import { EmptyState } from '../../../../../../_components/empty-state.tsx'
import { Panel } from '../../../../../../_components/panel.tsx'
import { Stat, Stats } from '../../../../../../_components/stat.tsx'
import { formatCount, formatDuration, formatUs, plural } from '../../../../../../_lib/format.ts'
import { p99Note, untold } from '../_lib/waits-text.ts'

const STALE_AFTER_MS = 2 * HEARTBEAT_MS

/** How long the applications wait for the key, as the library in them has timed it. */
export function KeyWaits({ waits }: { waits: Waits }) {
  const { told } = waits
  return (
    <Panel
      title="How long do its readers wait?"
      hint="From the call to the answer, of reads that the library timed in the applications; local hits count as well."
    >
      {told === null ? (
        <Untold waits={waits} />
      ) : (
        <Stats>
          <Stat
            label="Readers wait, p50"
            value={formatUs(told.p50Us)}
            note="half of its reads take longer"
            at={told.at}
            staleAfterMs={STALE_AFTER_MS}
          />
          <Stat
            label="Readers wait, p99"
            value={formatUs(told.p99Us)}
            note={p99Note(told)}
            at={told.at}
            staleAfterMs={STALE_AFTER_MS}
          />
          <Stat
            label="Timed reads"
            value={formatCount(told.timed)}
            note={`of ${formatDuration(told.windowMs / 1000)} of each process`}
          />
          <Stat
            label={told.apps.length === 1 ? 'Application' : 'Applications'}
            value={told.apps.join(', ')}
            note={`${told.instances} of ${plural(waits.instances, 'process', 'processes')}`}
          />
        </Stats>
      )}
    </Panel>
  )
}

function Untold({ waits }: { waits: Waits }) {
  const { title, text } = untold(waits)
  return (
    <EmptyState title={title} compact>
      <p>{text}</p>
    </EmptyState>
  )
}
