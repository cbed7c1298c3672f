/** The mirror owner against real nodes: copies equal their key through storms, deletions, failovers and its own death. */
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../collector/clock.ts'
import { ActionNodes } from '../../../collector/mitigations/action-nodes.ts'
import { Halted } from '../../../collector/mitigations/halted.ts'
import { Mirror } from '../../../collector/mitigations/mirror/mirror.ts'
import { SlotMap } from '../../../collector/mitigations/slot-map.ts'
import { slotOf } from '../../../core/key-slot.ts'
import { chooseVariants } from '../../../core/mitigations/variants.ts'
import type { Topology } from '../../../core/sample.ts'
import { clusterClient } from '../../support/mitigation-world.ts'
import { type RedisCluster, startRedisCluster, until } from '../../support/redis.ts'

const ends: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function topologyOf(cluster: RedisCluster): Topology {
  const count = cluster.primaries.length
  return {
    cacheId: 'shop',
    at: 1,
    shards: cluster.primaries.map((node, index) => ({
      ordinal: index + 1,
      slots: [[Math.floor((index * 16_384) / count), Math.floor(((index + 1) * 16_384) / count) - 1]],
      nodes: [
        { address: node.address, role: 'primary', clusterNodeId: null },
        ...(cluster.replicas[index] ?? []).map((replica) => ({
          address: replica.address,
          role: 'replica' as const,
          clusterNodeId: null,
        })),
      ],
    })),
  }
}

async function world(key: string | Buffer, replicasPerPrimary = 0) {
  const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary })
  ends.push(cluster.stop)
  const client = clusterClient(cluster.nodes.map((node) => node.port))
  ends.push(() => client.disconnect())
  const held = { topology: topologyOf(cluster), isHeld: true }
  const baseKey = Buffer.from(key)
  const shards = held.topology.shards.map((shard) => ({ ...shard, shardId: shard.ordinal }))
  const owner = shards.find((shard) =>
    shard.slots?.some(([first, last]) => slotOf(baseKey) >= first && slotOf(baseKey) <= last),
  )
  const names = chooseVariants({ key: baseKey, shards, ownerShardId: owner?.shardId ?? 0, count: 3 })
  const copyKeys = names.slice(1).map((name) => Buffer.from(name.keyBase64, 'base64'))
  const start = (isHeld = () => held.isHeld) => {
    const nodes = new ActionNodes(() => ({ username: null, password: null, tls: null }), isHeld)
    const slots = new SlotMap(
      () => held.topology,
      () => {},
    )
    const common = { owner: 'm1', nodes, slots, baseKey, copyKeys, maxBytes: 1_000_000 }
    const epoch = new AbortController()
    const mirror = new Mirror({
      ...common,
      clock: systemClock,
      onCommand: () => {},
      signal: epoch.signal,
    })
    mirror.start()
    ends.push(async () => {
      await mirror.stop()
      nodes.close()
    })
    return { mirror, nodes, epoch }
  }
  return { cluster, client, held, baseKey, copyKeys, start, ownerIndex: (owner?.ordinal ?? 1) - 1 }
}

const right = (mirror: Mirror) =>
  until('the copies are right', () => mirror.status.isArmed && mirror.status.right === mirror.status.copies)

describe('the mirror', () => {
  it('bears a storm of 4000 writes, and a deletion', async () => {
    const { client, copyKeys, start } = await world('article:42')
    await client.set('article:42', '0')
    const { mirror } = start()
    await right(mirror)
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
    const { client, copyKeys, start } = await world(key)
    const [copy] = copyKeys
    if (copy === undefined) throw new Error('there are copies')
    await client.set(key, Buffer.from([0, 255, 10]))
    const { mirror } = start()
    await right(mirror)
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
    const { client, copyKeys, start } = await world('k')
    await client.set('k', 'right')
    const { mirror } = start()
    await right(mirror)
    await client.set(copyKeys[0] ?? '', 'wrong', 'PX', 5_000)
    await until('it is mended', async () => (await client.get(copyKeys[0] ?? '')) === 'right', 4_500)
    expect(mirror.status.diverged).toBe(1)
    // A writer of the application unlinks a copy: it is there again.
    await client.del(copyKeys[1] ?? '')
    await until('it is back', async () => (await client.get(copyKeys[1] ?? '')) === 'right')
    await until('it was compared again', () => mirror.status.divergedSince === null)
  })

  it('does not dump what has outgrown its limit at every write, and leaves no copy of it', async () => {
    const { client, cluster, copyKeys, ownerIndex, start } = await world('k')
    await client.set('k', 'small')
    const { mirror } = start()
    await right(mirror)
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

  it('takes no encoding for a difference', async () => {
    const { client, cluster, copyKeys, ownerIndex, start } = await world('k')
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

  it('leaves nothing that outlives five seconds when it dies', async () => {
    const { client, copyKeys, held, start } = await world('k')
    await client.set('k', 'value')
    await right(start().mirror)
    held.isHeld = false
    const died = Date.now()
    for (const copy of copyKeys) expect(await client.pttl(copy)).toBeLessThanOrEqual(5_000)
    // What it left is wrong from now on.
    await client.set('k', 'newer')
    await until('the copies have run out', async () => {
      const there = await Promise.all(copyKeys.map((copy) => client.exists(copy)))
      return there.every((count) => count === 0)
    })
    // Five seconds of the nodes' clocks, and what a busy machine takes to look.
    expect(Date.now() - died).toBeLessThan(15_000)
  })

  it('does not go on after a doubt, however short, and says that it does not', async () => {
    const { client, copyKeys, held, start } = await world('k')
    await client.set('k', 'one')
    const { mirror, nodes } = start()
    await right(mirror)
    expect(mirror.isHalted).toBe(false)
    held.isHeld = false
    await client.set('k', 'two')
    await until('it has seen the doubt', () => mirror.isHalted)
    held.isHeld = true
    expect(mirror.status).toMatchObject({
      isArmed: false,
      right: 0,
      message: expect.stringMatching(/Another/),
    })
    // Its place is taken by another of the same owner; the old one lets go of nothing that is the new one's.
    nodes.close()
    const { mirror: next } = start()
    await right(next)
    await mirror.stop()
    await client.set('k', 'three')
    await until('it is copied', async () => (await client.get(copyKeys[0] ?? '')) === 'three')
    expect(mirror.status.right).toBe(0)
  })

  it('writes nothing once its time is over, though the lease is held', async () => {
    const { client, copyKeys, baseKey, start } = await world('k')
    await client.set('k', 'one')
    const { mirror, nodes, epoch } = start()
    await right(mirror)
    const address = await client.nodes('master')[0]?.options
    const old = await nodes.node('m2', `${address?.host}:${address?.port}`)
    expect(await old.call('PING')).toBe('PONG')
    epoch.abort()
    nodes.close()
    expect(mirror.status.right).toBe(0)
    await client.set('k', 'two')
    await mirror.stop()
    expect(await client.get(copyKeys[0] ?? '')).not.toBe('two')
    // Who had a node before does not open what was closed.
    await expect(old.call('PING')).rejects.toBeInstanceOf(Halted)
    const anew = await nodes.node('m2', `${address?.host}:${address?.port}`)
    expect(await anew.call('PING')).toBe('PONG')
    await expect(old.callBuffer('GET', baseKey)).rejects.toBeInstanceOf(Halted)
  })

  it('yields to another owner: what an old one writes when it wakes is mended before it ends by itself', async () => {
    const { client, copyKeys, start } = await world('k')
    await client.set('k', 'old')
    const { mirror: first } = start()
    await right(first)
    const dump = await client.dumpBuffer('k')
    await first.stop()
    const { mirror: second } = start()
    await client.set('k', 'new')
    await right(second)
    await until('it is copied', async () => (await client.get(copyKeys[0] ?? '')) === 'new')
    // On its way since before the old one was stopped: its time to live bounds it as well.
    await client.restore(copyKeys[0] ?? '', 5_000, dump ?? '', 'REPLACE')
    const wokeAt = Date.now()
    await until('it is mended', async () => (await client.get(copyKeys[0] ?? '')) === 'new', 4_500)
    // Else it would have ended by itself.
    expect(Date.now() - wokeAt).toBeLessThan(4_900)
  })

  it('follows the primary of its key over a failover', async () => {
    const { client, copyKeys, cluster, held, ownerIndex, start } = await world('k', 1)
    await client.set('k', 'before')
    const { mirror } = start()
    await right(mirror)
    const replica = cluster.replicas[ownerIndex]?.[0]
    await cluster.primaries[ownerIndex]?.kill('SIGKILL')
    await until('the replica has taken over', async () => {
      return String(await replica?.command('ROLE')).startsWith('master')
    })
    held.topology = {
      ...held.topology,
      at: 2,
      shards: held.topology.shards.map((shard, index) =>
        index !== ownerIndex
          ? shard
          : {
              ...shard,
              nodes: [{ address: replica?.address ?? '', role: 'primary' as const, clusterNodeId: null }],
            },
      ),
    }
    await until('a write is taken', () => client.set('k', 'after'))
    await until('the copies have it', async () => {
      const values = await Promise.all(copyKeys.map((copy) => client.get(copy)))
      return values.every((value) => value === 'after')
    })
    await right(mirror)
  })
})
