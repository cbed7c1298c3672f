/**
 * What the collector writes of running mitigations. Every write but of the samples holds only while the collector has
 * the cache's lease: one that was stopped and wakes changes nothing.
 */

import type { Proof } from '../core/mitigations/measures.ts'
import type {
  Acknowledgement,
  Mitigation,
  MitigationPhase,
  MitigationStep,
} from '../core/mitigations/model.ts'
import { query, type Store } from './client.ts'
import { Prisma } from './generated/client.ts'
import {
  lockPolicies,
  type MitigationRow,
  notifyOf,
  type StepRow,
  selectMitigations,
  toMitigation,
} from './mitigation-rows.ts'

export type RunningMitigation = Mitigation & { state: unknown }
export type Running = {
  mitigations: RunningMitigation[]
  /** Per cache, of all its mitigations; 0 without any. */
  revs: ReadonlyMap<string, number>
}
/** Who writes: the collector, of a cache whose lease it must have. */
export type Writer = { collectorId: string; cacheId: string }

/** @throws CachescopeError store-unreachable */
export async function listRunning(store: Store, cacheIds: readonly string[]): Promise<Running> {
  const ids = [...cacheIds]
  // Not before the rows: a change between the two would be published under a revision that is not its own.
  const [mitigations, revs] = await query(store, (prisma) =>
    prisma.$transaction(
      [
        prisma.$queryRaw<
          (MitigationRow & Pick<RunningMitigation, 'state'>)[]
        >`${selectMitigations(Prisma.sql`, m.state`)}
          WHERE m.phase <> 'off' AND m.cache_id = ANY(${ids}::text[]) ORDER BY m.mitigation_id`,
        prisma.$queryRaw<{ cacheId: string; rev: bigint }[]>`
          SELECT c.cache_id AS "cacheId", m.rev FROM unnest(${ids}::text[]) AS c(cache_id)
          CROSS JOIN LATERAL (
            SELECT rev FROM mitigation WHERE cache_id = c.cache_id ORDER BY rev DESC LIMIT 1
          ) m`,
      ],
      { isolationLevel: 'RepeatableRead' },
    ),
  )
  return {
    mitigations: mitigations.map((row) => ({ ...toMitigation(row), state: row.state })),
    revs: new Map(revs.map(({ cacheId, rev }) => [cacheId, Number(rev)])),
  }
}

const held = ({ collectorId, cacheId }: Writer) => Prisma.sql`EXISTS (
  SELECT FROM lease WHERE cache_id = ${cacheId} AND collector_id = ${collectorId} AND expires_at > clock_timestamp())`

/**
 * Goes from one phase to the next, with an event, under a new revision of the policy document.
 * @returns false when the lease is gone, it was in another phase, or it was extended before it could expire
 * @throws CachescopeError store-unreachable
 */
export async function savePhase(
  store: Store,
  writer: Writer,
  change: {
    mitigationId: number
    from: MitigationPhase
    to: MitigationPhase
    outcome: Mitigation['outcome']
    message: string | null
    event: string
    now: number
  },
): Promise<boolean> {
  const { mitigationId, from, to, outcome, message, event, now } = change
  // Why it drains stays the reason, but where its way back has failed.
  const ended =
    to === 'off' && outcome === 'failed' ? Prisma.sql`'failed'` : Prisma.sql`coalesce(outcome, ${outcome})`
  // Whoever extends it waits for the lock of the policies, or is waited for.
  const isOver =
    outcome !== 'expired'
      ? Prisma.sql`true`
      : Prisma.sql`from_ms(${now}) >= (
          SELECT r.expires_at FROM mitigation_revision r WHERE r.mitigation_id = ${mitigationId}
          ORDER BY r.revision DESC LIMIT 1)`
  const [, changed] = await query(store, (prisma) =>
    prisma.$transaction([
      prisma.$executeRaw(lockPolicies(writer.cacheId)),
      prisma.$executeRaw`
        WITH m AS (
          UPDATE mitigation SET phase = ${to}, phase_since = from_ms(${now}), outcome = ${ended},
            message = ${message}, progress = NULL, rev = nextval('policy_rev')
          WHERE mitigation_id = ${mitigationId} AND phase = ${from} AND ${held(writer)} AND ${isOver}
          RETURNING cache_id, target
        ), s AS (
          UPDATE mitigation_step SET result = 'failed', ended_at = from_ms(${now}),
            message = concat_ws(' ', message, 'Its result was never learnt: the collector ended meanwhile.')
          WHERE mitigation_id = ${mitigationId} AND result = 'started' AND ${to} = 'off' AND EXISTS (SELECT FROM m)
        )
        INSERT INTO event (at, cache_id, shard_id, node_id, kind, message)
        SELECT from_ms(${now}), m.cache_id,
          CASE WHEN m.target->>'kind' = 'shard' THEN h.shard_id END,
          CASE WHEN m.target->>'kind' = 'node' THEN n.node_id END, 'mitigation', ${event}
        FROM m
        LEFT JOIN shard h ON h.cache_id = m.cache_id AND h.shard_id = (m.target->>'shardId')::integer
        LEFT JOIN node n ON n.cache_id = m.cache_id AND n.node_id = (m.target->>'nodeId')::integer`,
      prisma.$executeRaw(notifyOf(writer.cacheId)),
    ]),
  )
  return changed === 1
}

export type Patch = {
  /** As from the next turn on; null takes it back. */
  message?: string | null
  progress?: Mitigation['progress']
  acknowledgement?: Acknowledgement | null
  proof?: Proof | null
  outcome?: Mitigation['outcome']
  state?: unknown
  /** What applications are asked for has changed. */
  isPolicyChange?: boolean
}

/** @returns false when the lease is gone @throws CachescopeError store-unreachable */
export async function patchMitigation(
  store: Store,
  writer: Writer,
  mitigationId: number,
  patch: Patch,
): Promise<boolean> {
  const json = (value: unknown) =>
    value === null ? Prisma.sql`NULL` : Prisma.sql`${JSON.stringify(value)}::text::jsonb`
  const sets: Prisma.Sql[] = []
  if (patch.message !== undefined) sets.push(Prisma.sql`message = ${patch.message}`)
  if (patch.progress !== undefined) sets.push(Prisma.sql`progress = ${json(patch.progress)}`)
  if (patch.acknowledgement !== undefined) {
    sets.push(Prisma.sql`acknowledgement = ${json(patch.acknowledgement)}`)
  }
  if (patch.proof !== undefined) sets.push(Prisma.sql`proof = ${json(patch.proof)}`)
  if (patch.outcome !== undefined) sets.push(Prisma.sql`outcome = ${patch.outcome}`)
  if (patch.state !== undefined) sets.push(Prisma.sql`state = ${json(patch.state)}`)
  if (patch.isPolicyChange) sets.push(Prisma.sql`rev = nextval('policy_rev')`)
  if (sets.length === 0) return true
  const [, changed] = await query(store, (prisma) =>
    prisma.$transaction([
      prisma.$executeRaw(patch.isPolicyChange ? lockPolicies(writer.cacheId) : Prisma.sql`SELECT 1`),
      prisma.$executeRaw`
        UPDATE mitigation SET ${Prisma.join(sets)}
        WHERE mitigation_id = ${mitigationId} AND phase <> 'off' AND ${held(writer)}`,
      prisma.$executeRaw(notifyOf(writer.cacheId)),
    ]),
  )
  return changed === 1
}

export type NewStep = {
  mitigationId: number
  phase: MitigationPhase
  name: string
  node: string | null
  command: string | null
  now: number
}

const NEVER_LEARNT = 'Its result was never learnt: the collector ended meanwhile. It is done again.'

/**
 * Written before it is done. One of the same name that never ended is closed: it is done again. One that has failed is
 * begun anew under its own row, which counts the attempts: what fails for days is no more rows than what fails once.
 * @returns null when the lease is gone @throws CachescopeError store-unreachable
 */
export async function saveStepStarted(store: Store, writer: Writer, step: NewStep): Promise<number | null> {
  const { mitigationId, phase, name, node, command, now } = step
  const [, rows] = await query(store, (prisma) =>
    prisma.$transaction([
      prisma.$executeRaw`
        UPDATE mitigation_step SET result = 'failed', ended_at = from_ms(${now}),
          message = concat_ws(' ', message, ${NEVER_LEARNT}::text)
        WHERE mitigation_id = ${mitigationId} AND phase = ${phase} AND name = ${name} AND result = 'started'
          AND ${held(writer)}`,
      prisma.$queryRaw<{ stepId: bigint }[]>`
        WITH last AS (
          SELECT step_id, result, message FROM mitigation_step
          WHERE mitigation_id = ${mitigationId} AND phase = ${phase} AND name = ${name}
          ORDER BY step_id DESC LIMIT 1
        ), again AS (
          UPDATE mitigation_step s SET result = 'started', started_at = from_ms(${now}), ended_at = NULL,
            node = ${node}, command = ${command},
            message = 'Attempt ' || coalesce(substring(last.message FROM '^Attempt ([0-9]{1,9})\\.')::integer, 1) + 1 || '.'
          FROM last WHERE s.step_id = last.step_id AND last.result = 'failed'
            AND right(coalesce(last.message, ''), ${NEVER_LEARNT.length}::integer) <> ${NEVER_LEARNT} AND ${held(writer)}
          RETURNING s.step_id
        ), made AS (
          INSERT INTO mitigation_step (mitigation_id, phase, name, node, command, started_at, result)
          SELECT ${mitigationId}, ${phase}, ${name}, ${node}, ${command}, from_ms(${now}), 'started'
          WHERE ${held(writer)} AND NOT EXISTS (SELECT FROM again) RETURNING step_id
        )
        SELECT step_id AS "stepId" FROM again UNION ALL SELECT step_id FROM made`,
      prisma.$executeRaw(notifyOf(writer.cacheId)),
    ]),
  )
  const [row] = rows
  return row === undefined ? null : Number(row.stepId)
}

/** @throws CachescopeError store-unreachable */
export async function saveStepEnded(
  store: Store,
  writer: Writer,
  stepId: number,
  end: { result: MitigationStep['result']; message: string | null; now: number },
): Promise<void> {
  await query(store, (prisma) =>
    prisma.$transaction([
      prisma.$executeRaw`
        UPDATE mitigation_step SET result = ${end.result}, message = nullif(concat_ws(' ', message, ${end.message}::text), ''),
          ended_at = from_ms(${end.now})
        WHERE step_id = ${stepId} AND result = 'started'`,
      prisma.$executeRaw(notifyOf(writer.cacheId)),
    ]),
  )
}

/** `phase name` of every step that ended as ok, and when it did. @throws CachescopeError store-unreachable */
export async function listStepsDone(store: Store, mitigationId: number): Promise<Map<string, number>> {
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<(Pick<StepRow, 'phase' | 'name'> & { endedAt: Date })[]>`
      SELECT phase, name, max(ended_at) AS "endedAt" FROM mitigation_step
      WHERE mitigation_id = ${mitigationId} AND result = 'ok' GROUP BY phase, name`,
  )
  return new Map(rows.map(({ phase, name, endedAt }) => [`${phase} ${name}`, endedAt.getTime()]))
}

export type Places = { shardOrdinals: Map<number, number>; nodeAddresses: Map<number, string> }

/** Shards and nodes of a cache by their ids, those that have left included. @throws CachescopeError store-unreachable */
export async function readPlaces(store: Store, cacheId: string): Promise<Places> {
  const [shards, nodes] = await query(store, (prisma) =>
    Promise.all([
      prisma.$queryRaw<{ shardId: number; ordinal: number }[]>`
        SELECT shard_id AS "shardId", ordinal FROM shard WHERE cache_id = ${cacheId}`,
      prisma.$queryRaw<{ nodeId: number; address: string }[]>`
        SELECT node_id AS "nodeId", address FROM node WHERE cache_id = ${cacheId}`,
    ]),
  )
  return {
    shardOrdinals: new Map(shards.map(({ shardId, ordinal }) => [shardId, ordinal])),
    nodeAddresses: new Map(nodes.map(({ nodeId, address }) => [nodeId, address])),
  }
}
