/** Failovers of every kind on real servers, and what is left where they are killed and called off. */
import { afterEach, describe, expect, it } from 'vitest'
import { failover } from '../../../collector/mitigations/actions/failover.ts'
import { previewServerAction } from '../../../core/mitigations/server-preview.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig, type RunOptions } from '../../support/action-context.ts'
import { standaloneFacts } from '../../support/mitigation-facts.ts'
import { type RedisProcess, startRedis, startRedisCluster, until } from '../../support/redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function topologyOf(primary: RedisProcess, replicas: RedisProcess[]): Topology {
  const node = (role: 'primary' | 'replica') => (process: RedisProcess) => ({
    address: process.address,
    role,
    clusterNodeId: null,
  })
  const nodes = [node('primary')(primary), ...replicas.map(node('replica'))]
  return { cacheId: 'shop', at: 1, shards: [{ ordinal: 1, slots: null, nodes }] }
}

async function startDeployment(replicas: number, settings?: Record<string, string>): Promise<RedisProcess[]> {
  const primary = await startRedis({ settings })
  ends.push(primary.stop)
  const others = await Promise.all(
    Array.from({ length: replicas }, () => startRedis({ replicaOf: primary, settings })),
  )
  ends.push(...others.map((one) => one.stop))
  await Promise.all(others.map((one) => until('the replica follows', () => linkUp(one))))
  return [primary, ...others]
}

const replication = async (node: RedisProcess) => String(await node.command('INFO', 'replication'))
const linkUp = async (node: RedisProcess) => (await replication(node)).includes('master_link_status:up')
const isPrimary = async (node: RedisProcess) => (await replication(node)).includes('role:master')

function runOf(nodes: RedisProcess[], more: Partial<RunOptions> = {}): ActionRun {
  const [primary, ...replicas] = nodes
  if (!primary) throw new Error('no nodes')
  const run = new ActionRun({
    action: failover(),
    name: 'failover',
    target: { kind: 'shard', shardId: 1 },
    cache: cacheConfig('standalone'),
    topology: topologyOf(primary, replicas),
    nodeAddresses: new Map(nodes.map((node, index) => [index + 1, node.address])),
    ...more,
  })
  ends.push(() => run.close())
  return run
}

describe('failover', { timeout: 300_000 }, () => {
  it('takes the other replicas along', async () => {
    const nodes = await startDeployment(2)
    const run = runOf(nodes, { parameters: { toNodeId: 2 } })
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    const [primary, replica, other] = nodes
    expect(run.steps.map(({ node, command }) => `${node}: ${command}`)).toEqual([
      `${primary?.address}: FAILOVER TO 127.0.0.1 ${replica?.port} TIMEOUT 10000`,
      `${other?.address}: REPLICAOF 127.0.0.1 ${replica?.port}`,
    ])
  })

  it('goes to the replica that was shown, or says why not', async () => {
    const [primary, first, second] = await startDeployment(2)
    if (!primary || !first || !second) throw new Error('no nodes')
    await first.command('CONFIG', 'SET', 'replica-priority', 10)
    const facts = standaloneFacts(2)
    const draft = { cacheId: 'shop', action: 'failover', target: { kind: 'shard', shardId: 11 } } as const
    const shown = previewServerAction(facts, { ...draft, parameters: {}, expiresInSeconds: 60 })
    const preview = { ...shown, promotes: { nodeId: 3, address: second.address } }
    await second.command('CONFIG', 'SET', 'replica-priority', 0)
    const other = runOf([primary, first, second], { preview })
    // Before anything is sent.
    await other.dieAt(2)
    expect(other.state).toMatchObject({
      to: first.address,
      instead: `It is another one than was shown: ${second.address} is set never to be promoted.`,
    })
    expect(other.steps).toEqual([])
    await second.command('CONFIG', 'SET', 'replica-priority', 200)
    const run = runOf([primary, first, second], { preview })
    expect(await run.on()).toMatchObject({
      kind: 'finished',
      message: `${second.address} is the primary now, ${primary.address} was.`,
    })
  })

  it('is done by hand under a pause of writes where FAILOVER is missing, and takes the other replicas along', async () => {
    const [primary, replica, other] = await startDeployment(2, { 'rename-command': 'FAILOVER hidden' })
    if (!primary || !replica || !other) throw new Error('no nodes')
    await primary.command('SET', 'last', 'written')
    const run = runOf([primary, replica, other], { parameters: { toNodeId: 2 } })
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    expect([await isPrimary(primary), await isPrimary(replica)]).toEqual([false, true])
    expect(await replica.command('GET', 'last')).toBe('written')
    expect(await replica.command('SET', 'probe', '1')).toBe('OK')
    expect(await replication(other)).toContain(`master_port:${replica.port}`)
  })

  it('loses no write that was answered while it is done by hand', async () => {
    const nodes = await startDeployment(1, { 'rename-command': 'FAILOVER hidden' })
    const [primary, replica] = nodes
    if (!primary || !replica) throw new Error('no nodes')
    let answered = 0
    let stopped = false
    const writer = (async () => {
      while (!stopped) {
        try {
          answered = Number(await primary.command('INCR', 'count'))
        } catch {
          stopped = true
        }
      }
    })()
    await until('writes arrive', () => answered > 5)
    const run = runOf(nodes)
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    stopped = true
    await writer
    expect(Number(await replica.command('GET', 'count'))).toBe(answered)
    // Of the last attempt: a replica that does not catch up at once is waited for.
    expect(run.steps.slice(-4).map((step) => step.command)).toEqual([
      'CLIENT PAUSE 5000 WRITE',
      `REPLICAOF 127.0.0.1 ${replica.port}`,
      'REPLICAOF NO ONE',
      'CLIENT UNPAUSE',
    ])
  })

  it.each([
    ['FAILOVER TO', {}],
    ['by hand', { 'rename-command': 'FAILOVER hidden' }],
  ])('%s leaves one primary when it is called off, wherever it was', async (_, settings) => {
    let [primary, replica] = await startDeployment(1, settings)
    for (let point = 0; ; point += 2) {
      if (!primary || !replica) throw new Error('no nodes')
      const follower: RedisProcess = replica
      await until('in step', () => linkUp(follower))
      const run = runOf([primary, replica])
      const hasDied = await run.dieAt(point)
      if (hasDied) expect({ point, outcome: await run.drain() }).toMatchObject({ outcome: { kind: 'done' } })
      const roles = [await isPrimary(primary), await isPrimary(replica)]
      expect({ point, primaries: roles.filter((role) => role).length }).toEqual({ point, primaries: 1 })
      if (roles[1]) [primary, replica] = [replica, primary]
      expect(await primary.command('SET', 'probe', point)).toBe('OK')
      if (!hasDied) break
    }
  })

  it('asks the replica of a cluster to take over, to and fro', async () => {
    const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary: 1 })
    ends.push(cluster.stop)
    let [primary, replica] = [cluster.primaries[0], cluster.replicas[0]?.[0]]
    // Voters refuse a second failover of a shard for a while: it is asked for again.
    for (const _ of ['to', 'fro']) {
      if (!primary || !replica) throw new Error('no nodes')
      const run = runOf([primary, replica], { cache: cacheConfig('cluster') })
      expect(await run.on()).toMatchObject({ kind: 'finished' })
      expect(await isPrimary(replica)).toBe(true)
      expect(await isPrimary(primary)).toBe(false)
      expect(run.steps[0]).toMatchObject({ command: 'CLUSTER FAILOVER', node: replica.address, result: 'ok' })
      ;[primary, replica] = [replica, primary]
    }
  })

  it('refuses without a replica in step', async () => {
    const [primary, replica] = await startDeployment(1)
    if (!primary || !replica) throw new Error('no nodes')
    const lone = runOf([primary])
    expect(await lone.on()).toMatchObject({ kind: 'refused', message: expect.stringMatching(/no replica/) })
    const wrong = runOf([primary, replica], { parameters: { toNodeId: 1 } })
    expect(await wrong.on()).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/no replica of/),
    })
    await replica.command('CONFIG', 'SET', 'masterauth', 'wrong')
    await replica.command('REPLICAOF', '127.0.0.1', 1)
    const cut = runOf([primary, replica])
    expect(await cut.on()).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/lost its primary/),
    })
    await replica.kill('SIGKILL')
    const away = runOf([primary, replica])
    expect(await away.on()).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/does not answer/),
    })
    expect(await isPrimary(primary)).toBe(true)
  })
})
