/** What a verdict is made from, beside the windows after it. */
import type { Measures, Verdict } from './measures.ts'
import type { MitigationAction, Preview } from './model.ts'

export type Case = {
  action: MitigationAction
  /** As parsed by PARAMETERS of the action. */
  parameters: Record<string, unknown>
  before: Measures | null
  preview: Preview | null
}
export type Decision = { verdict: Verdict; because: string }

export function unknown(because: string): Decision {
  return { verdict: 'unknown', because }
}

/** Commands per second of all shards; null where none is known. */
export function totalOps(window: Measures): number | null {
  const known = window.shards.map((shard) => shard.opsPerSec).filter((ops) => ops !== null)
  return known.length === 0 ? null : known.reduce((sum, ops) => sum + ops, 0)
}
