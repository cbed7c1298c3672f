import { z } from 'zod'
import type { MitigationAction } from './model.ts'

const seconds = (min: number, max: number) => z.number().min(min).max(max)

/** What each action takes beside its target, with the value that is used when it is left out. */
export const PARAMETERS = {
  'local-cache': z.strictObject({
    ttlSeconds: seconds(0.5, 10).default(2).describe('How long a process serves a value that it holds'),
    track: z.boolean().default(true).describe('Invalidate by client tracking where the server has it'),
    staleSeconds: seconds(0, 10)
      .default(0)
      .describe('Serve the old value so much longer while one read renews it'),
  }),
  replicate: z.strictObject({
    by: z
      .enum(['auto', 'replicas', 'copies'])
      .default('auto')
      .describe(
        'replicas: read any node of the shard; copies: read copies on other shards; auto: replicas where they exist',
      ),
    copies: z.int().min(2).max(16).nullable().default(null).describe('Names to read from; null: one a shard'),
  }),
  split: z.strictObject({
    variants: z
      .int()
      .min(2)
      .max(64)
      .nullable()
      .default(null)
      .describe('Names to read from; null: one a shard'),
    writeFanout: z.boolean().default(true).describe('Writers unlink every variant after their write'),
  }),
  failover: z.strictObject({
    toNodeId: z
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe('The replica to promote; null: the one in sync'),
  }),
  'move-slot': z.strictObject({
    slot: z.int().min(0).max(16_383),
    toShardId: z.int().positive().nullable().default(null).describe('null: the shard with the least load'),
  }),
  'spread-ttls': z.strictObject({
    pattern: z.string().min(1).max(512).describe('A glob over whole keys'),
    spread: z
      .number()
      .min(0.05)
      .max(0.5)
      .default(0.1)
      .describe('Each time to live is cut by up to this share'),
  }),
  'set-config': z.discriminatedUnion('name', [
    z.strictObject({ name: z.literal('maxmemory'), bytes: z.int().min(1_048_576) }),
    z.strictObject({
      name: z.literal('maxmemory-policy'),
      policy: z.enum([
        ...(['noeviction', 'allkeys-lru', 'allkeys-lfu', 'allkeys-random'] as const),
        ...(['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl'] as const),
      ]),
    }),
  ]),
  'kill-client': z.strictObject({
    clientId: z.int().positive().describe('As CLIENT LIST has it'),
  }),
  'deny-user': z.strictObject({
    username: z.string().min(1).max(512).describe('An ACL user; never the one Cachescope signs in as'),
  }),
  'pause-writes': z.strictObject({
    pauseSeconds: seconds(1, 300).default(10),
  }),
} as const satisfies Record<MitigationAction, z.ZodType>
export type Parameters<A extends MitigationAction = MitigationAction> = z.output<(typeof PARAMETERS)[A]>
