/**
 * What the servers tell of whom an action is aimed at, and no sample has: the action looks once before it, and once at
 * the end of each window after. `null` is unknown.
 */
import { z } from 'zod'

const nullableNumber = z.number().nullable()

export const ObservedClient = z.object({
  isConnected: z.boolean(),
  newer: z
    .int()
    .describe('Connections of its address, name, user and library that were opened since it was closed'),
  opsPerSec: nullableNumber.describe('Its commands over its life; once it is gone those of the newer ones'),
  outputBytes: nullableNumber.describe('That the server holds for its replies; of the newer ones together'),
})

export const ObservedUser = z.object({
  connections: z.int().describe('Of the user, on all nodes'),
  opsPerSec: nullableNumber.describe('Commands of those over their lives'),
  refusals: nullableNumber.describe('Sign-ins as the user that were refused, since the servers keep count'),
})

export const ObservedWrites = z.object({
  changesPerSec: nullableNumber.describe('Changes of keys that the server counts, since the look before'),
  blockedClients: nullableNumber.describe('Clients that wait, for whatever'),
  isPaused: z
    .boolean()
    .nullable()
    .describe('Whether the server says that writes are paused (Valkey 9); null: it does not tell'),
  held: z
    .object({ seconds: z.number(), changesPerSec: z.number(), blockedClients: z.int() })
    .nullable()
    .describe('While writes were held back: how long that was counted, and the most clients that waited'),
})

export const Observed = z.object({
  client: ObservedClient.optional(),
  user: ObservedUser.optional(),
  writes: ObservedWrites.optional(),
})
export type Observed = z.infer<typeof Observed>
