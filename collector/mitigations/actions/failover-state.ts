/** What a failover remembers between its ticks. */
import { z } from 'zod'
import type { InfoReading } from '../../sources/info.ts'

const HostPort = z.object({ host: z.string(), port: z.number() })
export const FailoverState = z.object({
  method: z.enum(['cluster', 'sentinel', 'failover', 'handover']),
  from: z.string(),
  /** As it was chosen; a Sentinel may choose another. */
  to: z.string(),
  /** Why it is not the one that was shown when it was asked for, in a sentence; null: it is. */
  instead: z.string().nullable(),
  /** `to` as its primary knows it: where the others are sent. */
  toPlace: HostPort,
  others: z.array(z.string()),
  /** Of Sentinels: each replica as its primary knows it. */
  places: z.record(z.string(), HostPort),
  sentinel: z.string().nullable(),
  sentAt: z.number().nullable(),
  /** Of Sentinels: when the writes of the old primary were held back last. */
  pausedAt: z.number().nullable(),
  attempts: z.number(),
  /** The promoted node was seen as a primary so. */
  promotedAt: z.number().nullable(),
})
export type FailoverState = z.infer<typeof FailoverState>

/** Whether a node follows the one that is promoted, as it was told to. Ports alone tell nothing: they are often the same. */
export function follows(info: InfoReading, { toPlace }: FailoverState): boolean {
  return info.primary?.port === toPlace.port && info.primary.host === toPlace.host
}
