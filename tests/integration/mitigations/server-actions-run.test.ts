/** Actions on servers as a person has them: asked for in the store, carried out by a collector, drained or ended there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MitigationRequest, ServerAction } from '../../../core/mitigations/model.ts'
import { drainMitigation } from '../../../store/mitigation-changes.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { create, detailOf, requestOf, untilPhase } from '../../support/mitigation-world.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'

let database: TestDatabase
let primary: RedisProcess
let replica: RedisProcess
let watched: TestCollector
let yaml: string

beforeAll(async () => {
  database = await createTestDatabase()
  primary = await startRedis({ settings: { maxmemory: '100mb' } })
  replica = await startRedis({ replicaOf: primary, settings: { maxmemory: '100mb' } })
  const more = ['mitigations: { enabled: true, proofWindow: 10s }', 'hotKeys: { enabled: false }']
  yaml = `caches:\n${cacheYaml('shop', 'standalone', [primary.url], more)}`
  watched = await startCollector(database.url, yaml)
  await until('both are watched', async () => {
    const nodes = await watched.nodes()
    return nodes.length === 2 && nodes.every((node) => node.state === 'up')
  })
})
afterAll(async () => {
  await watched?.stop()
  await replica?.stop()
  await primary?.stop()
  await database?.drop()
})

async function ask(
  action: ServerAction,
  target: MitigationRequest['target'],
  parameters: Record<string, unknown> = {},
): Promise<number> {
  return await create(watched.store, requestOf(action, '', { target, parameters }))
}

const nodeOf = async (process: RedisProcess) => {
  const node = await watched.node(process.address)
  if (!node) throw new Error('not watched')
  return node
}

describe('a collector', { timeout: 300_000 }, () => {
  it('sets, watches over and puts back', async () => {
    const id = await ask('set-config', { kind: 'cache' }, { name: 'maxmemory', bytes: 150_000_000 })
    await untilPhase(watched.store, id, 'active')
    await until('both have it', async () => {
      const values = await Promise.all(
        [primary, replica].map((node) => node.command('CONFIG', 'GET', 'maxmemory')),
      )
      return values.every((value) => String(value) === 'maxmemory,150000000')
    })
    await drainMitigation(watched.store, id, { actor: 'bob', reason: 'enough' }, Date.now())
    const off = await untilPhase(watched.store, id, 'off')
    expect(off.outcome).toBe('drained')
    expect(String(await primary.command('CONFIG', 'GET', 'maxmemory'))).toBe('maxmemory,104857600')
    const commands = off.steps.map(({ node, command }) => `${node} ${command}`)
    expect(commands).toContain(`${primary.address} CONFIG SET maxmemory 150000000`)
    expect(commands).toContain(`${replica.address} CONFIG SET maxmemory 104857600`)
  })

  it('ends what ends by itself, and refuses what must not be', async () => {
    const { nodeId } = await nodeOf(replica)
    const refused = await ask('pause-writes', { kind: 'node', nodeId })
    expect(await untilPhase(watched.store, refused, 'off')).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(/is a replica/),
    })
    const { shardId } = await nodeOf(primary)
    const paused = await ask('pause-writes', { kind: 'shard', shardId: shardId ?? 0 }, { pauseSeconds: 1 })
    await until('the pause is over', async () => {
      const { message } = await detailOf(watched.store, paused)
      return message?.startsWith('Done;')
    })
    expect(await primary.command('SET', 'k', 'v')).toBe('OK')
    // Nothing is left but to measure: it need not be waited for.
    await drainMitigation(watched.store, paused, { actor: 'bob', reason: 'enough' }, Date.now())
    expect(await untilPhase(watched.store, paused, 'off')).toMatchObject({ outcome: 'done' })
  })

  it('fails over, sees it, and measures what came of it, also after a restart', async () => {
    const { shardId } = await nodeOf(primary)
    const id = await ask('failover', { kind: 'shard', shardId: shardId ?? 0 })
    const done = `${replica.address} is the primary now, ${primary.address} was.`
    const measured = await until('it is done', async () => {
      const detail = await detailOf(watched.store, id)
      return detail.message?.startsWith('Done;') ? detail : null
    })
    expect(measured).toMatchObject({
      phase: 'active',
      message: `Done; its effect is being measured. ${done}`,
    })
    await watched.stop()
    watched = await startCollector(database.url, yaml)
    const off = await untilPhase(watched.store, id, 'off', 120_000)
    expect(off).toMatchObject({ outcome: 'done', message: done, proof: { verdict: expect.any(String) } })
    expect(off.proof?.after).toHaveLength(2)
    expect(off.proof?.because).toMatch(/shards/)
    expect(off.steps.filter(({ name }) => name === 'failover')).toHaveLength(1)
    await until('the dashboard has it', async () => {
      const [promoted, old] = [await nodeOf(replica), await nodeOf(primary)]
      return promoted.role === 'primary' && old.role === 'replica'
    })
  })
})
