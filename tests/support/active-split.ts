import type { Mitigation } from '../../core/mitigations/model.ts'

const at = '2026-01-01T12:00:00.000Z'

/** A mitigation as the API tells it, of which nothing is known yet. */
export const ACTIVE_SPLIT: Mitigation = {
  mitigationId: 7,
  cacheId: 'shop',
  action: 'split',
  target: { kind: 'key', db: 0, keyBase64: 'YQ==' },
  parameters: {},
  label: 'article:42',
  overrides: [],
  phase: 'active',
  phaseSince: at,
  createdAt: at,
  requestedBy: 'Ada',
  desired: 'on',
  actor: 'Ada',
  reason: 'viral',
  expiresAt: at,
  rev: 4,
  message: null,
  isMeasured: false,
  outcome: null,
  progress: null,
  acknowledgement: null,
  preview: null,
  proof: null,
}
