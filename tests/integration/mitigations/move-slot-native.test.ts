/** Redis 8 and Valkey 9 move a slot of 20,000 keys by themselves, under writes: to its end, called off, through failovers. */
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { moveSlot } from '../../../collector/mitigations/actions/move-slot.ts'
import { slotOf } from '../../../core/key-slot.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig } from '../../support/action-context.ts'
import { grant, MITIGATION_USER, rightsOf } from '../../support/documented-rights.ts'
import { delay, type RedisCluster, type RedisProcess, startRedisCluster, until } from '../../support/redis.ts'

/** CLUSTER KEYSLOT moving */
const SLOT = 14_604
const KEYS = 20_000
const COUNTERS = 20
const ALL_KEYS = KEYS + COUNTERS
const FILL = "for i = 1, ARGV[1] do redis.call('SET', KEYS[1] .. i, string.rep('x', 100)) end"
/** What the sender waits at each key: with it 20,000 are on their way for six seconds at least. */
const SLOW_US = 300
/** Each test waits several times for as long as a wait may take. */
const LIMIT = { timeout: 400_000 }

describe.each([
  { engine: 'redis', where: 'Redis 8.4 and later' },
  { engine: 'valkey', where: 'Valkey 9 and later' },
] as const)('a slot that $engine moves by itself', LIMIT, ({ engine, where }) => {
  let cluster: RedisCluster
  let writer: Writer
  let ids: string[]
  const topology: Topology = { cacheId: 'shop', at: 1, shards: [] }

  beforeAll(async () => {
    cluster = await startRedisCluster({ engine, primaries: 3, replicasPerPrimary: 1 })
    ids = await Promise.all(cluster.nodes.map(async (node) => String(await node.command('CLUSTER', 'MYID'))))
    await grant(cluster.nodes, rightsOf('move-slot', where))
    await (await nodeOf(2)).command('EVAL', FILL, 1, '{moving}:', KEYS)
    writer = startWriter(cluster)
    await until('every counter is there', () => writer.acknowledged >= COUNTERS)
  })
  afterAll(async () => {
    await writer?.stop()
    await cluster?.stop()
  })

  /** The primary and its replica of one shard, by the order in which it was built. */
  const mates = (shard: number): RedisProcess[] =>
    [cluster.primaries[shard], ...(cluster.replicas[shard] ?? [])].filter((node) => node !== undefined)
  const isPrimary = async (node: RedisProcess) =>
    String(await node.command('ROLE').catch(() => '')).startsWith('master')
  async function nodeOf(shard: number): Promise<RedisProcess> {
    for (const node of mates(shard)) if (await isPrimary(node)) return node
    throw new Error(`shard ${shard} has no primary`)
  }

  const countAt = async (node: RedisProcess) => Number(await node.command('CLUSTER', 'COUNTKEYSINSLOT', SLOT))
  /** Of each shard's primary. */
  const counts = async () => await Promise.all([0, 1, 2].map(async (shard) => countAt(await nodeOf(shard))))
  const slowDown = async (microseconds: number) =>
    await Promise.all(
      cluster.nodes.map((node) => node.command('CONFIG', 'SET', 'rdb-key-save-delay', microseconds)),
    )

  /** As discovery would find it now: who is a primary, and which shard has the slot. */
  async function discover(): Promise<void> {
    const owner = (await counts()).findIndex((count) => count > 0)
    const shards: Topology['shards'] = []
    for (const shard of [0, 1, 2]) {
      const primary = await nodeOf(shard)
      shards.push({
        ordinal: shard + 1,
        slots: shard === owner ? [[SLOT, SLOT]] : [],
        nodes: mates(shard).map((node) => ({
          address: node.address,
          role: node === primary ? 'primary' : 'replica',
          clusterNodeId: ids[cluster.nodes.indexOf(node)] ?? null,
        })),
      })
    }
    topology.shards = shards
  }

  async function runTo(shard: number): Promise<ActionRun> {
    await discover()
    return new ActionRun({
      action: moveSlot(),
      name: 'move-slot',
      target: { kind: 'cache' },
      parameters: { slot: SLOT, toShardId: shard + 1 },
      cache: cacheConfig('cluster'),
      credentials: MITIGATION_USER,
      topology,
    })
  }

  const isOnTheWay = (run: ActionRun) => {
    const { done = 0, total = 0 } = run.progress.at(-1) ?? {}
    return done > 500 && done < total
  }

  async function expectAllAt(shard: number): Promise<void> {
    await until(`all of it is at shard ${shard}`, async () => {
      const found = await counts()
      return found.every((count, one) => count === (one === shard ? ALL_KEYS : 0))
    })
    await writer.expectNoneLost()
  }

  it('tells how many keys have come, and goes on after a kill in the middle', async () => {
    await slowDown(SLOW_US)
    const run = await runTo(0)
    // The servers have the order; that they have it was not written any more.
    expect(await run.dieAt(6)).toBe(true)
    expect(run.steps).toMatchObject([{ name: 'move', result: 'started' }])
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    const figures = run.progress.map(({ done }) => done)
    expect(figures).toEqual(figures.toSorted((a, b) => a - b))
    expect(new Set(figures.filter((done) => done > 0 && done < ALL_KEYS)).size).toBeGreaterThan(3)
    expect(new Set(run.progress.map(({ total }) => total))).toEqual(new Set([ALL_KEYS]))
    expect(run.steps).toHaveLength(1)
    await expectAllAt(0)
    const [replica] = cluster.replicas[0] ?? []
    await until('the replica has them', async () => replica && (await countAt(replica)) === ALL_KEYS)
  })

  it('is called off in the middle: every key stays where it was', async () => {
    await slowDown(SLOW_US)
    const run = await runTo(1)
    const moving = run.on()
    await until('keys are on their way', () => isOnTheWay(run))
    expect(await run.drain()).toMatchObject({ kind: 'done', message: expect.stringMatching(/stays where/) })
    // Who is still at it finds it called off.
    expect(await moving).toMatchObject({ kind: 'failed' })
    expect(run.steps.map(({ name }) => name.split(' ')[0])).toEqual(['move', 'cancel'])
    await expectAllAt(0)
  })

  it('says that somebody has called it off at the servers', async () => {
    const run = await runTo(1)
    const moving = run.on()
    await until('keys are on their way', () => isOnTheWay(run))
    if (engine === 'redis') await (await nodeOf(1)).command('CLUSTER', 'MIGRATION', 'CANCEL', 'ALL')
    else await (await nodeOf(0)).command('CLUSTER', 'CANCELSLOTMIGRATIONS')
    expect(await moving).toMatchObject({ kind: 'failed', message: expect.stringMatching(/gave the move/) })
    await expectAllAt(0)
  })

  it('is ordered once, wherever it is killed', async () => {
    await slowDown(0)
    for (let point = 0; ; point++) {
      expect(point).toBeLessThan(20)
      const to = (point + 1) % 2
      const run = await runTo(to)
      run.killIn(point)
      expect({ point, outcome: await run.on() }).toMatchObject({ outcome: { kind: 'finished' } })
      expect(run.sent.filter((words) => /^CLUSTER (MIGRATION IMPORT|MIGRATESLOTS)/.test(words))).toHaveLength(
        1,
      )
      await expectAllAt(to)
      if (run.isKillPending) break
    }
  })

  const onlyValkey = engine === 'valkey' ? it : null
  onlyValkey?.('is not called off where that would end the move of another', async () => {
    await slowDown(SLOW_US)
    const owner = (await counts()).findIndex((count) => count > 0)
    const to = (owner + 1) % 2
    const source = await nodeOf(owner)
    const tag = Array.from({ length: 100 }, (_, at) => `tag ${at}`).find(
      (one) => Math.floor(slotOf(Buffer.from(one)) / 5_462) === owner,
    )
    const otherSlot = slotOf(Buffer.from(tag ?? ''))
    await source.command('EVAL', FILL, 1, `{${tag}}:`, 2_000)
    const taker = ids[cluster.nodes.indexOf(await nodeOf(to))] ?? ''
    const run = await runTo(to)
    const moving = run.on()
    await until('keys are on their way', () => isOnTheWay(run))
    await source.command(...['CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', otherSlot, otherSlot, 'NODE', taker])
    const drain = run.drain()
    await until(
      'it says why',
      () => run.messages.at(-1)?.includes(`sends slots ${otherSlot} by somebody else's order`) ?? false,
    )
    expect(await drain).toMatchObject({ kind: 'done', message: expect.stringMatching(/had come to/) })
    expect(await moving).toMatchObject({ kind: 'finished' })
    await slowDown(0)
    expect(run.sent.filter((words) => words.startsWith('CLUSTER CANCEL'))).toEqual([])
    await expectAllAt(to)
    const target = await nodeOf(to)
    await until(
      'the other slot has moved too',
      async () => Number(await target.command('CLUSTER', 'COUNTKEYSINSLOT', otherSlot)) === 2_000,
    )
  })

  it('ends where the destination would run out of memory', async () => {
    await slowDown(SLOW_US)
    const owner = (await counts()).findIndex((count) => count > 0)
    const run = await runTo(2)
    const moving = run.on()
    await until('keys are on their way', () => isOnTheWay(run))
    const full = await nodeOf(2)
    const used = Number(/used_memory:(\d+)/.exec(String(await full.command('INFO', 'memory')))?.[1])
    await full.command('CONFIG', 'SET', 'maxmemory', used + 100_000)
    expect(await moving).toMatchObject({ kind: 'failed', message: expect.stringMatching(/in use|memory/) })
    expect(await run.drain()).toMatchObject({ kind: 'done', message: expect.stringMatching(/stays where/) })
    await full.command('CONFIG', 'SET', 'maxmemory', 0)
    await expectAllAt(owner)
  })

  it('begins anew after a failover of the source, and after the death of the destination', async () => {
    await slowDown(SLOW_US)
    const owner = (await counts()).findIndex((count) => count > 0)
    const run = await runTo(2)
    let isOver = false
    const moving = run.on().finally(() => {
      isOver = true
    })
    const discovering = (async () => {
      // Two nodes of a shard may both be a primary for a moment, or none.
      while (!isOver) await Promise.all([delay(100), discover().catch(() => {})])
    })()
    await until('keys are on their way', () => isOnTheWay(run))
    const heir = mates(owner).find((node) => node !== cluster.primaries[owner])
    let askedAt = Number.NEGATIVE_INFINITY
    await until('the source has another primary', async () => {
      if (heir === undefined || (await isPrimary(heir))) return heir !== undefined
      // It gives up after five seconds, and says nothing.
      if (performance.now() - askedAt > 6_000) {
        await heir.command('CLUSTER', 'FAILOVER')
        askedAt = performance.now()
      }
      return false
    })
    run.progress.length = 0
    await until('keys are on their way again', () => isOnTheWay(run))
    // What is on its way stays slow.
    await slowDown(0)
    const dying = cluster.primaries[2]
    await dying?.kill('SIGKILL')
    await until('the destination has another primary', async () => (await nodeOf(2)) !== dying)
    expect(await moving).toMatchObject({ kind: 'finished' })
    await discovering
    await expectAllAt(2)
  })
})

type Writer = { readonly acknowledged: number; expectNoneLost(): Promise<void>; stop(): Promise<void> }

/** Increments counters of the slot for as long as it lives, and knows what it was answered. */
function startWriter(cluster: RedisCluster): Writer {
  const client = new Cluster(
    cluster.nodes.map(({ host, port }) => ({ host, port })),
    { clusterRetryStrategy: () => 50, redisOptions: { maxRetriesPerRequest: 0 } },
  )
  client.on('error', () => {})
  const answered = new Map<string, number>()
  const lost: string[] = []
  let acknowledged = 0
  let stopped = false
  const writing = (async () => {
    for (let turn = 0; !stopped; turn++) {
      const counter = `{moving}:count:${turn % COUNTERS}`
      const count = await client.incr(counter).catch(() => null)
      if (count === null) continue
      acknowledged++
      if (count <= (answered.get(counter) ?? 0)) lost.push(`${counter} is ${count} again`)
      answered.set(counter, count)
    }
  })()
  return {
    get acknowledged() {
      return acknowledged
    },
    async expectNoneLost() {
      const before = acknowledged
      await until('every counter is written again', () => acknowledged >= before + COUNTERS)
      expect(lost).toEqual([])
    },
    async stop() {
      stopped = true
      await writing
      client.disconnect()
    },
  }
}
