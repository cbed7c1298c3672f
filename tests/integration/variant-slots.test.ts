/** The slots of names as a real server counts them, whatever bytes the key has. */
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { slotOf } from '../../core/key-slot.ts'
import { chooseVariants } from '../../core/mitigations/variants.ts'
import { shardFacts } from '../support/mitigation-facts.ts'
import { type RedisProcess, startRedis } from '../support/redis.ts'

let server: RedisProcess
let client: Redis

beforeAll(async () => {
  server = await startRedis({ cluster: true })
  client = new Redis(server.port, server.host)
})
afterAll(async () => {
  client?.disconnect()
  await server?.stop()
})

const WITH_BRACES = ['{', '}', '{}', '{}{a}', 'a{b}c', '}{', '{{a}}', '{hk0.4}:{user:9}', 'a\0{b\r\n}']

it('puts each name where the server puts it', async () => {
  const keys = [
    ...WITH_BRACES.map((key) => Buffer.from(key)),
    ...Array.from({ length: 40 }, () => randomBytes(24)),
  ]
  for (const key of keys) {
    const bytes = new Uint8Array(key)
    const slot = slotOf(bytes)
    const ownerShardId = 11 + Math.floor(slot / Math.ceil(16_384 / 5))
    const variants = chooseVariants({ key: bytes, shards: shardFacts(5), ownerShardId, count: 5 })
    const told = await Promise.all(
      variants.map((variant) => client.cluster('KEYSLOT', Buffer.from(variant.keyBase64, 'base64'))),
    )
    expect(told).toEqual(variants.map((variant) => variant.slot))
    expect(new Set(variants.map((variant) => variant.shardId)).size).toBe(5)
  }
})
