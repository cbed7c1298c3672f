/** The filters of the Hot keys page: what the URL says, which of it can be used, and what is wrong with the rest. */
import type { z } from 'zod'
import { cacheId, heat, pattern, shardId } from '../../../core/api/parameters.ts'
import type { Heat } from '../../../core/hot-keys/heat.ts'

export type FilterField = 'cache' | 'shard' | 'pattern' | 'heat'
export type KnownShard = { shardId: number; ordinal: number; cacheId: string }
export type Filters = {
  /** As typed: a field keeps what is in it, right or wrong. */
  typed: Record<FilterField, string>
  active: { cacheId?: string; shardId?: number; pattern?: string; heat?: Heat }
  problems: Partial<Record<FilterField, string>>
}

export function readFilters(
  params: Record<string, string | string[] | undefined>,
  known: { cacheIds: string[]; shards: KnownShard[] },
): Filters {
  const typed = {
    cache: text(params.cache),
    shard: text(params.shard),
    pattern: text(params.pattern),
    heat: text(params.heat),
  }
  const active: Filters['active'] = {}
  const problems: Filters['problems'] = {}

  if (typed.cache !== '') {
    const cache = known.cacheIds.find((id) => id === typed.cache)
    if (cache !== undefined) active.cacheId = cache
    else problems.cache = problemOf(cacheId, typed.cache) ?? `No cache is called ${typed.cache}.`
  }
  if (typed.shard !== '') {
    const id = /^\d{1,10}$/.test(typed.shard) ? Number(typed.shard) : Number.NaN
    const shard = known.shards.find((candidate) => candidate.shardId === id)
    if (shard === undefined || shardId.safeParse(id).success === false) {
      problems.shard = 'No such shard. It may have left its cache; choose one from the list.'
    } else if (active.cacheId !== undefined && shard.cacheId !== active.cacheId) {
      problems.shard = `Shard ${shard.ordinal} belongs to ${shard.cacheId}, not to ${active.cacheId}.`
    } else active.shardId = shard.shardId
  }
  if (typed.pattern !== '') {
    const problem = problemOf(pattern, typed.pattern)
    if (problem === null) active.pattern = typed.pattern
    else problems.pattern = problem
  }
  if (typed.heat !== '') {
    const asked = heat.safeParse(typed.heat)
    if (asked.success) active.heat = asked.data
    else problems.heat = problemOf(heat, typed.heat) ?? 'No such choice.'
  }
  return { typed, active, problems }
}

function problemOf(schema: z.ZodType, value: unknown): string | null {
  return schema.safeParse(value).error?.issues[0]?.message ?? null
}

function text(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? ''
}
