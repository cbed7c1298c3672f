/** A slot between servers of two versions: a newer one reads what an older one writes, and not the other way round. */
import { afterEach, expect, it } from 'vitest'
import { moveSlot } from '../../../collector/mitigations/actions/move-slot.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig } from '../../support/action-context.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'

const KEYS = 300
const started: RedisProcess[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()))
})

/** One slot of one of the two, with keys in it. */
async function mixedCluster(owner: 'old' | 'young') {
  const old = await startRedis({ cluster: true })
  started.push(old)
  const young = await startRedis({ cluster: true, engine: 'redis' })
  started.push(young)
  const nodes = [old, young]
  const ids = await Promise.all(nodes.map(async (node) => String(await node.command('CLUSTER', 'MYID'))))
  const source = owner === 'old' ? old : young
  await source.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
  await young.command('CLUSTER', 'SET-CONFIG-EPOCH', 2)
  await young.command('CLUSTER', 'MEET', old.host, old.port)
  await until('both serve, and know each other by their ids', async () => {
    const infos = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))
    const views = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'NODES')))
    return (
      infos.every((info) => String(info).includes('cluster_state:ok')) &&
      views.every((view) => ids.every((id) => String(view).includes(id)))
    )
  })
  const slot = Number(await old.command('CLUSTER', 'KEYSLOT', 'moving'))
  const script = "for i = 1, ARGV[1] do redis.call('SET', KEYS[1] .. i, 'v') end"
  await source.command('EVAL', script, 1, '{moving}:', KEYS)
  const topology: Topology = {
    cacheId: 'shop',
    at: 1,
    shards: nodes.map((node, index) => ({
      ordinal: index + 1,
      slots: node === source ? [[slot, slot]] : [],
      nodes: [{ address: node.address, role: 'primary', clusterNodeId: ids[index] ?? null }],
    })),
  }
  const run = new ActionRun({
    action: moveSlot(),
    name: 'move-slot',
    target: { kind: 'cache' },
    parameters: { slot, toShardId: owner === 'old' ? 2 : 1 },
    cache: cacheConfig('cluster'),
    topology,
  })
  const countAt = async (node: RedisProcess) => Number(await node.command('CLUSTER', 'COUNTKEYSINSLOT', slot))
  const expectClosed = async () => {
    for (const node of nodes)
      expect(String(await node.command('CLUSTER', 'NODES'))).not.toMatch(/\[\d+-[<>]-/)
  }
  return { old, young, run, countAt, expectClosed }
}

const unreadable = (old: RedisProcess, young: RedisProcess) =>
  `${old.address} cannot read keys as ${young.address} writes them: its version is older, or its engine another. Choose a shard with the same version, or a newer one.`

it('stays whole at the newer one when it is called off half-way, and says why it cannot come back', async () => {
  const { old, young, run, countAt, expectClosed } = await mixedCluster('old')
  // After the first of its batches.
  expect(await run.dieAt(16)).toBe(true)
  expect(await countAt(old)).toBeGreaterThan(0)
  expect(await countAt(young)).toBeGreaterThan(0)
  const opened = () => run.sent.filter((sent) => /SETSLOT \d+ (IMPORTING|MIGRATING)/.test(sent)).length
  const before = opened()
  expect(await run.drain()).toMatchObject({ kind: 'failed', message: unreadable(old, young) })
  expect([await countAt(old), await countAt(young)]).toEqual([0, KEYS])
  expect(String(await young.command('GET', '{moving}:7'))).toBe('v')
  // The way back was not even opened: nobody was sent to write where nothing can be fetched.
  expect(opened()).toBe(before)
  await expectClosed()
})

it('is refused from the newer one to the older, and nothing is sent', async () => {
  const { old, young, run, countAt, expectClosed } = await mixedCluster('young')
  expect(await run.on()).toMatchObject({ kind: 'refused', message: unreadable(old, young) })
  expect(run.steps).toEqual([])
  expect(run.sent.filter((sent) => /SETSLOT|MIGRATE/.test(sent))).toEqual([])
  expect(await countAt(young)).toBe(KEYS)
  await expectClosed()
})
