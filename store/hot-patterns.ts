/** Hot patterns: the newest report of every node, merged over the nodes of a cache. */
import { HOT_KEY_CURRENT_MS } from '../core/health.ts'
import { mergeHotPatterns, type NodeHotPattern } from '../core/hot-keys/merge-nodes.ts'
import type { HotPattern, Source } from '../core/model.ts'
import { query, type Store } from './client.ts'
import { readClientRates } from './client-rates.ts'
import { currentSpan } from './hot-key-records.ts'
import { pageByPlace } from './merged-page.ts'
import type { Page } from './page.ts'
import { type NodeFilter, nodeCondition } from './samples.ts'

/** Patterns change slowly and come with every third report only. */
const CURRENT_MS = 3 * HOT_KEY_CURRENT_MS

type PatternRow = Omit<NodeHotPattern, 'source' | 'window'> & {
  source: string
  at: Date
  windowFrom: Date
  sampledCommands: number | null
}

/**
 * The busiest first; of each cache the keys of no listed pattern last.
 * @throws CachescopeError invalid-parameter (cursor), store-unreachable
 */
export async function listHotPatterns(
  store: Store,
  options: NodeFilter & { limit: number; cursor?: string; now: number },
): Promise<Page<HotPattern>> {
  const { limit, cursor, now, ...filter } = options
  const [rows, rates] = await Promise.all([
    readPatterns(store, filter, now),
    readClientRates(store, filter, now, { table: 'hot_pattern_sample', lastsMs: CURRENT_MS }),
  ])
  return pageByPlace(mergeHotPatterns(rows.map(toNodePattern), rates), {
    limit,
    ...(cursor === undefined ? {} : { cursor }),
    placeOf: ({ cacheId, pattern, opsPerSec }) => ({
      figure: pattern === null ? null : opsPerSec,
      rank: 1,
      name: JSON.stringify([cacheId, pattern]),
    }),
  })
}

function readPatterns(store: Store, filter: NodeFilter, now: number): Promise<PatternRow[]> {
  const { after, until } = currentSpan(now, CURRENT_MS)
  return query(
    store,
    (prisma) => prisma.$queryRaw<PatternRow[]>`
      SELECT n.cache_id AS "cacheId", n.node_id AS "nodeId", s.pattern, s.share, s.share_low AS "shareLow",
        s.share_high AS "shareHigh", s.ops_per_sec AS "opsPerSec", s.ops_per_sec_low AS "opsPerSecLow",
        s.ops_per_sec_high AS "opsPerSecHigh", s.reads_per_sec AS "readsPerSec",
        s.writes_per_sec AS "writesPerSec", s.keys_seen AS "keysSeen", s.source, s.at,
        s.window_from AS "windowFrom", s.sampled_commands AS "sampledCommands"
      FROM node n
      JOIN cache c ON c.cache_id = n.cache_id AND c.removed_at IS NULL
      CROSS JOIN LATERAL (
        SELECT at FROM hot_pattern_sample
        WHERE node_id = n.node_id AND at >= ${after} AND at <= ${until} ORDER BY at DESC LIMIT 1
      ) r
      JOIN hot_pattern_sample s ON s.node_id = n.node_id AND s.at = r.at
        AND s.at >= ${after} AND s.at <= ${until}
      WHERE n.removed_at IS NULL AND n.state = 'up' AND ${nodeCondition('n', filter)}`,
  )
}

function toNodePattern({ source, at, windowFrom, sampledCommands, ...row }: PatternRow): NodeHotPattern {
  return {
    ...row,
    source: source as Source,
    window: { from: windowFrom.toISOString(), to: at.toISOString(), sampledCommands },
  }
}
