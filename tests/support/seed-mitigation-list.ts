/** The mitigations of the synthetic fleet: one in every phase, with every verdict and every end. */

import type { Proof } from '../../core/mitigations/measures.ts'
import type { Mitigation } from '../../core/mitigations/model.ts'

export type Seed = {
  action: Mitigation['action']
  /** A key, or the ordinal of a shard. */
  of: string | number
  parameters: Record<string, unknown>
  phase: Mitigation['phase']
  outcome?: Mitigation['outcome']
  verdict?: Proof['verdict']
  message?: string
  ageMs: number
  progress?: Mitigation['progress']
  /** It is done, and only its effect is measured. */
  isMeasured?: true
  actor?: string
  reason?: string
}

export const MINUTE = 60_000
export const SEEDS: Seed[] = [
  {
    action: 'split',
    of: 'article:3003',
    parameters: { variants: 3, writeFanout: true },
    phase: 'off',
    outcome: 'drained',
    verdict: 'worked',
    ageMs: 50 * MINUTE,
  },
  {
    action: 'local-cache',
    of: 'article:3004',
    parameters: { ttlSeconds: 5, track: true, staleSeconds: 0 },
    phase: 'off',
    outcome: 'expired',
    verdict: 'worked',
    ageMs: 45 * MINUTE,
  },
  {
    action: 'replicate',
    of: 'session:9',
    parameters: { by: 'copies', copies: 3 },
    phase: 'off',
    outcome: 'harmful',
    verdict: 'harmful',
    ageMs: 40 * MINUTE,
  },
  {
    action: 'split',
    of: 'counter:views',
    parameters: { variants: 3, writeFanout: true },
    phase: 'off',
    outcome: 'refused',
    message: 'counter:views was written 40 times a second when its copies were to be made.',
    ageMs: 35 * MINUTE,
  },
  {
    action: 'failover',
    of: 1,
    parameters: { toNodeId: null },
    phase: 'off',
    outcome: 'failed',
    message: 'The replica did not catch up within 10 s, so the primary kept its role.',
    ageMs: 30 * MINUTE,
  },
  {
    action: 'failover',
    of: 3,
    parameters: { toNodeId: null },
    phase: 'off',
    outcome: 'done',
    message: '10.0.0.3:7001 is the primary now.',
    ageMs: 28 * MINUTE,
  },
  {
    action: 'local-cache',
    of: 'article:1002',
    parameters: { ttlSeconds: 2, track: true, staleSeconds: 0 },
    phase: 'active',
    verdict: 'no-effect',
    ageMs: 12 * MINUTE,
  },
  {
    action: 'split',
    of: 'article:2001',
    parameters: { variants: 3, writeFanout: true },
    phase: 'active',
    verdict: 'worked',
    ageMs: 8 * MINUTE,
    actor: 'Ada',
    reason: 'The front page links to it since eight.',
  },
  {
    action: 'move-slot',
    of: 2,
    parameters: { slot: 7_425, toShardId: null },
    phase: 'active',
    message: 'Keys are being moved.',
    progress: { done: 1_240, total: 8_192, unit: 'keys' },
    ageMs: 3 * MINUTE,
  },
  {
    action: 'failover',
    of: 1,
    parameters: { toNodeId: null },
    phase: 'active',
    message: 'Done; its effect is being measured. 10.0.0.1:7001 is the primary now.',
    isMeasured: true,
    ageMs: 2 * MINUTE,
    actor: 'Ada',
    reason: 'Its disk is sick.',
  },
  {
    action: 'replicate',
    of: 'article:1000',
    parameters: { by: 'auto', copies: null },
    phase: 'active',
    ageMs: 1.2 * MINUTE,
    message: 'The second window is being measured.',
  },
  {
    action: 'split',
    of: 'article:3000',
    parameters: { variants: 3, writeFanout: true },
    phase: 'prepare',
    message: 'Waiting for 2 of 12 processes.',
    ageMs: 0.2 * MINUTE,
  },
]
/** Those that call for a banner on every page. */
export const BANNER_SEEDS: Seed[] = [
  {
    action: 'local-cache',
    of: 'article:1004',
    parameters: { ttlSeconds: 2, track: true, staleSeconds: 0 },
    phase: 'draining',
    outcome: 'drained',
    verdict: 'worked',
    message: 'Waiting for 1 of 12 processes.',
    ageMs: 20 * MINUTE,
  },
  {
    action: 'replicate',
    of: 'article:1005',
    parameters: { by: 'copies', copies: 3 },
    phase: 'draining',
    outcome: 'harmful',
    verdict: 'harmful',
    message: 'Waiting for 3 of 12 processes.',
    ageMs: 5 * MINUTE,
  },
]
