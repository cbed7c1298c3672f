import { z } from 'zod'

const isoTime = z.iso.datetime()
const nullableNumber = z.number().nullable()

/** An application process as its heartbeats show it. */
export const AppInstance = z
  .object({
    cacheId: z.string(),
    app: z.string(),
    instanceId: z.string(),
    host: z.string(),
    pid: z.int(),
    library: z.string(),
    startedAt: isoTime,
    seenAt: isoTime,
    rev: z.int(),
    state: z.enum(['applying', 'passing', 'disabled']),
    errors: z.int(),
    policies: z.array(
      z.object({
        id: z.string(),
        phase: z.enum(['prepare', 'active', 'draining']),
        tracker: z.enum(['off', 'armed', 'down']),
        reads: z.number(),
        localHits: z.number(),
        localMisses: z.number(),
        variantReads: z.array(z.number()),
        replicaReads: z.number(),
        fallbacks: z.number(),
        invalidations: z.number(),
        errors: z.number(),
        p50Us: nullableNumber,
        p99Us: nullableNumber,
        waits: z
          .array(z.tuple([z.number(), z.number()]))
          .optional()
          .describe('Microseconds, and how many reads took about so long'),
      }),
    ),
  })
  .meta({ id: 'AppInstance' })
export type AppInstance = z.infer<typeof AppInstance>
