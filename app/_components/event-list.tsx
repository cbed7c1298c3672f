import Link from 'next/link'
import type { Event, EventKind } from '../../core/model.ts'
import { nodeHref } from '../_lib/urls.ts'
import { Time } from './clock.tsx'
import { EmptyState } from './empty-state.tsx'
import classes from './event-list.module.css'

const KINDS: Record<EventKind, { word: string; tone: 'calm' | 'warn' | 'harm' }> = {
  failover: { word: 'Failover', tone: 'warn' },
  restart: { word: 'Restart', tone: 'warn' },
  'node-lost': { word: 'Node lost', tone: 'harm' },
  'node-back': { word: 'Node back', tone: 'calm' },
  'node-added': { word: 'Node added', tone: 'calm' },
  'node-removed': { word: 'Node removed', tone: 'calm' },
  'slots-moved': { word: 'Slots moved', tone: 'calm' },
  'counters-reset': { word: 'Counters reset', tone: 'calm' },
  'cluster-down': { word: 'Cluster down', tone: 'harm' },
  'cluster-ok': { word: 'Cluster ok', tone: 'calm' },
  mitigation: { word: 'Mitigation', tone: 'calm' },
}

/** What happened, the newest first. */
export function EventList({
  events,
  range = {},
}: {
  events: Event[]
  range?: Record<string, string | undefined>
}) {
  if (events.length === 0) {
    return (
      <EmptyState compact title="Nothing happened in this range">
        Failovers, restarts, and nodes lost and back will be listed here.
      </EmptyState>
    )
  }
  return (
    <ol className={classes.list}>
      {events.map((event) => (
        <li key={event.eventId} className={classes.item}>
          <span className={classes.time}>
            <Time at={event.at} />
          </span>
          <span className={classes.kind} data-tone={KINDS[event.kind].tone}>
            {KINDS[event.kind].word}
          </span>
          <span className={classes.message}>
            {event.message}
            {event.nodeId !== null && (
              <>
                {' '}
                <Link href={nodeHref(event.cacheId, event.nodeId, range)} prefetch={false}>
                  Open the node
                </Link>
              </>
            )}
          </span>
        </li>
      ))}
    </ol>
  )
}
