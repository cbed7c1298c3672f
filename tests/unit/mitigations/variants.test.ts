import calculateSlot from 'cluster-key-slot'
import { describe, expect, it } from 'vitest'
import { slotOf } from '../../../core/key-slot.ts'
import { chooseVariants } from '../../../core/mitigations/variants.ts'
import { shardFacts } from '../../support/mitigation-facts.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const decode = (base64: string) => Buffer.from(base64, 'base64')

const KEYS: [string, Uint8Array][] = [
  ['a plain one', bytes('article:42')],
  ['one with a hash tag', bytes('{user:9}:cart')],
  ['an empty tag', bytes('{}x')],
  ['an open brace', bytes('a{b')],
  ['one with spaces and lines', bytes('a b\r\nc')],
  ['one that is no text', Uint8Array.of(0xff, 0x00, 0x7b, 0xc3, 0x28, 0x7d, 0x80)],
  ['a copy itself', bytes('{hk0.4}:article:42')],
  ['an empty one', new Uint8Array(0)],
]

describe.each(KEYS)('of a key: %s', (_, key) => {
  const owner = 11 + Math.floor(slotOf(key) / Math.ceil(16_384 / 3))
  const choose = (count: number) => chooseVariants({ key, shards: shardFacts(), ownerShardId: owner, count })

  it('has itself first, and each name where the servers would put it', () => {
    const variants = choose(3)
    expect(decode(variants[0]?.keyBase64 ?? '')).toEqual(Buffer.from(key))
    for (const variant of variants) {
      const slot = calculateSlot(decode(variant.keyBase64))
      expect(slot).toBe(variant.slot)
      const shard = shardFacts().find(({ slots }) => slots?.some(([a, b]) => slot >= a && slot <= b))
      expect(shard?.shardId).toBe(variant.shardId)
    }
    expect(new Set(variants.map((variant) => variant.shardId)).size).toBe(3)
  })

  it.each([2, 3, 5, 16, 64])('spreads %i names evenly, none twice', (count) => {
    const variants = choose(count)
    expect(variants).toHaveLength(count)
    expect(new Set(variants.map((variant) => variant.keyBase64)).size).toBe(count)
    const perShard = [...Map.groupBy(variants, (variant) => variant.shardId).values()].map((of) => of.length)
    expect(Math.max(...perShard)).toBe(Math.ceil(count / 3))
    expect(perShard).toHaveLength(Math.min(3, count))
  })

  it('says the same again', () => {
    expect(choose(7)).toEqual(choose(7))
  })
})

describe('odd clusters', () => {
  const key = bytes('article:42')

  it('finds a name for a shard with a single slot', () => {
    const shards = [
      { shardId: 1, ordinal: 1, slots: [[0, 16_382]] as [number, number][] },
      { shardId: 2, ordinal: 2, slots: [[16_383, 16_383]] as [number, number][] },
    ]
    const variants = chooseVariants({ key, shards, ownerShardId: 1, count: 2 })
    expect(variants[1]).toMatchObject({ shardId: 2, slot: 16_383 })
  })

  it('passes over shards without slots', () => {
    const shards = [...shardFacts(), { shardId: 99, ordinal: 4, slots: [] as [number, number][] }]
    const variants = chooseVariants({ key, shards, ownerShardId: 12, count: 4 })
    expect(variants.map((variant) => variant.shardId)).toEqual([12, 13, 11, 12])
  })

  it('has the key alone where there is one shard, and nothing where its owner is not known', () => {
    const one = shardFacts(1)
    expect(chooseVariants({ key, shards: one, ownerShardId: 11, count: 3 })).toHaveLength(1)
    expect(chooseVariants({ key, shards: shardFacts(), ownerShardId: 77, count: 3 })).toEqual([])
  })

  it('takes other tags from another seed', () => {
    const shards = shardFacts()
    const names = (tagSeed: number) =>
      chooseVariants({ key, shards, ownerShardId: 12, count: 3, tagSeed }).map((variant) => variant.key)
    expect(names(0)).not.toEqual(names(1_000))
  })
})
