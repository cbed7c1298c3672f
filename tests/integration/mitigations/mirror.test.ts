/** The mirror against real nodes: copies equal their key through storms, deletions and whatever else is written. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { mirrorWorld, untilRight } from '../../support/mirror-world.ts'
import { until } from '../../support/redis.ts'

describe('the mirror', () => {
  it('bears a storm of 4000 writes, and a deletion', async () => {
    const { client, copyKeys, start } = await mirrorWorld('article:42')
    await client.set('article:42', '0')
    const { mirror } = start()
    await untilRight(mirror)
    // Each copy is read all the while: how old is what it says?
    const writtenAt = [Date.now()]
    let isOver = false
    let oldestMs = 0
    let reads = 0
    const reader = (async () => {
      while (!isOver) {
        for (const copy of copyKeys) {
          const asked = Date.now()
          const value = await client.get(copy)
          if (value === null) continue
          reads++
          // Replaced by the next write: so long it has been stale.
          const replacedAt = writtenAt[Number(value) + 1]
          if (replacedAt !== undefined) oldestMs = Math.max(oldestMs, asked - replacedAt)
        }
      }
    })()
    let slowestMs = 0
    for (let write = 1; write <= 4_000; write++) {
      const sentAt = Date.now()
      await client.set('article:42', String(write))
      writtenAt[write] = Date.now()
      slowestMs = Math.max(slowestMs, Date.now() - sentAt)
    }
    await until('the copies are equal', async () => {
      const values = await Promise.all(copyKeys.map((copy) => client.get(copy)))
      return values.every((value) => value === '4000')
    })
    isOver = true
    await reader
    expect(reads).toBeGreaterThan(100)
    // What is promised is a second; where the machine itself stands still, a copy does for some commands on end.
    expect(oldestMs).toBeLessThan(1_000 + 5 * slowestMs)
    expect(mirror.status.diverged).toBe(0)

    await client.del('article:42')
    await until('the copies are gone', async () => {
      const there = await Promise.all(copyKeys.map((copy) => client.exists(copy)))
      return there.every((count) => count === 0)
    })
  })

  it('copies every type, follows times to live, and leaves longer keys of its prefix alone', async () => {
    const key = Buffer.from([0x61, 0x00, 0xff, 0x0a])
    const { client, copyKeys, start } = await mirrorWorld(key)
    const [copy] = copyKeys
    if (copy === undefined) throw new Error('there are copies')
    await client.set(key, Buffer.from([0, 255, 10]))
    const { mirror } = start()
    await untilRight(mirror)
    await until('its bytes are', async () =>
      (await client.getBuffer(copy))?.equals(Buffer.from([0, 255, 10])),
    )

    const fields = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`f${at}`, `v${at}`]))
    const types: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
      ['hash', () => client.hset(key, fields), () => client.hlen(copy)],
      ['set', () => client.sadd(key, Object.keys(fields)), () => client.scard(copy)],
      ['list', () => client.rpush(key, ...Object.keys(fields)), () => client.llen(copy)],
      [
        'zset',
        () => client.zadd(key, ...Object.keys(fields).flatMap((field, at) => [at, field])),
        () => client.zcard(copy),
      ],
    ]
    for (const [type, write, count] of types) {
      await client.del(key)
      await write()
      await until(
        `a ${type} is copied`,
        async () => (await client.type(copy)) === type && (await count()) === 600,
      )
    }
    // A table's order is each server's own: three beats must find no difference.
    await client.del(key)
    await client.hset(key, fields)
    await until('it is copied again', async () => (await client.hlen(copy)) === 600)
    const { probes, diverged } = mirror.status
    await until('it was compared', () => mirror.status.probes >= probes + 6)
    expect(mirror.status.diverged).toBe(diverged)

    await client.pexpire(key, 3_000)
    await until('the copy ends with its key', async () => {
      const ttl = await client.pttl(copy)
      return ttl > 0 && ttl <= 3_000
    })
    await until('it is gone', async () => (await client.exists(copy)) === 0)
    await until('the key is known to be gone', () => mirror.status.baseExists === false)
    await client.set(Buffer.concat([key, Buffer.from('more')]), 'x')
    expect(mirror.status.baseExists).toBe(false)
  })

  it('finds what differs before it ends by itself, and mends it', async () => {
    const { client, copyKeys, start } = await mirrorWorld('k')
    await client.set('k', 'right')
    const { mirror } = start()
    await untilRight(mirror)
    await client.set(copyKeys[0] ?? '', 'wrong', 'PX', 5_000)
    await until('it is mended', async () => (await client.get(copyKeys[0] ?? '')) === 'right', 4_500)
    expect(mirror.status.diverged).toBe(1)
    // A writer of the application unlinks a copy: it is there again.
    await client.del(copyKeys[1] ?? '')
    await until('it is back', async () => (await client.get(copyKeys[1] ?? '')) === 'right')
    await until('it was compared again', () => mirror.status.divergedSince === null)
  })

  it('does not dump what has outgrown its limit at every write, and leaves no copy of it', async () => {
    const { client, cluster, copyKeys, ownerIndex, start } = await mirrorWorld('k')
    await client.set('k', 'small')
    const { mirror } = start()
    await untilRight(mirror)
    await client.set('k', randomBytes(1_200_000))
    await until('it is too large', () => mirror.status.isTooLarge)
    const dumps = async () =>
      Number(
        /cmdstat_dump:calls=(\d+)/.exec(
          String(await cluster.primaries[ownerIndex]?.command('INFO', 'commandstats')),
        )?.[1],
      )
    const before = await dumps()
    for (let write = 0; write < 200; write++) await client.append('k', 'x')
    await until('the copies are gone', async () => {
      const there = await Promise.all(copyKeys.map((copy) => client.exists(copy)))
      return there.every((count) => count === 0)
    })
    expect(await dumps()).toBe(before)
    await client.set('k', 'small again')
    await until('it is copied again', async () => (await client.get(copyKeys[0] ?? '')) === 'small again')
    expect(mirror.status.isTooLarge).toBe(false)
  })

  it('dumps nothing large blindly: neither at first, nor after a DUMP that has failed', async () => {
    const { client, cluster, ownerIndex, start } = await mirrorWorld('k')
    const primary = cluster.primaries[ownerIndex]
    const dumps = async () =>
      Number(
        /cmdstat_dump:calls=(\d+)/.exec(String(await primary?.command('INFO', 'commandstats')))?.[1] ?? 0,
      )
    await client.set('k', randomBytes(1_200_000))
    const { mirror } = start()
    await until('it is too large', () => mirror.status.isTooLarge)
    expect(await dumps()).toBe(0)
    await client.set('k', 'small')
    await untilRight(mirror)
    await primary?.command('ACL', 'SETUSER', 'default', '-dump')
    await client.set('k', 'also small')
    await until('it fails', () => mirror.status.message !== null)
    await client.set('{k}staging', randomBytes(1_200_000))
    await client.rename('{k}staging', 'k')
    const before = await dumps()
    await primary?.command('ACL', 'SETUSER', 'default', '+dump')
    await until('it is too large', () => mirror.status.isTooLarge)
    expect(await dumps()).toBe(before)
  })

  it('takes no encoding for a difference', async () => {
    const { client, cluster, copyKeys, ownerIndex, start } = await mirrorWorld('k')
    const elsewhere = cluster.primaries.filter((_, index) => index !== ownerIndex)
    for (const node of elsewhere) {
      await node.command('CONFIG', 'SET', 'rdbcompression', 'no')
      await node.command('CONFIG', 'SET', 'list-max-listpack-size', '4')
      await node.command('CONFIG', 'SET', 'zset-max-listpack-entries', '2')
    }
    const members = Array.from({ length: 40 }, (_, at) => `member ${at} `.repeat(10))
    const values: (() => Promise<unknown>)[] = [
      () => client.set('k', 'a'.repeat(5_000)),
      () => client.rpush('k', ...members),
      () => client.zadd('k', ...members.flatMap((member, at) => [at / 10, member])),
    ]
    const { mirror } = start()
    for (const write of values) {
      await client.del('k')
      await write()
      const type = await client.type('k')
      await until('the copies have it', async () => {
        // Each has the type of the value before, or is not there.
        const types = await Promise.all(copyKeys.map((copy) => client.type(copy)))
        return types.every((one) => one === type) && mirror.status.right === 2
      })
      const { probes, diverged } = mirror.status
      await until('it was compared', () => mirror.status.probes >= probes + 4)
      expect(mirror.status.diverged).toBe(diverged)
    }
  })
})
