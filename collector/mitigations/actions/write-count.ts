/** How much is written to a server, by what it counts for its own saves: changes of keys, whatever made them. */
import { z } from 'zod'
import type { InfoReading } from '../../sources/info.ts'
import { field } from './server-action.ts'

export const Count = z.object({
  /** Epoch milliseconds. */
  at: z.number(),
  runId: z.string().nullable(),
  /** Since the server last saved its keys. */
  changes: z.number().nullable(),
  savedAt: z.number().nullable(),
})
export type Count = z.infer<typeof Count>

export function countOf(info: InfoReading, at: number): Count {
  return {
    at,
    runId: info.runId,
    changes: field(info, 'rdb_changes_since_last_save'),
    savedAt: field(info, 'rdb_last_save_time'),
  }
}

/** @returns null where the server has saved in between, and begun to count anew, or is another process */
export function growth(before: Count, now: Count): { ms: number; changes: number } | null {
  if (before.changes === null || now.changes === null || now.at <= before.at) return null
  if (before.runId !== now.runId || before.savedAt !== now.savedAt || now.changes < before.changes)
    return null
  return { ms: now.at - before.at, changes: now.changes - before.changes }
}
