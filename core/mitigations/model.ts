/**
 * A mitigation as Cachescope keeps and shows it: one schema per thing, used by the store, the collector, the pages and
 * the HTTP API alike. Times are ISO 8601 in UTC. `null` is unknown or not applicable. Units are in the names.
 */
import { z } from 'zod'
import { Proof, ShardLoad } from './measures.ts'

const isoTime = z.iso.datetime()
const nullableNumber = z.number().nullable()

/** The first three act on one key and need the library in the application; the others are done on the servers. */
export const KEY_ACTIONS = ['local-cache', 'replicate', 'split'] as const
export const SERVER_ACTIONS = [
  'failover',
  'move-slot',
  'spread-ttls',
  'set-config',
  'kill-client',
  'deny-user',
  'pause-writes',
] as const
export const MitigationAction = z.enum([...KEY_ACTIONS, ...SERVER_ACTIONS])
export type MitigationAction = z.infer<typeof MitigationAction>
/** They finish by themselves, and leave an effect that figures tell of; at their expiry they are given up. */
export const ENDING_ACTIONS: ReadonlySet<MitigationAction> = new Set([
  'failover',
  'move-slot',
  'spread-ttls',
  'kill-client',
  'pause-writes',
])
export type KeyAction = (typeof KEY_ACTIONS)[number]
export type ServerAction = (typeof SERVER_ACTIONS)[number]

export const MitigationPhase = z.enum(['prepare', 'active', 'draining', 'off'])
export type MitigationPhase = z.infer<typeof MitigationPhase>

export const MitigationTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('key'), db: z.int().min(0).max(65_535), keyBase64: z.base64() }),
  z.object({ kind: z.literal('shard'), shardId: z.int().positive() }),
  z.object({ kind: z.literal('node'), nodeId: z.int().positive() }),
  z.object({ kind: z.literal('cache') }),
])
export type MitigationTarget = z.infer<typeof MitigationTarget>

/** What each action may be aimed at. */
export const TARGETS: Record<MitigationAction, MitigationTarget['kind'][]> = {
  'local-cache': ['key'],
  replicate: ['key'],
  split: ['key'],
  failover: ['shard'],
  'move-slot': ['cache'],
  'spread-ttls': ['cache'],
  'set-config': ['node', 'cache'],
  'kill-client': ['node'],
  'deny-user': ['cache'],
  'pause-writes': ['shard', 'node'],
}

export const EXPIRES_IN_SECONDS = { min: 10, max: 86_400, default: 3_600 } as const
const actor = z.string().trim().min(1).max(120).describe('Who asks for it')
const reason = z.string().trim().min(1).max(500).describe('Why, for those who read it later')
const expiresInSeconds = z
  .int()
  .min(EXPIRES_IN_SECONDS.min)
  .max(EXPIRES_IN_SECONDS.max)
  .default(EXPIRES_IN_SECONDS.default)
  .describe('It drains by itself then')

/** What a preview is of: no actor is needed to look. `parameters` is checked against PARAMETERS by parseMitigation. */
export const MitigationDraft = z.object({
  cacheId: z.string(),
  action: MitigationAction,
  target: MitigationTarget,
  parameters: z.record(z.string(), z.unknown()).default({}),
  expiresInSeconds,
})
export type MitigationDraft = z.infer<typeof MitigationDraft>

export const MitigationRequest = MitigationDraft.extend({
  actor,
  reason,
  overrides: z.array(z.string()).default([]).describe('Ids of overridable refusals that the actor takes on'),
  dryRun: z.boolean().default(false).describe('Answer the preview and write nothing'),
}).meta({ id: 'MitigationRequest' })
export type MitigationRequest = z.infer<typeof MitigationRequest>

/** A new revision of one that is there: extended, or drained. */
export const MitigationChange = z.object({ actor, reason, expiresInSeconds: expiresInSeconds.optional() })
export type MitigationChange = z.infer<typeof MitigationChange>

/** Why an action is not offered, or only with a warning. */
export const Refusal = z.object({
  id: z.string().describe('`counter`, `lock`, `one-shard`, …'),
  message: z.string().describe('A sentence for a person: why, and what to do instead'),
  overridable: z.boolean().describe('Whether a person may take it on'),
  mitigationId: z.int().optional().describe('Of running and running-beside: the one that is in the way'),
})
export type Refusal = z.infer<typeof Refusal>

export const Preview = z
  .object({
    action: MitigationAction,
    summary: z.string().describe('One sentence: what will be done'),
    commands: z
      .array(z.object({ node: z.string(), command: z.string() }))
      .describe('As they will be sent, in order, those that only look included'),
    refusals: z.array(Refusal),
    warnings: z.array(z.string()),
    wayBack: z.string().describe('How it is undone, or that it cannot be'),
    staleness: z.string().nullable().describe('What readers may see late, in words'),
    before: z.array(ShardLoad),
    after: z.array(ShardLoad).nullable().describe('Predicted; null where nothing can be said'),
    hottestOverMeanBefore: nullableNumber,
    hottestOverMeanAfter: nullableNumber,
    keyOpsPerSecAfter: nullableNumber.describe(
      "Predicted commands on the key's own shard for it; on its primary where its nodes share the reads",
    ),
    renewalsPerSec: nullableNumber
      .optional()
      .describe('With a local cache: predicted reads that the processes that take part still send'),
    nodes: z
      .array(
        z.object({ nodeId: z.int(), address: z.string(), before: nullableNumber, after: nullableNumber }),
      )
      .nullable()
      .optional()
      .describe("Commands per second of the nodes of the key's shard, where they share its reads"),
    variants: z
      .array(
        z.object({
          keyBase64: z.string(),
          key: z.string(),
          slot: z.int(),
          shardId: z.int(),
          ordinal: z.int(),
        }),
      )
      .nullable(),
    apps: z.array(
      z.object({
        app: z.string(),
        instances: z.int(),
        hosts: z.array(z.string()),
        library: z.string(),
        disabled: z.int().optional().describe('Of its instances: switched off by their environment'),
      }),
    ),
    connectionsWithoutLibrary: z.int().nullable().describe('null: not counted'),
    promotes: z
      .object({ nodeId: z.int(), address: z.string() })
      .optional()
      .describe('Of a failover: the replica that it prefers while that one is in step'),
    keyFiguresAt: isoTime
      .nullable()
      .optional()
      .describe('Of a key: the end of the newest report that has it; null: none of the last hour has'),
  })
  .meta({ id: 'MitigationPreview' })
export type Preview = z.infer<typeof Preview>

const StepResult = z.enum(['started', 'ok', 'failed', 'skipped'])
export const MitigationStep = z.object({
  stepId: z.int(),
  phase: MitigationPhase,
  name: z.string(),
  node: z.string().nullable().describe('`host:port`, where it was sent to one'),
  command: z.string().nullable().describe('Exactly as sent; a key as it reads, values never'),
  startedAt: isoTime,
  endedAt: isoTime.nullable(),
  result: StepResult,
  message: z.string().nullable(),
})
export type MitigationStep = z.infer<typeof MitigationStep>

export const MitigationRevision = z.object({
  revision: z.int(),
  at: isoTime,
  actor: z.string(),
  reason: z.string(),
  desired: z.enum(['on', 'off']),
  expiresAt: isoTime,
})
export type MitigationRevision = z.infer<typeof MitigationRevision>

/** Who has applied what is asked, of those that should. */
export const Acknowledgement = z.object({
  at: isoTime,
  applied: z.int(),
  instances: z.int(),
  laggards: z.array(
    z.object({
      app: z.string(),
      host: z.string(),
      pid: z.int(),
      rev: z.int(),
      seenAt: isoTime,
      isDisabled: z.boolean().optional().describe('Switched off by its environment: not waited for'),
    }),
  ),
  connectionsWithoutLibrary: z.int().nullable(),
})
export type Acknowledgement = z.infer<typeof Acknowledgement>

export const Mitigation = z
  .object({
    mitigationId: z.int(),
    cacheId: z.string(),
    action: MitigationAction,
    target: MitigationTarget,
    /** As parsed by PARAMETERS of its action. */
    parameters: z.record(z.string(), z.unknown()),
    label: z.string().describe('What it is aimed at, for reading: `article:42`, `shard 2`, `10.0.0.5:6379`'),
    overrides: z.array(z.string()),
    phase: MitigationPhase,
    phaseSince: isoTime,
    createdAt: isoTime,
    requestedBy: z.string().describe('The actor of its first revision'),
    /** Of the newest revision. */
    desired: z.enum(['on', 'off']),
    actor: z.string().describe('Of the newest revision: who drained or extended it, else who asked for it'),
    reason: z.string(),
    expiresAt: isoTime,
    rev: z.int().describe('Of the policy document that has its newest change'),
    message: z.string().nullable().describe('What it waits for or why it ended, in a sentence'),
    isMeasured: z
      .boolean()
      .describe('All of it is done, and only its effect is measured: its end puts nothing back'),
    isAbandoned: z
      .boolean()
      .optional()
      .describe('Not off, and its cache is not in cachescope.yaml any more: nobody carries it out'),
    outcome: z
      .enum(['refused', 'failed', 'drained', 'expired', 'harmful', 'done'])
      .nullable()
      .describe('Why it is off or draining; null while it is on'),
    progress: z.object({ done: z.number(), total: z.number(), unit: z.string() }).nullable(),
    acknowledgement: Acknowledgement.nullable(),
    preview: Preview.nullable().describe('As it was shown when it was asked for'),
    proof: Proof.nullable(),
  })
  .meta({ id: 'Mitigation' })
export type Mitigation = z.infer<typeof Mitigation>

export const MitigationDetail = Mitigation.extend({
  revisions: z.array(MitigationRevision),
  steps: z.array(MitigationStep),
}).meta({ id: 'MitigationDetail' })
export type MitigationDetail = z.infer<typeof MitigationDetail>
