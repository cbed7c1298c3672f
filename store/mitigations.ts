/** Mitigations as people ask for them and look at them. What the collector writes of them: mitigation-progress.ts. */
import { CachescopeError } from '../core/errors.ts'
import type {
  Mitigation,
  MitigationAction,
  MitigationChange,
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
    return { mitigation: await require(store, mitigationId), created: true }
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
    ? `${other.actor} started ${other.action} of ${other.label} at ${other.createdAt.toISOString()}: mitigation ${other.mitigationId} ${PHASE_WORDS[other.phase]}. Drain or extend that one, or wait for its end.`
    : 'Another mitigation of the same target has just ended. Ask again.'
  return new CachescopeError('mitigation-conflict', message, {
    where: other ? `mitigations/${other.mitigationId}` : 'target',
  })
}

/** @throws CachescopeError not-found, mitigation-conflict (it drains or is off), store-unreachable */
export async function extendMitigation(
  store: Store,
  mitigationId: number,
  change: MitigationChange,
  now: number,
): Promise<Mitigation> {
  const current = await require(store, mitigationId)
  if (current.phase === 'off' || current.phase === 'draining' || current.desired === 'off') {
    const how = current.phase === 'off' ? 'is off' : 'is being drained'
    throw endedError(current, `${how} and cannot be extended. Ask for it again.`)
  }
  const expiresAt = now + (change.expiresInSeconds ?? 3_600) * 1_000
  if (await revise(store, current, { ...change, desired: 'on', expiresAt, now })) {
    return require(store, mitigationId)
  }
  throw endedError(current, 'was drained at the same moment and cannot be extended. Ask for it again.')
}

/**
 * Asks for its end. One that drains already is answered as it is.
 * @throws CachescopeError not-found, mitigation-conflict (it is off), store-unreachable
 */
export async function drainMitigation(
  store: Store,
  mitigationId: number,
  change: MitigationChange,
  now: number,
): Promise<Mitigation> {
  const current = await require(store, mitigationId)
  if (current.phase === 'off') throw endedError(current, 'is off already; there is nothing to drain.')
  if (current.desired === 'off') return current
  const expiresAt = Date.parse(current.expiresAt)
  const isRevised = await revise(store, current, { ...change, desired: 'off', expiresAt, now })
  const after = await require(store, mitigationId)
  if (!isRevised && after.desired === 'on')
    throw endedError(after, 'is off already; there is nothing to drain.')
  return after
}

function endedError(current: Mitigation, what: string): CachescopeError {
  return new CachescopeError(
    'mitigation-conflict',
    `Mitigation ${current.mitigationId} (${current.action} of ${current.label}) ${what}`,
    { where: `mitigations/${current.mitigationId}` },
  )
}

/** @returns false where it has ended, or somebody has asked for its end, since it was looked at */
async function revise(
  store: Store,
  current: Mitigation,
  revision: { actor: string; reason: string; desired: 'on' | 'off'; expiresAt: number; now: number },
): Promise<boolean> {
  const { mitigationId, cacheId } = current
  const { actor, reason, desired, expiresAt, now } = revision
  return query(store, (prisma) =>
    prisma.$transaction(async (tx) => {
      await tx.$executeRaw(lockPolicies(cacheId))
      // Looked at once more under the lock: an end that was asked for is not taken back by who had not seen it.
      const revised = await tx.$executeRaw`
        INSERT INTO mitigation_revision (mitigation_id, at, actor, reason, desired, expires_at)
        SELECT m.mitigation_id, from_ms(${now}), ${actor}, ${reason}, ${desired}, from_ms(${expiresAt})
        FROM mitigation m
        WHERE m.mitigation_id = ${mitigationId} AND m.phase <> 'off'
          AND (${desired} = 'off' OR m.phase IN ('prepare', 'active'))
          AND 'on' = (
            SELECT r.desired FROM mitigation_revision r WHERE r.mitigation_id = m.mitigation_id
            ORDER BY r.revision DESC LIMIT 1
          )`
      if (revised === 0) return false
      // Readers go by the expiry: an extension is theirs to know.
      await tx.$executeRaw`UPDATE mitigation SET rev = nextval('policy_rev') WHERE mitigation_id = ${mitigationId}`
      await tx.$executeRaw(notifyOf(cacheId))
      return true
    }),
  )
}

async function require(store: Store, mitigationId: number): Promise<Mitigation> {
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
 * Newest first.
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
    Prisma.sql`EXISTS (SELECT FROM cache c WHERE c.cache_id = m.cache_id AND c.removed_at IS NULL)`,
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

/** Of revisions, and of steps. */
const MOST_SHOWN = 1_000

/** With its newest revisions and steps, 1000 of each at most, in their order. @throws CachescopeError store-unreachable */
export async function getMitigation(store: Store, mitigationId: number): Promise<MitigationDetail | null> {
  const [mitigations, revisions, steps] = await Promise.all([
    query(
      store,
      (prisma) =>
        prisma.$queryRaw<MitigationRow[]>`${selectMitigations()} WHERE m.mitigation_id = ${mitigationId}`,
    ),
    query(
      store,
      (prisma) => prisma.$queryRaw<
        (Omit<MitigationRevision, 'at' | 'expiresAt'> & { at: Date; expiresAt: Date })[]
      >`
        SELECT revision, at, actor, reason, desired, expires_at AS "expiresAt" FROM mitigation_revision
        WHERE mitigation_id = ${mitigationId} ORDER BY revision DESC LIMIT ${MOST_SHOWN}`,
    ),
    query(
      store,
      (prisma) => prisma.$queryRaw<StepRow[]>`
        SELECT step_id AS "stepId", phase, name, node, command, started_at AS "startedAt", ended_at AS "endedAt",
          result, message
        FROM mitigation_step WHERE mitigation_id = ${mitigationId} ORDER BY step_id DESC LIMIT ${MOST_SHOWN}`,
    ),
  ])
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
