/** Each action on servers does with the rights of docs/permissions.md, and with no others. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Action, Outcome } from '../../../collector/mitigations/action.ts'
import { denyUser } from '../../../collector/mitigations/actions/deny-user.ts'
import { failover } from '../../../collector/mitigations/actions/failover.ts'
import { killClient } from '../../../collector/mitigations/actions/kill-client.ts'
import { moveSlot } from '../../../collector/mitigations/actions/move-slot.ts'
import { pauseWrites } from '../../../collector/mitigations/actions/pause-writes.ts'
import { setConfig } from '../../../collector/mitigations/actions/set-config.ts'
import { spreadTtls } from '../../../collector/mitigations/actions/spread-ttls.ts'
import type { ServerAction } from '../../../core/mitigations/model.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig, type RunOptions } from '../../support/action-context.ts'
import { BASE_RULES, grant, rightsOf, MITIGATION_USER as USER } from '../../support/documented-rights.ts'
import { type RedisProcess, startRedis, startRedisCluster, until } from '../../support/redis.ts'
import { startSentinel } from '../../support/sentinel.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function startPair(settings?: Record<string, string>): Promise<[RedisProcess, RedisProcess]> {
  const primary = await startRedis({ settings })
  ends.push(primary.stop)
  const replica = await startRedis({ replicaOf: primary, settings })
  ends.push(replica.stop)
  await until('the replica follows', async () =>
    String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
  )
  return [primary, replica]
}

function topologyOf(primary: RedisProcess, replica: RedisProcess): Topology {
  const nodes = [
    { address: primary.address, role: 'primary' as const, clusterNodeId: null },
    { address: replica.address, role: 'replica' as const, clusterNodeId: null },
  ]
  return { cacheId: 'shop', at: 1, shards: [{ ordinal: 1, slots: null, nodes }] }
}

async function runAll(
  name: ServerAction,
  action: Action,
  topology: Topology,
  { killIn, ...more }: Partial<RunOptions> & { killIn?: number } = {},
): Promise<[Outcome, Outcome]> {
  const run = new ActionRun({
    ...{ name, action, topology, target: { kind: 'cache' }, cache: cacheConfig('standalone') },
    credentials: USER,
    nodeAddresses: new Map([[1, topology.shards[0]?.nodes[0]?.address ?? '']]),
    ...more,
  })
  ends.push(() => run.close())
  if (killIn !== undefined) run.killIn(killIn)
  const outcome = await run.on()
  return [outcome, await run.drain()]
}

describe('the rights of docs/permissions.md', { timeout: 300_000 }, () => {
  it('are enough on a primary and its replica', async () => {
    const [primary, replica] = await startPair()
    const topology = topologyOf(primary, replica)
    const nodes = [primary, replica]
    const node = { target: { kind: 'node', nodeId: 1 } as const }
    await primary.command('SET', 'article:1', 'v', 'EX', 1_000)
    await primary.command('CONFIG', 'SET', 'maxmemory', '100mb')
    for (const one of nodes) await one.command('ACL', 'SETUSER', 'greedy', 'on', 'nopass', '~*', '+@all')

    await grant(nodes, rightsOf('spread-ttls', 'every primary'))
    expect(
      await runAll('spread-ttls', spreadTtls(), topology, { parameters: { pattern: 'article:*' } }),
    ).toMatchObject([{ kind: 'finished' }, { kind: 'done' }])

    await grant(nodes, rightsOf('set-config', 'every node'))
    const parameters = { name: 'maxmemory', bytes: 120_000_000 }
    expect(await runAll('set-config', setConfig(), topology, { parameters })).toMatchObject([
      { kind: 'done' },
      { kind: 'done' },
    ])

    await grant(nodes, rightsOf('deny-user', 'every node'))
    expect(
      await runAll('deny-user', denyUser(), topology, { parameters: { username: 'greedy' } }),
    ).toMatchObject([{ kind: 'done' }, { kind: 'done', message: 'greedy is on again.' }])

    await grant(nodes, rightsOf('pause-writes', 'every primary'))
    expect(await runAll('pause-writes', pauseWrites(), topology, node)).toMatchObject([
      { kind: 'done' },
      { kind: 'done' },
    ])

    await grant(nodes, rightsOf('kill-client', 'every node'))
    const list = String(await primary.command('CLIENT', 'LIST'))
    const clientId = Number(/id=(\d+) [^\n]*flags=S/.exec(list)?.[1])
    expect(
      (await runAll('kill-client', killClient(), topology, { ...node, parameters: { clientId } }))[0],
    ).toMatchObject({ kind: 'refused', message: expect.stringMatching(/link between/) })

    await grant(nodes, rightsOf('failover', 'a primary and its replicas'))
    const shard = { target: { kind: 'shard', shardId: 1 } as const }
    expect((await runAll('failover', failover(), topology, shard))[0]).toMatchObject({ kind: 'finished' })
  })

  it('are enough for a failover by hand, and say which one is missing', async () => {
    const [primary, replica] = await startPair({ 'rename-command': 'FAILOVER hidden' })
    const shard = { target: { kind: 'shard', shardId: 1 } as const }
    const rights = rightsOf('failover', 'without `FAILOVER`')
    await grant(
      [primary, replica],
      rights.filter((right) => right !== '+client|pause'),
    )
    expect((await runAll('failover', failover(), topologyOf(primary, replica), shard))[0]).toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/may not run CLIENT PAUSE at/),
    })
    await grant([primary, replica], rights)
    expect((await runAll('failover', failover(), topologyOf(primary, replica), shard))[0]).toMatchObject({
      kind: 'finished',
    })
  })

  it('are enough for a failover by a Sentinel', async () => {
    const [primary, replica] = await startPair()
    const rules = [
      ...BASE_RULES.filter((rule) => rule !== 'clearselectors'),
      ...rightsOf('failover', 'the Sentinels'),
    ]
    const sentinel = await startSentinel('mymaster', primary, { replicas: 1 })
    ends.push(sentinel.stop)
    await sentinel.command('ACL', 'SETUSER', 'guard', 'on', '>guarded', ...rules)
    await grant([primary, replica], rightsOf('failover', 'behind Sentinels'))
    const outcomes = await runAll('failover', failover(), topologyOf(primary, replica), {
      killIn: 4,
      target: { kind: 'shard', shardId: 1 },
      cache: cacheConfig('sentinel', {
        seeds: [{ host: '127.0.0.1', port: sentinel.port, address: sentinel.address }],
        sentinel: { masterName: 'mymaster', username: 'guard', password: 'guarded' },
      }),
      credentialsOf: (address) =>
        address === sentinel.address ? { username: 'guard', password: 'guarded', tls: null } : USER,
    })
    expect(outcomes[0]).toMatchObject({
      kind: 'finished',
      message: expect.stringMatching(/is the primary now/),
    })
  })

  it('are enough in a cluster', async () => {
    const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary: 1 })
    ends.push(cluster.stop)
    const ids = await Promise.all(
      cluster.nodes.map(async (node) => String(await node.command('CLUSTER', 'MYID'))),
    )
    const idOf = (node: RedisProcess) => ids[cluster.nodes.indexOf(node)] ?? null
    const shards = cluster.primaries.map((primary, index) => ({
      ordinal: index + 1,
      slots: [[Math.floor((index * 16_384) / 3), Math.floor(((index + 1) * 16_384) / 3) - 1]] as [
        number,
        number,
      ][],
      nodes: [primary, ...(cluster.replicas[index] ?? [])].map((node) => ({
        address: node.address,
        role: node === primary ? ('primary' as const) : ('replica' as const),
        clusterNodeId: idOf(node),
      })),
    }))
    const topology = { cacheId: 'shop', at: 1, shards }
    const cache = cacheConfig('cluster', {
      mitigations: { enabled: true, ...USER, proofWindowMs: 10_000 },
    })
    const slot = Number(await cluster.nodes[0]?.command('CLUSTER', 'KEYSLOT', 'k'))
    const owner = shards.find(({ slots }) => slots.some(([from, to]) => from <= slot && slot <= to))
    await cluster.primaries[(owner?.ordinal ?? 1) - 1]?.command('SET', 'k', 'v')
    await grant(cluster.nodes, rightsOf('move-slot', 'key by key'))
    const parameters = { slot, toShardId: ((owner?.ordinal ?? 1) % 3) + 1 }
    expect((await runAll('move-slot', moveSlot(), topology, { cache, parameters }))[0]).toMatchObject({
      kind: 'finished',
    })
    await grant(cluster.nodes, rightsOf('failover', 'a cluster'))
    const shard = { cache, target: { kind: 'shard', shardId: 3 } as const }
    expect((await runAll('failover', failover(), topology, shard))[0]).toMatchObject({ kind: 'finished' })
  })
})
