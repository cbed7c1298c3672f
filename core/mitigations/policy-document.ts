/** What applications are asked for: a policy document (hk/1) from the mitigations that run. */
import { z } from 'zod'
import {
  type KeyPolicy,
  LEASE_MS,
  POLICY_LIMITS,
  type PolicyDocument,
  PROTOCOL_VERSION,
} from '../protocol/policy.ts'
import type { Mitigation } from './model.ts'

/** How a key action is carried out in the applications; kept in the mitigation's state once it is decided. */
export const PolicyPlan = z.object({
  local: z
    .object({
      ttlMs: z.number(),
      jitter: z.number(),
      maxBytes: z.number(),
      track: z.boolean(),
      staleMs: z.number(),
    })
    .nullable(),
  variants: z.object({ keysBase64: z.array(z.string()), writeFanout: z.boolean() }).nullable(),
  replicaRead: z.boolean(),
})
export type PolicyPlan = z.infer<typeof PolicyPlan>
const PlannedState = z.object({ plan: PolicyPlan })

type Asked = Pick<Mitigation, 'mitigationId' | 'phase' | 'desired' | 'target' | 'expiresAt'> & {
  state: unknown
}

/** Of the policy of a mitigation, in documents and heartbeats. */
export const policyIdOf = (mitigationId: number): string => `m${mitigationId}`

/**
 * @param running of one cache; those that are no key action, or not yet decided, ask nothing of applications
 * @param rev the highest of all mitigations of the cache
 * @param now epoch milliseconds
 */
export function buildPolicyDocument(options: {
  app: string
  running: readonly Asked[]
  rev: number
  now: number
}): PolicyDocument {
  const { app, running, rev, now } = options
  return {
    v: PROTOCOL_VERSION,
    app,
    rev,
    issuedAt: now,
    leaseMs: LEASE_MS,
    kill: false,
    policies: running.flatMap((one) => policyOf(one, now) ?? []).slice(0, POLICY_LIMITS.policies),
  }
}

/** @returns null where nothing is asked of applications, or not yet */
export function policyOf(mitigation: Asked, now: number): KeyPolicy | null {
  const { phase, desired, target } = mitigation
  const planned = PlannedState.safeParse(mitigation.state)
  if (phase === 'off' || target.kind !== 'key' || !planned.success) return null
  return {
    id: policyIdOf(mitigation.mitigationId),
    // Who asked for its end need not wait for a collector to write it.
    phase: desired === 'off' ? 'draining' : phase,
    db: target.db,
    keyBase64: target.keyBase64,
    expiresAt: Math.min(Date.parse(mitigation.expiresAt), now + POLICY_LIMITS.lifeMs),
    ...planned.data.plan,
  }
}
