/** What only the whole cache can tell of one of its nodes, as a source of hot keys wants to know it. */
import type { NodeAddress } from '../../core/sample.ts'
import { primaryOf } from '../../core/topology.ts'
import type { KnownTopology } from '../known-topology.ts'
import { type ClientCountsOfCache, countsOfPrimary, type NodeCounts } from './client-counts.ts'
import type { CacheFacts, WatchedNode } from './node-facts.ts'

/** Live. */
type Cache = {
  known: KnownTopology
  watchers: ReadonlyMap<NodeAddress, Pick<WatchedNode, 'shaped'>>
  appCounts: ClientCountsOfCache | undefined
}

export function factsOfCache(
  cache: Cache,
  address: NodeAddress,
): CacheFacts & { clientCounts(): NodeCounts | null } {
  return {
    siblingOpsPerSec: () => siblingOpsPerSec(cache, address),
    isTopologyChanging: () => cache.known.isChanging,
    clientCounts: () => clientCounts(cache, address),
  }
}

/** Of the other shards' primaries, on average, without our own commands; null on a replica, and for a lone shard. */
function siblingOpsPerSec({ known, watchers }: Cache, address: NodeAddress): number | null {
  if (known.primaryFor(address) !== address) return null
  const rates = (known.current?.shards ?? []).flatMap((shard) => {
    const primary = primaryOf(shard)?.address
    const rate = primary === undefined ? null : watchers.get(primary)?.shaped?.executedPerSec
    return primary === address || rate === null || rate === undefined ? [] : [rate]
  })
  return rates.length === 0 ? null : rates.reduce((sum, rate) => sum + rate, 0) / rates.length
}

function clientCounts({ known, appCounts }: Cache, address: NodeAddress): NodeCounts | null {
  const counts = appCounts?.read() ?? null
  return counts && known.current && countsOfPrimary(counts, known.current, address)
}
