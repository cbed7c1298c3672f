/** The owner of a mirror against real nodes: its death, a doubt about its lease, another after it, a failover. */
import { describe, expect, it } from 'vitest'
import { Halted } from '../../../collector/mitigations/halted.ts'
import { mirrorWorld, untilRight } from '../../support/mirror-world.ts'
import { until } from '../../support/redis.ts'

describe('the owner of a mirror', () => {
  it('leaves nothing that outlives five seconds when it dies', async () => {
    const { client, copyKeys, held, start } = await mirrorWorld('k')
    await client.set('k', 'value')
    await untilRight(start().mirror)
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
    const { client, copyKeys, held, start } = await mirrorWorld('k')
    await client.set('k', 'one')
    const { mirror, nodes } = start()
    await untilRight(mirror)
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
    await untilRight(next)
    await mirror.stop()
    await client.set('k', 'three')
    await until('it is copied', async () => (await client.get(copyKeys[0] ?? '')) === 'three')
    expect(mirror.status.right).toBe(0)
  })

  it('writes nothing once its time is over, though the lease is held', async () => {
    const { client, copyKeys, baseKey, start } = await mirrorWorld('k')
    await client.set('k', 'one')
    const { mirror, nodes, epoch } = start()
    await untilRight(mirror)
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
    const { client, copyKeys, start } = await mirrorWorld('k')
    await client.set('k', 'old')
    const { mirror: first } = start()
    await untilRight(first)
    const dump = await client.dumpBuffer('k')
    await first.stop()
    const { mirror: second } = start()
    await client.set('k', 'new')
    await untilRight(second)
    await until('it is copied', async () => (await client.get(copyKeys[0] ?? '')) === 'new')
    // On its way since before the old one was stopped: its time to live bounds it as well.
    await client.restore(copyKeys[0] ?? '', 5_000, dump ?? '', 'REPLACE')
    const wokeAt = Date.now()
    await until('it is mended', async () => (await client.get(copyKeys[0] ?? '')) === 'new', 4_500)
    // Else it would have ended by itself.
    expect(Date.now() - wokeAt).toBeLessThan(4_900)
  })

  it('follows the primary of its key over a failover', async () => {
    const { client, copyKeys, cluster, held, ownerIndex, start } = await mirrorWorld('k', 1)
    await client.set('k', 'before')
    const { mirror } = start()
    await untilRight(mirror)
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
    await untilRight(mirror)
  })
})
