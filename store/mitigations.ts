/**
 * Mitigations as people ask for them and look at them. How they extend and drain them: mitigation-changes.ts; what the
 * collector writes of them: mitigation-progress.ts.
 */
import { CachescopeError } from '../core/errors.ts'
import type {
  Mitigation,
  MitigationAction,
  MitigationDetail,
  MitigationRequest,
  MitigationRevision,
  MitigationTarget,
  Preview,
} from '../core/mitigations/model.ts'
import { targetKeyOf } from '../core/mitigations/parse.ts'
import { PHASE_WORDS } from '../core/mitigations/words.ts'
import { POLICY_LIMITS } from '../core/protocol/policy.ts'
import { query, type Store } from './client.ts'
import { errorCode } from './errors.ts'
import { Prisma } from './generated/client.ts'
import {
  lockPolicies,
  type MitigationRow,
  notifyOf,
  type StepRow,
  selectMitigations,
  toMitigation,
  toStep,
} from './mitigation-rows.ts'
import { decodeCursor, type Page, toPage } from './page.ts'

const UNIQUE_VIOLATION = '23505'

/**
 * Asks for a mitigation. The same idempotency key with the same request answers the one that is there.
 * @throws CachescopeError mitigation-conflict (of its target, or as many run as a document has room for), not-found
 * (cacheId), store-unreachable
 */
export async function createMitigation(
  store: Store,
  request: MitigationRequest,
  options: { idempotencyKey: string | null; preview: Preview | null; label: string; now: number },
): Promise<{ mitigation: Mitigation; created: boolean }> {
  const { idempotencyKey } = options
  if (idempotencyKey !== null) {
    const known = await getByIdempotencyKey(store, request, idempotencyKey)
    if (known) return { mitigation: known, created: false }
  }
  try {
    const mitigationId = await insert(store, request, options)
    return { mitigation: await requireMitigation(store, mitigationId), created: true }
  } catch (error) {
    if (errorCode(error) !== UNIQUE_VIOLATION) throw error
    // Two at once: one of them has it, and the other learns who.
    const known = idempotencyKey === null ? null : await getByIdempotencyKey(store, request, idempotencyKey)
    if (known) return { mitigation: known, created: false }
    throw await conflict(store, request)
  }
}

async function insert(
  store: Store,
  request: MitigationRequest,
  options: { idempotencyKey: string | null; preview: Preview | null; label: string; now: number },
): Promise<number> {
  const { cacheId, action, target, parameters, overrides, actor, reason, expiresInSeconds } = request
  const { idempotencyKey, preview, label, now } = options
  const json = (value: unknown) => (value === null ? null : JSON.stringify(value))
  const rows = await query(store, (prisma) =>
    prisma.$transaction(async (tx) => {
      await tx.$executeRaw(lockPolicies(cacheId))
      if (target.kind === 'key') await requireRoom(tx, cacheId)
      const made = await tx.$queryRaw<{ mitigationId: number }[]>`
        WITH m AS (
          INSERT INTO mitigation (cache_id, action, target, target_key, parameters, label, overrides,
            idempotency_key, created_at, phase_since, preview)
          SELECT c.cache_id, ${action}, ${json(target)}::text::jsonb, ${targetKeyOf(request)},
            ${json(parameters)}::text::jsonb, ${label}, ${overrides}::text[], ${idempotencyKey},
            from_ms(${now}), from_ms(${now}), ${json(preview)}::text::jsonb
          FROM cache c WHERE c.cache_id = ${cacheId} AND c.removed_at IS NULL
          RETURNING mitigation_id
        )
        INSERT INTO mitigation_revision (mitigation_id, at, actor, reason, desired, expires_at)
        SELECT mitigation_id, from_ms(${now}), ${actor}, ${reason}, 'on', from_ms(${now + expiresInSeconds * 1_000})
        FROM m RETURNING mitigation_id AS "mitigationId"`
      await tx.$executeRaw(notifyOf(cacheId))
      return made
    }),
  )
  const [row] = rows
  if (!row) throw notFound(`There is no cache ${cacheId}. GET /api/v1/caches lists them.`, 'cacheId')
  return row.mitigationId
}

/** A policy document has room for so many: what is beyond it nobody would apply. */
async function requireRoom(tx: Pick<Prisma.TransactionClient, '$queryRaw'>, cacheId: string): Promise<void> {
  const [row] = await tx.$queryRaw<{ count: number }[]>`
    SELECT count(*)::integer AS count FROM mitigation
    WHERE cache_id = ${cacheId} AND phase <> 'off' AND target->>'kind' = 'key'`
  if ((row?.count ?? 0) < POLICY_LIMITS.policies) return
  throw new CachescopeError(
    'mitigation-conflict',
    `${POLICY_LIMITS.policies} mitigations of keys run in ${cacheId}: applications are told of no more. Drain one that is not needed, or wait for its end.`,
    { where: 'cacheId' },
  )
}

/** @throws CachescopeError mitigation-conflict (the key was used for another request), store-unreachable */
export async function getByIdempotencyKey(
  store: Store,
  request: MitigationRequest,
  idempotencyKey: string,
): Promise<Mitigation | null> {
  const rows = await query(
    store,
    (prisma) =>
      prisma.$queryRaw<
        (MitigationRow & { same: boolean })[]
      >`${selectMitigations(Prisma.sql`, m.target_key = ${targetKeyOf(request)} AND m.cache_id = ${request.cacheId}
        AND m.action = ${request.action} AND m.parameters = ${JSON.stringify(request.parameters)}::text::jsonb AS same`)}
      WHERE m.idempotency_key = ${idempotencyKey}`,
  )
  const [row] = rows
  if (!row) return null
  if (row.same) return toMitigation(row)
  throw new CachescopeError(
    'mitigation-conflict',
    `This idempotency key was used for mitigation ${row.mitigationId} (${row.action} of ${row.label}). Use a new key for another request.`,
    { where: 'idempotency-key' },
  )
}

async function conflict(store: Store, request: MitigationRequest): Promise<CachescopeError> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<MitigationRow[]>`${selectMitigations()}
      WHERE m.cache_id = ${request.cacheId} AND m.target_key = ${targetKeyOf(request)} AND m.phase <> 'off'`,
  )
  const [other] = rows
  const message = other
    ? `${other.requestedBy} started ${other.action} of ${other.label} at ${other.createdAt.toISOString()}: mitigation ${other.mitigationId} ${PHASE_WORDS[other.phase]}. Drain or extend that one, or wait for its end.`
    : 'Another mitigation of the same target has just ended. Ask again.'
  return new CachescopeError('mitigation-conflict', message, {
    where: other ? `mitigations/${other.mitigationId}` : 'target',
  })
}

/** @throws CachescopeError not-found, store-unreachable */
export async function requireMitigation(store: Store, mitigationId: number): Promise<Mitigation> {
  const rows = await query(
    store,
    (prisma) =>
      prisma.$queryRaw<MitigationRow[]>`${selectMitigations()} WHERE m.mitigation_id = ${mitigationId}`,
  )
  const [row] = rows
  if (!row) throw notFound(`There is no mitigation ${mitigationId}.`, 'mitigationId')
  return toMitigation(row)
}

const notFound = (message: string, where: string) => new CachescopeError('not-found', message, { where })

/**
 * Newest first. Of a cache that is not in cachescope.yaml any more those that are not off: they are still in force.
 * @throws CachescopeError invalid-parameter (cursor), store-unreachable
 */
export async function listMitigations(
  store: Store,
  options: {
    cacheId?: string
    running?: boolean
    target?: MitigationTarget
    action?: MitigationAction
    limit: number
    cursor?: string
    /** Not needed to list; taken so that every list of a page is called alike. */
    now?: number
  },
): Promise<Page<Mitigation>> {
  const { cacheId, running, target, action, limit } = options
  const after = decodeCursor(options.cursor, ['int4'])
  const where = [
    Prisma.sql`(m.phase <> 'off'
      OR EXISTS (SELECT FROM cache c WHERE c.cache_id = m.cache_id AND c.removed_at IS NULL))`,
  ]
  if (cacheId !== undefined) where.push(Prisma.sql`m.cache_id = ${cacheId}`)
  if (action !== undefined) where.push(Prisma.sql`m.action = ${action}`)
  if (running !== undefined) where.push(Prisma.sql`(m.phase <> 'off') = ${running}`)
  if (target !== undefined) where.push(Prisma.sql`m.target @> ${JSON.stringify(target)}::text::jsonb`)
  if (after !== null) where.push(Prisma.sql`m.mitigation_id < ${Number(after[0])}`)
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<MitigationRow[]>`${selectMitigations()}
      WHERE ${Prisma.join(where, ' AND ')} ORDER BY m.mitigation_id DESC LIMIT ${limit + 1}`,
  )
  return toPage(rows, limit, toMitigation, (row) => [row.mitigationId])
}

/** By cache, those that are not off while no collector has it in its configuration. @throws CachescopeError store-unreachable */
export async function listAbandoned(store: Store): Promise<{ cacheId: string; mitigationIds: number[] }[]> {
  return await query(
    store,
    (prisma) => prisma.$queryRaw<{ cacheId: string; mitigationIds: number[] }[]>`
      SELECT c.cache_id AS "cacheId", array_agg(m.mitigation_id ORDER BY m.mitigation_id) AS "mitigationIds"
      FROM cache c JOIN mitigation m ON m.cache_id = c.cache_id AND m.phase <> 'off'
      WHERE c.removed_at IS NOT NULL GROUP BY c.cache_id ORDER BY c.cache_id`,
  )
}

/** Of revisions, and of steps. */
const MOST_SHOWN = 1_000

/** With its newest revisions and steps, 1000 of each at most, in their order. @throws CachescopeError store-unreachable */
export async function getMitigation(store: Store, mitigationId: number): Promise<MitigationDetail | null> {
  // Together, as one moment has them: else one that is off stands beside a step that has not ended.
  const [mitigations, revisions, steps] = await query(store, (prisma) =>
    prisma.$transaction(
      [
        prisma.$queryRaw<MitigationRow[]>`${selectMitigations()} WHERE m.mitigation_id = ${mitigationId}`,
        prisma.$queryRaw<(Omit<MitigationRevision, 'at' | 'expiresAt'> & { at: Date; expiresAt: Date })[]>`
          SELECT revision, at, actor, reason, desired, expires_at AS "expiresAt" FROM mitigation_revision
          WHERE mitigation_id = ${mitigationId} ORDER BY revision DESC LIMIT ${MOST_SHOWN}`,
        prisma.$queryRaw<StepRow[]>`
          SELECT step_id AS "stepId", phase, name, node, command, started_at AS "startedAt", ended_at AS "endedAt",
            result, message
          FROM mitigation_step WHERE mitigation_id = ${mitigationId} ORDER BY step_id DESC LIMIT ${MOST_SHOWN}`,
      ],
      { isolationLevel: 'RepeatableRead' },
    ),
  )
  const [row] = mitigations
  if (!row) return null
  return {
    ...toMitigation(row),
    revisions: revisions.toReversed().map(({ at, expiresAt, ...revision }) => ({
      ...revision,
      at: at.toISOString(),
      expiresAt: expiresAt.toISOString(),
    })),
    steps: steps.toReversed().map(toStep),
  }
}
