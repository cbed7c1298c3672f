/** Hashes whose fields have times to live of their own (Redis 7.4 and later, Valkey 9): a copy lets go of them with its key. */
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import type { ActionNode } from '../../../collector/mitigations/action.ts'
import { Copy } from '../../../collector/mitigations/mirror/copy.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'

const BASE = Buffer.from('cart:7')
const COPY = Buffer.from('{hk1.2}:cart:7')

function nodeOf({ address, port }: RedisProcess) {
  const client = new Redis({ port, protocol: 2 })
  const sent = (args: readonly unknown[]) => args as (string | number | Buffer)[]
  const node: ActionNode = {
    address,
    call: (command, ...args) => client.call(command, ...sent(args)),
    callBuffer: (command, ...args) => client.callBuffer(command, ...sent(args)),
  }
  return { node, client }
}

it.concurrent.for(['redis', 'valkey'] as const)('%s', async (engine, { onTestFinished }) => {
  const servers = await Promise.all([startRedis({ engine }), startRedis({ engine })])
  for (const server of servers) onTestFinished(server.stop)
  const [base, other] = servers.map(nodeOf)
  if (base === undefined || other === undefined) throw new Error('there are two')
  onTestFinished(() => base.client.disconnect())
  onTestFinished(() => other.client.disconnect())
  const copy = new Copy(
    {
      key: COPY,
      baseKey: BASE,
      node: async () => other.node,
      noteFailure: () => false,
      isOutdated: () => false,
    },
    Date.now,
  )
  const write = async (probe: boolean) => {
    const dump = await base.client.dumpBuffer(BASE)
    copy.write({ version: 1, dump, ttlMs: null, node: base.node }, probe)
  }
  const endOf = (client: Redis, key: Buffer) => client.call('HPEXPIRETIME', key, 'FIELDS', 2, 'offer', 'name')
  const isSame = async () =>
    String(await endOf(base.client, BASE)) === String(await endOf(other.client, COPY))

  await base.client.hset(BASE, 'offer', '10% off', 'name', 'a chair')
  await base.client.call('HPEXPIRE', BASE, 60_000, 'FIELDS', 1, 'offer')
  await write(false)
  await until('the copy', async () => (await other.client.exists(COPY)) === 1)
  expect(await isSame()).toBe(true)

  // The same fields and values, of which one now ends at another time: seen by a comparison, and no divergence.
  await base.client.call('HPEXPIRE', BASE, 600_000, 'FIELDS', 1, 'offer')
  await write(true)
  await until('the new end', isSame)
  await base.client.call('HPERSIST', BASE, 'FIELDS', 1, 'offer')
  await write(true)
  await until('no end', isSame)
  expect([copy.probes, copy.diverged]).toEqual([2, 0])
  await base.client.call('HPEXPIRE', BASE, 500, 'FIELDS', 1, 'offer')
  await write(true)
  // Both by their own clocks: what is compared in between may be of either side of that end.
  await until('both let go of it', async () => {
    const held = await Promise.all([base.client.hgetall(BASE), other.client.hgetall(COPY)])
    return held.every((fields) => Object.keys(fields).join() === 'name')
  })
  await copy.stop()
})
