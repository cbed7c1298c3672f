/** How long the applications' reads of a key took, as their newest heartbeats tell it: with or without a mitigation. */
import { HEARTBEAT_MS, HEARTBEAT_TTL_MS } from '../core/protocol/policy.ts'
import { countOf, describeWaits, mergeWaits, type WaitFigures, type Waits } from '../core/waits.ts'
import { query, type Store } from './client.ts'

export type KeyWaits = {
  /** Of the cache, heard of lately. */
  instances: number
  /** null: none of them has timed a read of it. */
  told:
    | (WaitFigures & {
        /** Those that have, and their applications' names. */
        instances: number
        apps: string[]
        /** When the oldest of the heartbeats was seen, and how long each was counted, at most. */
        at: string
        windowMs: number
      })
    | null
}

type Row = {
  app: string
  seenAt: Date
  /** Of the key's policy, every read of it. */
  policyWaits: Waits | null
  keyWaits: Waits | null
  timed: number | null
  windowMs: number | null
}
type Told = { app: string; at: number; windowMs: number; waits: Waits; timed: number }

/** @throws CachescopeError store-unreachable */
export async function readKeyWaits(
  store: Store,
  of: { cacheId: string; db: number; keyBase64: string },
  now: number,
): Promise<KeyWaits> {
  const { cacheId, db, keyBase64 } = of
  const target = JSON.stringify({ kind: 'key', db, keyBase64 })
  const rows = await query(
    store,
    (prisma) => prisma.$queryRaw<Row[]>`
      SELECT i.app, i.seen_at AS "seenAt", p.policy -> 'waits' AS "policyWaits", k.key -> 'waits' AS "keyWaits",
        (k.key ->> 'timed')::double precision AS timed,
        (i.hot_keys -> 'hotKeys' ->> 'windowMs')::double precision AS "windowMs"
      FROM app_instance i
      LEFT JOIN LATERAL (
        SELECT policy FROM jsonb_array_elements(i.policies) AS e(policy)
        WHERE policy ->> 'id' IN (
          SELECT 'm' || mitigation_id FROM mitigation
          WHERE cache_id = ${cacheId} AND phase <> 'off' AND target @> ${target}::text::jsonb
        ) LIMIT 1
      ) p ON TRUE
      LEFT JOIN LATERAL (
        SELECT key FROM jsonb_array_elements(i.hot_keys -> 'hotKeys' -> 'keys') AS e(key)
        WHERE key ->> 'keyBase64' = ${keyBase64} AND (key ->> 'db')::integer = ${db} LIMIT 1
      ) k ON TRUE
      WHERE i.cache_id = ${cacheId} AND i.seen_at >= ${new Date(now - HEARTBEAT_TTL_MS)}`,
  )
  return { instances: rows.length, told: describe(rows.flatMap(toldBy)) }
}

/** Of a key whose policy is in force, that policy tells; there every read is timed. */
function toldBy({ app, seenAt, policyWaits, keyWaits, timed, windowMs }: Row): Told[] {
  const at = seenAt.getTime()
  const byPolicy = countOf(policyWaits ?? [])
  if (policyWaits !== null && byPolicy > 0) {
    return [{ app, at, windowMs: HEARTBEAT_MS, waits: policyWaits, timed: byPolicy }]
  }
  if (keyWaits === null || timed === null) return []
  return [{ app, at, windowMs: windowMs ?? HEARTBEAT_MS, waits: keyWaits, timed }]
}

function describe(told: readonly Told[]): KeyWaits['told'] {
  const timed = told.reduce((sum, one) => sum + one.timed, 0)
  const figures = describeWaits(mergeWaits(told.map(({ waits }) => waits)), timed)
  if (figures === null) return null
  return {
    ...figures,
    instances: told.length,
    apps: [...new Set(told.map(({ app }) => app))].toSorted(),
    at: new Date(Math.min(...told.map(({ at }) => at))).toISOString(),
    windowMs: Math.max(...told.map(({ windowMs }) => windowMs)),
  }
}
