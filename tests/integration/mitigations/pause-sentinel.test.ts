/** A pause of writes under a real Sentinel, which hears nothing from a primary whose writes wait. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { pauseWrites } from '../../../collector/mitigations/actions/pause-writes.ts'
import { ActionRun, cacheConfig } from '../../support/action-context.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'
import { type SentinelProcess, startSentinel } from '../../support/sentinel.ts'

let primary: RedisProcess
let replica: RedisProcess
let sentinel: SentinelProcess

beforeAll(async () => {
  primary = await startRedis()
  replica = await startRedis({ replicaOf: primary })
  const lines = ['sentinel down-after-milliseconds mymaster 4000']
  sentinel = await startSentinel('mymaster', primary, { replicas: 1, lines })
})
afterAll(() => Promise.all([sentinel?.stop(), primary?.stop(), replica?.stop()]))

const seed = () => ({ host: '127.0.0.1', port: sentinel.port, address: sentinel.address })
const roleOf = async (node: RedisProcess) =>
  /role:(\w+)/.exec(String(await node.command('INFO', 'replication')))?.[1]

function pauseFor(pauseSeconds: number, seeds = [seed()]): ActionRun {
  const nodes = [primary, replica].map(({ address }, index) => ({
    address,
    role: index === 0 ? ('primary' as const) : ('replica' as const),
    clusterNodeId: null,
  }))
  return new ActionRun({
    ...{ action: pauseWrites(), name: 'pause-writes', target: { kind: 'shard', shardId: 1 } },
    parameters: { pauseSeconds },
    cache: cacheConfig('sentinel', {
      seeds,
      sentinel: { masterName: 'mymaster', username: null, password: null },
    }),
    topology: { cacheId: 'shop', at: 1, shards: [{ ordinal: 1, slots: null, nodes }] },
  })
}

it('is refused where the Sentinels would replace the primary before it is over, and says how long it may be', async () => {
  const run = pauseFor(10)
  expect(await run.on()).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(/replace it after 4000 ms.*Ask for 2 s at most/),
  })
  await run.close()
})

it('is refused where no Sentinel tells how patient they are', async () => {
  const run = pauseFor(1, [{ ...seed(), port: 1, address: '127.0.0.1:1' }])
  expect(await run.on()).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(/No Sentinel tells/),
  })
  await run.close()
})

it('that is short enough leaves the primary where it is; one that is not is what they replace it for', async () => {
  const run = pauseFor(2)
  expect((await run.on()).kind).toBe('done')
  await until('its time is over', async () => (await run.watch()).kind === 'finished')
  await run.close()
  expect([await roleOf(primary), await roleOf(replica)]).toEqual(['master', 'slave'])
  await primary.command('CLIENT', 'PAUSE', 30_000, 'WRITE')
  await until('the replica is promoted', async () => (await roleOf(replica)) === 'master', 60_000)
}, 120_000)
