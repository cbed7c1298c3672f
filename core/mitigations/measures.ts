/** What is measured before and after a mitigation, and what it comes to. `null` is unknown. Units are in the names. */
import { z } from 'zod'
import { Observed } from './observed.ts'

const isoTime = z.iso.datetime()
const nullableNumber = z.number().nullable()

export const ShardLoad = z.object({
  shardId: z.int(),
  ordinal: z.int(),
  opsPerSec: nullableNumber.describe('Commands per second of all its nodes, without our own'),
})
export type ShardLoad = z.infer<typeof ShardLoad>

/** How a key and its cache fare over a span of time. */
export const Measures = z.object({
  from: isoTime,
  to: isoTime,
  keyOpsPerSec: nullableNumber.describe("The key's commands at the servers, under all its names"),
  keyReadsByAppPerSec: nullableNumber.describe('Its reads in the applications, local hits included'),
  localHitsPerSec: nullableNumber,
  shards: z.array(ShardLoad),
  hottestOverMean: nullableNumber,
  p99Us: nullableNumber.describe('Of its reads in all applications, local hits included, as they waited'),
  p99LowUs: nullableNumber
    .optional()
    .describe('Between this and p99HighUs it is for certain; null: not told'),
  p99HighUs: nullableNumber.optional(),
  timedReads: z.int().optional().describe('How many timed reads p99 is of'),
  hitRate: nullableNumber.describe('Of the cache, 0 to 1'),
  missesPerSec: nullableNumber.describe('Of the cache: what its origin is asked'),
  cpuShare: nullableNumber.describe("Of the key's primary, 0 to 1"),
  netOutBytesPerSec: nullableNumber.describe("Of the key's primary"),
  instances: z.int().nullable().describe('Application instances that took part'),
  nameOpsPerSec: z
    .array(nullableNumber)
    .nullable()
    .optional()
    .describe('Of copies: reads under each name, in the order of the policy, the key itself first'),
  nameShardIds: z
    .array(z.int().nullable())
    .nullable()
    .optional()
    .describe('Shards of all its names, the key itself first; null: none has the slot'),
  keyPrimaryOpsPerSec: nullableNumber.optional().describe("The key's commands on its primary alone"),
  errorsPerSec: nullableNumber.optional().describe('Error replies of all nodes'),
  libraryErrorsPerSec: nullableNumber.optional().describe('Reads that the library had to repeat plainly'),
  incident: z
    .string()
    .nullable()
    .optional()
    .describe('A failure or failover of the cache in it that is not of the mitigation; null: none'),
  observed: Observed.optional().describe('Of an action on a client, a user or writers'),
})
export type Measures = z.infer<typeof Measures>

export const Verdict = z.enum(['worked', 'no-effect', 'harmful', 'unknown'])
export type Verdict = z.infer<typeof Verdict>

export const Proof = z.object({
  before: Measures.nullable(),
  /** Two windows: the second confirms the first. */
  after: z.array(Measures),
  verdict: Verdict.nullable().describe('null: not yet'),
  because: z.string().nullable().describe('The sentence that says why, with its numbers'),
  decidedAt: isoTime.nullable(),
  /** Of the copies, measured while active. */
  divergence: z
    .object({ probes: z.int(), diverged: z.int(), since: isoTime.nullable() })
    .nullable()
    .describe('Copies that differed from the base key when compared; since: it differs without a break'),
})
export type Proof = z.infer<typeof Proof>
