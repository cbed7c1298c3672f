/** When within their interval the nodes of a shard are read, 0 to 1. */

/** The golden ratio spreads any number of shards evenly over the interval; caches begin at different places. */
export function phaseOf(cacheId: string, ordinal: number): number {
  let hash = 0
  for (const char of cacheId) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 9_973
  return (hash / 9_973 + ordinal * 0.618_034) % 1
}
