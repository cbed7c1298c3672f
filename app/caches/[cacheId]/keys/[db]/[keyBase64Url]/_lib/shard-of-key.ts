import type { HotKey, Shard } from '../../../../../../../core/model.ts'

/** The shard that owns the key: by its slot, else where it is hot, else the only one there is. */
export function shardOfKey(
  key: { slot: number | null; current: Pick<HotKey, 'shardId'>[] },
  shards: Shard[],
): Shard | null {
  const { slot, current } = key
  const bySlot =
    slot === null
      ? undefined
      : shards.find(({ slots }) => slots?.some(([from, to]) => from <= slot && slot <= to))
  const byReport = shards.find(({ shardId }) => shardId === current[0]?.shardId)
  return bySlot ?? byReport ?? (shards.length === 1 ? (shards[0] ?? null) : null)
}
