/** A heartbeat from outside, bounded in every direction: what does not fit is refused whole. */
import { z } from 'zod'
import type { FieldError, Parsed } from '../api/parameters.ts'
import type { Heartbeat } from './heartbeat.ts'
import {
  APP_NAME,
  HEARTBEAT_MAX_BYTES,
  INSTANCE_ID,
  isPolicyId,
  POLICY_LIMITS,
  PROTOCOL_VERSION,
} from './policy.ts'

export { HEARTBEAT_MAX_BYTES }

const MAX_COUNT = 1e15
const count = z.number().min(0).max(MAX_COUNT)
const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), {
      error: 'has a character that no text has',
    })
const time = z.number().min(0).max(8.64e15)
/** `ip:port`, of IPv6 in brackets. */
const END = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\dA-Fa-f:.]+(?:%[\w.-]+)?\]):\d{1,5}$/
const duration = z.number().min(0).max(1e12).nullable()
/** Of one key: eight buckets to a doubling would be more than anybody needs to tell. */
const MAX_WAITS = 128
const waits = z.array(z.tuple([z.number().min(0).max(1e12), count])).max(MAX_WAITS)
export const appName = z.string().regex(APP_NAME, {
  error: 'app is letters, digits and . : _ -, at most 100.',
})

const HeartbeatBody = z.object({
  v: z.literal(PROTOCOL_VERSION),
  app: appName,
  instanceId: z.string().regex(INSTANCE_ID),
  host: text(255),
  pid: z.int().min(0).max(2_147_483_647),
  library: text(100),
  startedAt: time,
  at: time,
  rev: z.int().min(0),
  state: z.enum(['applying', 'passing', 'disabled']),
  policies: z
    .array(
      z.object({
        id: z.string().refine(isPolicyId, { error: 'is 1 to 100 characters, none of them NUL' }),
        phase: z.enum(['prepare', 'active', 'draining']),
        tracker: z.enum(['off', 'armed', 'down']),
        reads: count,
        localHits: count,
        localMisses: count,
        variantReads: z.array(count).max(POLICY_LIMITS.variants),
        replicaReads: count,
        fallbacks: count,
        invalidations: count,
        errors: count,
        p50Us: duration,
        p99Us: duration,
        waits: waits.optional(),
      }),
    )
    .max(POLICY_LIMITS.policies),
  errors: z.int().min(0).max(MAX_COUNT),
  connections: z.array(z.string().max(100).regex(END)).max(1_000),
  hotKeys: z.object({
    windowMs: z.number().min(0).max(MAX_COUNT),
    commands: count,
    sampled: count,
    keys: z
      .array(
        z.object({
          db: z.int().min(0).max(65_535),
          keyBase64: z.base64().max(Math.ceil(POLICY_LIMITS.keyBytes / 3) * 4),
          reads: count,
          elsewhere: count.default(0),
          writes: count,
          timed: count.optional(),
          waits: waits.optional(),
        }),
      )
      .max(32),
  }),
})

/** @param body parsed JSON */
export function parseHeartbeat(body: unknown): Parsed<Heartbeat> {
  const parsed = HeartbeatBody.safeParse(body)
  if (parsed.success) return { ok: true, value: parsed.data }
  const errors = parsed.error.issues.slice(0, 20).map((issue): FieldError => {
    const field = issue.path.map(String).join('.')
    return { field, message: `${field || 'The heartbeat'}: ${issue.message}. See docs/protocol.md.` }
  })
  return { ok: false, errors }
}

/** @returns null where it is none, or too large */
export function parseHeartbeatJson(json: string): Heartbeat | null {
  if (Buffer.byteLength(json) > HEARTBEAT_MAX_BYTES) return null
  try {
    const parsed = parseHeartbeat(JSON.parse(json))
    return parsed.ok ? parsed.value : null
  } catch {
    return null
  }
}
