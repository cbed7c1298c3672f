/** The documents of protocol hk/1 as the OpenAPI document shows them; docs/protocol.md says what they mean. */
import { z } from 'zod'
import { PolicyPlan } from '../mitigations/policy-document.ts'
import type { Heartbeat } from '../protocol/heartbeat.ts'
import { parseHeartbeat } from '../protocol/parse-heartbeat.ts'
import type { KeyPolicy, PolicyDocument } from '../protocol/policy.ts'
import { parseWith } from './json-body.ts'
import { cacheId, type Parsed } from './parameters.ts'

const KeyPolicyShape = z.object({
  id: z.string(),
  phase: z.enum(['prepare', 'active', 'draining']),
  db: z.int(),
  keyBase64: z.string(),
  expiresAt: z.number().describe('Epoch milliseconds; past it the policy is ignored'),
  ...PolicyPlan.shape,
}) satisfies z.ZodType<KeyPolicy>

export const PolicyDocumentShape = z
  .object({
    v: z.literal(1),
    app: z.string(),
    rev: z.int().describe('A reader ignores a lower one than it has'),
    issuedAt: z.number().describe('Epoch milliseconds'),
    leaseMs: z.number().describe('From its receipt; then everything passes through'),
    kill: z.boolean(),
    policies: z.array(KeyPolicyShape),
  })
  .meta({ id: 'PolicyDocument' }) satisfies z.ZodType<PolicyDocument>

export const HeartbeatReport = z
  .object({
    cacheId: z.string().describe('The cache that the application uses'),
    heartbeat: z.looseObject({
      v: z.literal(1),
      app: z.string(),
      instanceId: z.string(),
      at: z.number().describe('Epoch milliseconds'),
      rev: z.int().describe('The revision that is applied'),
    }),
  })
  .meta({ id: 'HeartbeatReport', description: 'A heartbeat as docs/protocol.md has it, with its cache' })

const Envelope = z.strictObject({ cacheId, heartbeat: z.record(z.string(), z.unknown()) })
const parseEnvelope = parseWith(Envelope)

export function parseHeartbeatReport(body: unknown): Parsed<{ cacheId: string; heartbeat: Heartbeat }> {
  const envelope = parseEnvelope(body)
  if (!envelope.ok) return envelope
  const heartbeat = parseHeartbeat(envelope.value.heartbeat)
  if (heartbeat.ok)
    return { ok: true, value: { cacheId: envelope.value.cacheId, heartbeat: heartbeat.value } }
  const errors = heartbeat.errors.map(({ field, message }) => ({ field: `heartbeat.${field}`, message }))
  return { ok: false, errors }
}
