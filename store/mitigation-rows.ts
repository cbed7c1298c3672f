/** A mitigation as its rows have it: the newest revision beside it, and who asked for the first. */
import type { Mitigation, MitigationStep } from '../core/mitigations/model.ts'
import { Prisma } from './generated/client.ts'

type Dates = 'phaseSince' | 'createdAt' | 'expiresAt'
export type MitigationRow = Omit<Mitigation, Dates | 'rev'> & Record<Dates, Date> & { rev: bigint }

/** The step that is written once all of a mitigation is done, where only its effect is to be measured. */
export const FINISHED = 'finish'

/** Whether that one is written, of `m`. */
export const isMeasured = Prisma.sql`(m.phase = 'active' AND EXISTS (
  SELECT FROM mitigation_step s
  WHERE s.mitigation_id = m.mitigation_id AND s.phase = 'active' AND s.name = ${FINISHED} AND s.result = 'ok'
)) AS "isMeasured"`

/** Of `m`, whose cache no collector has in its configuration any more. */
const isAbandoned = Prisma.sql`(m.phase <> 'off' AND EXISTS (
  SELECT FROM cache c WHERE c.cache_id = m.cache_id AND c.removed_at IS NOT NULL
)) AS "isAbandoned"`

const COLUMNS = Prisma.sql`
  m.mitigation_id AS "mitigationId", m.cache_id AS "cacheId", m.action, m.target, m.parameters, m.label, m.overrides,
  m.phase, m.phase_since AS "phaseSince", m.created_at AS "createdAt", r.desired, r.actor, r.reason,
  r.expires_at AS "expiresAt", m.rev, m.message, m.outcome, m.progress, m.acknowledgement, m.preview, m.proof,
  ${isMeasured}, ${isAbandoned}, (
    SELECT f.actor FROM mitigation_revision f WHERE f.mitigation_id = m.mitigation_id ORDER BY f.revision LIMIT 1
  ) AS "requestedBy"`

/** To be followed by WHERE; `extra` begins with a comma. */
export function selectMitigations(extra: Prisma.Sql = Prisma.empty): Prisma.Sql {
  return Prisma.sql`
    SELECT ${COLUMNS}${extra} FROM mitigation m
    CROSS JOIN LATERAL (
      SELECT * FROM mitigation_revision r WHERE r.mitigation_id = m.mitigation_id
      ORDER BY r.revision DESC LIMIT 1
    ) r`
}

export function toMitigation(row: MitigationRow): Mitigation {
  return {
    mitigationId: row.mitigationId,
    cacheId: row.cacheId,
    action: row.action,
    target: row.target,
    parameters: row.parameters,
    label: row.label,
    overrides: row.overrides,
    phase: row.phase,
    phaseSince: row.phaseSince.toISOString(),
    createdAt: row.createdAt.toISOString(),
    requestedBy: row.requestedBy,
    desired: row.desired,
    actor: row.actor,
    reason: row.reason,
    expiresAt: row.expiresAt.toISOString(),
    rev: Number(row.rev),
    message: row.message,
    isMeasured: row.isMeasured,
    isAbandoned: row.isAbandoned,
    outcome: row.outcome,
    progress: row.progress,
    acknowledgement: row.acknowledgement,
    preview: row.preview,
    proof: row.proof,
  }
}

export type StepRow = Omit<MitigationStep, 'stepId' | 'startedAt' | 'endedAt'> & {
  stepId: bigint
  startedAt: Date
  endedAt: Date | null
}

export function toStep(row: StepRow): MitigationStep {
  return {
    ...row,
    stepId: Number(row.stepId),
    startedAt: row.startedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
  }
}

/** Part of a statement: pages of the cache are told, once it is committed. */
export const notifyOf = (cacheId: string): Prisma.Sql =>
  Prisma.sql`SELECT pg_notify('cachescope', json_build_object('cacheIds', json_build_array(${cacheId}::text))::text)`

/**
 * Taken before a revision of the policy document is: revisions become visible in their order, so that none that a
 * reader has already passed brings a change.
 */
export const lockPolicies = (cacheId: string): Prisma.Sql =>
  Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`policies ${cacheId}`}, 0))`
