/**
 * Names for the copies of a key, chosen by hash slot so that each lies on the shard that it is meant for. Suffixes
 * would not do: of a key with a hash tag all stay on one shard. Of a name `{hk<n>.<tag>}:<key>` the tag decides alone,
 * whatever the key holds, as the first `{…}` wins.
 */
import { slotOf } from '../key-slot.ts'
import { formatKey } from '../key-text.ts'
import type { MitigationShard } from './facts.ts'
import type { Preview } from './model.ts'

export type Variant = NonNullable<Preview['variants']>[number]

/** Of a shard with a single slot one tag in 16,384 will do; all of these miss it once in 10^13 times. */
const MAX_TAGS = 500_000

const encoder = new TextEncoder()

/**
 * The names to read a key from, itself first. The same for the same input. Those with as many names as there are
 * shards have one on each; with more, no shard has two more than another.
 * @param ownerShardId where the key itself lies
 * @param count of names, the key itself included
 * @param tagSeed the first tag that is tried
 * @returns one name only, the key's own, where no other shard owns slots
 */
export function chooseVariants(options: {
  key: Uint8Array
  shards: readonly Pick<MitigationShard, 'shardId' | 'ordinal' | 'slots'>[]
  ownerShardId: number
  count: number
  tagSeed?: number
}): Variant[] {
  const { key, count, tagSeed = 0 } = options
  const order = shardsFrom(options.shards, options.ownerShardId)
  const owner = order[0]
  if (owner === undefined) return []
  const variants = [toVariant(key, slotOf(key), owner)]
  if (order.length < 2) return variants
  for (let index = 1; index < count; index++) {
    const shard = order[index % order.length]
    const variant = shard === undefined ? null : findVariant(key, index - 1, shard, tagSeed)
    if (variant !== null) variants.push(variant)
  }
  return variants
}

type SlotShard = { shardId: number; ordinal: number; slots: [number, number][] }

/** Those with slots, the owner first, then in the order of ordinals and around. */
function shardsFrom(
  shards: readonly Pick<MitigationShard, 'shardId' | 'ordinal' | 'slots'>[],
  ownerShardId: number,
): SlotShard[] {
  const owning = shards
    .flatMap(({ shardId, ordinal, slots }) =>
      slots === null || slots.length === 0 ? [] : [{ shardId, ordinal, slots }],
    )
    .sort((a, b) => a.ordinal - b.ordinal)
  const at = owning.findIndex((shard) => shard.shardId === ownerShardId)
  return at === -1 ? [] : [...owning.slice(at), ...owning.slice(0, at)]
}

function findVariant(key: Uint8Array, number: number, shard: SlotShard, tagSeed: number): Variant | null {
  for (let tag = tagSeed; tag < tagSeed + MAX_TAGS; tag++) {
    const name = `hk${number}.${tag}`
    // The name's slot is its tag's.
    const slot = slotOf(encoder.encode(name))
    if (!shard.slots.some(([first, last]) => slot >= first && slot <= last)) continue
    return toVariant(join(encoder.encode(`{${name}}:`), key), slot, shard)
  }
  return null
}

function toVariant(name: Uint8Array, slot: number, shard: SlotShard): Variant {
  return {
    keyBase64: toBase64(name),
    key: formatKey(name),
    slot,
    shardId: shard.shardId,
    ordinal: shard.ordinal,
  }
}

function join(prefix: Uint8Array, key: Uint8Array): Uint8Array {
  const name = new Uint8Array(prefix.length + key.length)
  name.set(prefix)
  name.set(key, prefix.length)
  return name
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
