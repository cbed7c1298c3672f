import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleX,
  IconClockExclamation,
  IconHourglassLow,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { Health, NodeState } from '../../core/model.ts'
import classes from './health-badge.module.css'

type Look = { word: string; tone: 'calm' | 'warn' | 'harm'; Icon: typeof IconCircleCheck }

const HEALTH: Record<Health, Look> = {
  ok: { word: 'Healthy', tone: 'calm', Icon: IconCircleCheck },
  degraded: { word: 'Degraded', tone: 'warn', Icon: IconAlertTriangle },
  down: { word: 'Down', tone: 'harm', Icon: IconCircleX },
  stale: { word: 'Stale', tone: 'warn', Icon: IconClockExclamation },
  pending: { word: 'Pending', tone: 'calm', Icon: IconHourglassLow },
}

const STATE: Record<NodeState, Look> = {
  pending: { word: 'Pending', tone: 'calm', Icon: IconHourglassLow },
  up: { word: 'Up', tone: 'calm', Icon: IconCircleCheck },
  refused: { word: 'Refused', tone: 'harm', Icon: IconCircleX },
  timeout: { word: 'No answer', tone: 'harm', Icon: IconCircleX },
  unresolved: { word: 'Unknown name', tone: 'harm', Icon: IconCircleX },
  unreachable: { word: 'Unreachable', tone: 'harm', Icon: IconCircleX },
  'auth-required': { word: 'Wants a password', tone: 'harm', Icon: IconCircleX },
  'auth-failed': { word: 'Sign-in failed', tone: 'harm', Icon: IconCircleX },
  denied: { word: 'Not permitted', tone: 'harm', Icon: IconCircleX },
  loading: { word: 'Loading data', tone: 'warn', Icon: IconHourglassLow },
  busy: { word: 'Busy in a script', tone: 'warn', Icon: IconAlertTriangle },
  'not-redis': { word: 'Not a Redis', tone: 'harm', Icon: IconCircleX },
  'tls-mismatch': { word: 'TLS mismatch', tone: 'harm', Icon: IconCircleX },
  error: { word: 'Error', tone: 'harm', Icon: IconCircleX },
}

/** The health of a cache or shard: icon, word, and where there is one a number (`2 of 6 nodes`). */
export function HealthBadge({ health, detail }: { health: Health; detail?: string }) {
  return <Badge look={HEALTH[health]} detail={detail} />
}

/** What a node answered when it was last asked. */
export function NodeStateBadge({ state, detail }: { state: NodeState; detail?: ReactNode }) {
  return <Badge look={STATE[state]} detail={detail} />
}

function Badge({ look: { word, tone, Icon }, detail }: { look: Look; detail: ReactNode }) {
  return (
    <span className={classes.badge} data-tone={tone}>
      <Icon size={15} stroke={2} aria-hidden="true" />
      <span className={classes.word}>{word}</span>
      {detail !== undefined && <span className={classes.detail}>{detail}</span>}
    </span>
  )
}
