/** What a synthetic fleet is made of. */
import type { CacheRecord, Topology } from '../../core/sample.ts'

export type Fleet = {
  caches: CacheRecord[]
  topologies: Topology[]
  hotShard: number
  hotKeysPerNode: number
  hotKeyWrites: number
  down: { ordinal: number; since: number } | null
}
export type Member = {
  cacheId: string
  address: string
  ordinal: number
  role: 'primary' | 'replica'
  load: number
}
