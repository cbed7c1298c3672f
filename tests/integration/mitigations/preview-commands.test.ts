/** The preview of each action on servers lists every command that real servers are sent, look-ups included. */
import { afterEach, describe, expect, it } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { placeOf } from '../../../collector/discovery.ts'
import type { Action } from '../../../collector/mitigations/action.ts'
import { denyUser } from '../../../collector/mitigations/actions/deny-user.ts'
import { failover } from '../../../collector/mitigations/actions/failover.ts'
import { killClient } from '../../../collector/mitigations/actions/kill-client.ts'
import { moveSlot } from '../../../collector/mitigations/actions/move-slot.ts'
import { pauseWrites } from '../../../collector/mitigations/actions/pause-writes.ts'
import { setConfig } from '../../../collector/mitigations/actions/set-config.ts'
import { spreadTtls } from '../../../collector/mitigations/actions/spread-ttls.ts'
import type { CacheConfig } from '../../../core/config.ts'
import type { Preview, ServerAction } from '../../../core/mitigations/model.ts'
import { commandText } from '../../../core/mitigations/server-commands.ts'
import { previewServerAction } from '../../../core/mitigations/server-preview.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig, type RunOptions } from '../../support/action-context.ts'
import type { Engine } from '../../support/engines.ts'
import { cacheFacts, nodeFacts, standaloneFacts } from '../../support/mitigation-facts.ts'
import { type RedisProcess, startRedis, startRedisCluster, until } from '../../support/redis.ts'
import { startSentinel } from '../../support/sentinel.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function startPair(): Promise<{ nodes: RedisProcess[]; topology: Topology }> {
  const primary = await startRedis()
  ends.push(primary.stop)
  const replica = await startRedis({ replicaOf: primary })
  ends.push(replica.stop)
  await until('the replica follows', async () =>
    String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
  )
  const nodes = [
    { address: primary.address, role: 'primary' as const, clusterNodeId: null },
    { address: replica.address, role: 'replica' as const, clusterNodeId: null },
  ]
  return {
    nodes: [primary, replica],
    topology: { cacheId: 'shop', at: 1, shards: [{ ordinal: 1, slots: null, nodes }] },
  }
}

async function startShards(engine: Engine, replicasPerPrimary: number) {
  const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary, engine })
  ends.push(cluster.stop)
  const shards = await Promise.all(
    cluster.primaries.map(async (primary, index) => ({
      ordinal: index + 1,
      slots: [[Math.floor((index * 16_384) / 3), Math.floor(((index + 1) * 16_384) / 3) - 1]] as [
        number,
        number,
      ][],
      nodes: await Promise.all(
        [primary, ...(cluster.replicas[index] ?? [])].map(async (node) => ({
          address: node.address,
          role: node === primary ? ('primary' as const) : ('replica' as const),
          clusterNodeId: String(await node.command('CLUSTER', 'MYID')),
        })),
      ),
    })),
  )
  return { cluster, topology: { cacheId: 'shop', at: 1, shards } satisfies Topology }
}

type Case = {
  name: ServerAction
  action: Action
  topology: Topology
  target: RunOptions['target']
  parameters?: Record<string, unknown>
  kind?: CacheConfig['kind']
  version?: string
  engine?: string
  more?: Partial<RunOptions>
}

function previewOf({ name, topology, target, parameters = {}, ...of }: Case): Preview {
  const { kind = 'standalone', version = '7.0.15', engine = 'redis' } = of
  const shards = topology.shards.map(({ ordinal, slots, nodes }) => ({
    ...{ shardId: ordinal, ordinal, slots, opsPerSec: 100 * ordinal },
    nodes: nodes.map(({ address, role, clusterNodeId }, index) =>
      nodeFacts({
        ...{ nodeId: ordinal * 10 + index, address, role, clusterNodeId, version, engine, expires: 1 },
        maxMemoryBytes: 104_857_600,
        ...(role === 'replica' ? { lagSeconds: 0, lagBytes: 0 } : {}),
      }),
    ),
  }))
  const facts = standaloneFacts(0, { cache: cacheFacts({ kind }), shards })
  const draft = { cacheId: 'shop', action: name, target, parameters, expiresInSeconds: 3_600 }
  const preview = previewServerAction(facts, draft)
  expect(preview.refusals).toEqual([])
  return preview
}

const NOW = { offset: 0 }
function runOf(of: Case): ActionRun {
  const { name, action, topology, target, parameters, kind = 'standalone', more } = of
  const nodeAddresses = new Map(
    topology.shards.flatMap(({ ordinal, nodes }) =>
      nodes.map(({ address }, index) => [ordinal * 10 + index, address] as const),
    ),
  )
  const run = new ActionRun({
    ...{ name, action, topology, target, parameters, cache: cacheConfig(kind), nodeAddresses },
    now: () => Date.now() + NOW.offset,
    ...more,
  })
  ends.push(() => run.close())
  return run
}

/** `CLUSTER NODES` at `10.0.0.1:7000, every 10 s`: where it is sent, and what it may look like. */
function patternsOf(preview: Preview, places: Record<string, string>): { node: string; text: RegExp }[] {
  return preview.commands.map(({ node, command }) => {
    const address = node.split(', ')[0] ?? ''
    const escaped = command.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    return {
      node: places[address] ?? address,
      text: new RegExp(`^${escaped.replace(/<[^>]*>|…/g, '.+')}$`, 's'),
    }
  })
}

function expectListed(run: ActionRun, preview: Preview, places: Record<string, string> = {}): void {
  const patterns = patternsOf(preview, places)
  const texts = run.calls.map(({ node, words }) => ({ node, text: commandText(words) }))
  const missing = texts.filter(
    (sent) => !patterns.some(({ node, text }) => node === sent.node && text.test(sent.text)),
  )
  expect([...new Set(missing.map(({ node, text }) => `${node}: ${text}`))]).toEqual([])
  expect(texts.length).toBeGreaterThan(0)
}

/** What the servers have counted, whoever of ours has sent it: connecting is part of it. */
async function expectCounted(nodes: RedisProcess[], preview: Preview): Promise<void> {
  const names = new Set(
    preview.commands.flatMap(({ command }) => {
      const [first = '', second = ''] = command.toLowerCase().split(/[ ,]/)
      return [first, `${first}|${second}`]
    }),
  )
  for (const node of nodes) {
    const stats = String(await node.command('INFO', 'commandstats'))
    const counted = [...stats.matchAll(/cmdstat_([^:]+):/g)].map(([, name]) => name ?? '')
    expect(counted.filter((name) => !names.has(name) && !OF_OTHERS.test(name))).toEqual([])
  }
}
/** Of the test, its clients, and replication. */
const OF_OTHERS = /^(config\|resetstat|info|ping|replconf|psync|set|incr)$/

describe('the preview has every command', () => {
  it('of set-config, deny-user, kill-client, spread-ttls and pause-writes', async () => {
    const { nodes, topology } = await startPair()
    const [primary] = nodes
    await primary?.command('CONFIG', 'SET', 'maxmemory', '100mb')
    await primary?.command('SET', 'article:1', 'v', 'EX', 1_000)
    for (const node of nodes) await node.command('ACL', 'SETUSER', 'greedy', 'on', 'nopass', '~*', '+@all')
    const client = new NodeConnection(placeOf(primary?.address ?? ''), {
      ...{ username: null, password: null, tls: null },
    })
    await client.open()
    await client.call('CLIENT', 'SETNAME', 'shop')
    const clientId = Number(await client.call('CLIENT', 'ID'))
    const node = { kind: 'node', nodeId: 10 } as const
    const cache = { kind: 'cache' } as const
    const cases: Omit<Case, 'topology'>[] = [
      {
        ...{ name: 'set-config', action: setConfig(), target: node },
        parameters: { name: 'maxmemory', bytes: 400_000_000 },
      },
      { name: 'deny-user', action: denyUser(), target: cache, parameters: { username: 'greedy' } },
      { name: 'kill-client', action: killClient(), target: node, parameters: { clientId } },
      { name: 'spread-ttls', action: spreadTtls(), target: cache, parameters: { pattern: 'article:*' } },
      { name: 'pause-writes', action: pauseWrites(), target: node, parameters: { pauseSeconds: 4 } },
    ]
    for (const one of cases) {
      for (const server of nodes) await server.command('CONFIG', 'RESETSTAT')
      const of = { ...one, topology }
      const preview = previewOf(of)
      const run = runOf(of)
      expect(['done', 'finished']).toContain((await run.on()).kind)
      for (const _ of [1, 2]) {
        NOW.offset += 11_000
        await run.watch()
      }
      await run.observe('after')
      await run.drain()
      expectListed(run, preview)
      await expectCounted(nodes, preview)
    }
  }, 300_000)

  it('of a failover of a primary and its replica', async () => {
    const { topology } = await startPair()
    const of: Case = {
      ...{ name: 'failover', action: failover(), topology, target: { kind: 'shard', shardId: 1 } },
    }
    const [preview, run] = [previewOf(of), runOf(of)]
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    expectListed(run, preview)
  }, 300_000)

  it('of a failover by Sentinels', async () => {
    const { nodes, topology } = await startPair()
    const [primary] = nodes
    if (primary === undefined) throw new Error('no primary')
    const sentinel = await startSentinel('mymaster', primary, { replicas: 1 })
    ends.push(sentinel.stop)
    const cache = cacheConfig('sentinel', {
      seeds: [{ host: '127.0.0.1', port: sentinel.port, address: sentinel.address }],
      sentinel: { masterName: 'mymaster', username: null, password: null },
    })
    const of: Case = {
      ...{ name: 'failover', action: failover(), topology, target: { kind: 'shard', shardId: 1 } },
      ...{ kind: 'sentinel', more: { cache } },
    }
    const [preview, run] = [previewOf(of), runOf(of)]
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    expectListed(run, preview, { 'a Sentinel': sentinel.address })
  }, 300_000)

  it.each([
    ['installed', 'redis', '7.0.15'],
    ['redis', 'redis', '8.4.0'],
    ['valkey', 'valkey', '9.0.0'],
  ] as const)(
    'of a slot that moves in a cluster of %s servers',
    async (engine, facts, version) => {
      const replicas = engine === 'installed' ? 1 : 0
      const { cluster, topology } = await startShards(engine, replicas)
      const key = '{k}:1'
      const slot = Number(await cluster.nodes[0]?.command('CLUSTER', 'KEYSLOT', key))
      const owner = topology.shards.find(({ slots }) =>
        slots.some(([from, to]) => from <= slot && slot <= to),
      )
      await cluster.primaries[(owner?.ordinal ?? 1) - 1]?.command('SET', key, 'v')
      const toShardId = ((owner?.ordinal ?? 1) % 3) + 1
      const of: Case = {
        ...{ name: 'move-slot', action: moveSlot(), topology, target: { kind: 'cache' }, kind: 'cluster' },
        ...{ engine: facts, version, parameters: { slot, toShardId } },
      }
      // Before the slot is open, while it is, and when its key has left.
      for (const points of replicas === 0 ? [] : [4, 9, 16]) {
        const returning = runOf(of)
        expect(await returning.dieAt(points)).toBe(true)
        expect(await returning.drain()).toMatchObject({ kind: 'done' })
        expectListed(returning, previewOf(of))
      }
      const [preview, run] = [previewOf(of), runOf(of)]
      expect(await run.on()).toMatchObject({ kind: 'finished' })
      expectListed(run, preview)
      if (replicas === 0) return
      const shard: Case = {
        ...{ name: 'failover', action: failover(), topology, target: { kind: 'shard', shardId: 3 } },
        ...{ kind: 'cluster' },
      }
      const [shown, promoting] = [previewOf(shard), runOf(shard)]
      expect(await promoting.on()).toMatchObject({ kind: 'finished' })
      expectListed(promoting, shown)
    },
    300_000,
  )
})
