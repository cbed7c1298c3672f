/** A slot that Redis 8 or Valkey 9 moves by itself: no key is deleted one by one where it was, and the library still learns of it. */
import { Cluster } from 'ioredis'
import { it } from 'vitest'
import { cachescope, inspect } from '../../../client/index.ts'
import { slotOf } from '../../../core/key-slot.ts'
import { apply, keyPolicy, localPolicy, policyDocument } from '../../support/hot-client.ts'
import { startRedisCluster, until } from '../../support/redis.ts'

const KEY = 'article:42'

it.concurrent.for(['redis', 'valkey'] as const)('%s', async (engine, { onTestFinished }) => {
  const cluster = await startRedisCluster({ engine, primaries: 2, replicasPerPrimary: 0 })
  onTestFinished(cluster.stop)
  const seeds = cluster.nodes.map(({ host, port }) => ({ host, port }))
  const client = cachescope(new Cluster(seeds), { app: engine })
  const other = new Cluster(seeds)
  onTestFinished(() => client.disconnect())
  onTestFinished(() => other.disconnect())
  const server = {
    command: (...args: (string | number | Buffer)[]) => other.call(String(args[0]), ...args.slice(1)),
  }
  await other.set(KEY, 'v1')
  const policy = keyPolicy(KEY, { local: localPolicy({ ttlMs: 10_000 }) })
  await apply(server, client, policyDocument([policy], { app: engine, leaseMs: 60_000 }))
  const status = () => inspect(client)?.policies[0]
  await until('it is held', async () => {
    await client.get(KEY)
    return (status()?.localHits ?? 0) > 3
  })

  const slot = slotOf(Buffer.from(KEY))
  const [from, to] = slot < 8_192 ? cluster.primaries : cluster.primaries.toReversed()
  if (from === undefined || to === undefined) throw new Error('there are two')
  if (engine === 'redis') await to.command('CLUSTER', 'MIGRATION', 'IMPORT', slot, slot)
  else {
    const id = String(await to.command('CLUSTER', 'MYID'))
    await from.command('CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', slot, slot, 'NODE', id)
  }
  await until('the new owner has it', async () => (await to.command('GET', KEY)) === 'v1')
  await other.set(KEY, 'v2')
  await until('it is told of the move', () => (status()?.invalidations ?? 0) > 0)
  await until('v2 is read', async () => (await client.get(KEY)) === 'v2')
  const told = status()?.invalidations ?? 0

  // And of what is written there it is told by the new owner.
  await until('it is held again', async () => {
    const hits = status()?.localHits ?? 0
    await client.get(KEY)
    return status()?.tracker === 'armed' && (status()?.localHits ?? 0) > hits
  })
  await other.set(KEY, 'v3')
  await until('v3 is read', async () => (await client.get(KEY)) === 'v3')
  await until('it was told', () => (status()?.invalidations ?? 0) > told)
})
