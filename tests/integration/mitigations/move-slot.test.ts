/** A slot moves between real nodes under traffic, and turns round when it is called off. */
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { moveSlot } from '../../../collector/mitigations/actions/move-slot.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig, type RunOptions } from '../../support/action-context.ts'
import { grant, rightsOf, MITIGATION_USER as USER } from '../../support/documented-rights.ts'
import { type RedisCluster, type RedisProcess, startRedisCluster, until } from '../../support/redis.ts'

const PASSWORD = 'correct-horse'
/** CLUSTER KEYSLOT moving */
const TAG = 'moving'
let cluster: RedisCluster
let client: Cluster
let slot: number
let ids: string[]

beforeAll(async () => {
  cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary: 0, password: PASSWORD })
  client = new Cluster(
    cluster.nodes.map(({ host, port }) => ({ host, port })),
    { redisOptions: { password: PASSWORD } },
  )
  client.on('error', () => {})
  ids = await Promise.all(cluster.nodes.map(async (node) => String(await node.command('CLUSTER', 'MYID'))))
  slot = Number(await cluster.nodes[0]?.command('CLUSTER', 'KEYSLOT', TAG))
})
afterAll(async () => {
  client?.disconnect()
  await cluster?.stop()
})

/** As discovered: shard 1 owns what the first node owns, and so on. */
async function readTopology(): Promise<Topology> {
  const owner = await ownerIndex()
  const shards = cluster.nodes.map((node, index) => ({
    ordinal: index + 1,
    slots: (index === owner ? [[slot, slot]] : []) as [number, number][],
    nodes: [{ address: node.address, role: 'primary' as const, clusterNodeId: ids[index] ?? null }],
  }))
  return { cacheId: 'shop', at: 1, shards }
}

async function ownerIndex(): Promise<number> {
  const views = await Promise.all(cluster.nodes.map((node) => node.command('CLUSTER', 'NODES')))
  const owners = views.map((view) => {
    const line = String(view)
      .split('\n')
      .find((one) =>
        one.split(' ').some((word) => {
          const range = /^(\d+)(?:-(\d+))?$/.exec(word)
          const isSlots = one.indexOf(word) > one.indexOf('connected')
          return range && isSlots && Number(range[1]) <= slot && slot <= Number(range[2] ?? range[1])
        }),
      )
    return ids.indexOf(line?.split(' ')[0] ?? '')
  })
  if (new Set(owners).size !== 1) throw new Error(`they disagree: ${owners}`)
  return owners[0] ?? -1
}

async function fill(count: number): Promise<void> {
  const owner = cluster.nodes[await ownerIndex()] as RedisProcess
  const script = "for i = 1, ARGV[1] do redis.call('SET', KEYS[1] .. i, 'value ' .. i) end"
  await owner.command('EVAL', script, 1, `{${TAG}}:`, count)
  await client.del(`{${TAG}}:big`)
  await client.set(`{${TAG}}:big`, 'x'.repeat(400_000))
}

async function keysOf(index: number): Promise<number> {
  return Number(await cluster.nodes[index]?.command('CLUSTER', 'COUNTKEYSINSLOT', slot))
}

async function opsOf(node: RedisProcess): Promise<number> {
  return Number(/instantaneous_ops_per_sec:(\d+)/.exec(String(await node.command('INFO', 'stats')))?.[1])
}

async function runTo(to: number | null, more: Partial<RunOptions> = {}): Promise<ActionRun> {
  return new ActionRun({
    action: moveSlot(),
    name: 'move-slot',
    target: { kind: 'cache' },
    parameters: { slot, toShardId: to === null ? null : to + 1 },
    cache: cacheConfig('cluster', { password: PASSWORD }),
    credentials: { username: null, password: PASSWORD, tls: null },
    topology: await readTopology(),
    ...more,
  })
}

async function expectClosed(): Promise<void> {
  for (const node of cluster.nodes)
    expect(String(await node.command('CLUSTER', 'NODES'))).not.toMatch(/\[\d+-[<>]-/)
}

describe('move-slot', { timeout: 300_000 }, () => {
  it('moves every key, and writes the password nowhere', async () => {
    await fill(120)
    const from = await ownerIndex()
    const to = (from + 1) % 3
    const run = await runTo(to)
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    await until('all know it', async () => (await ownerIndex()) === to)
    expect([await keysOf(from), await keysOf(to)]).toEqual([0, 121])
    await expectClosed()
    expect(JSON.stringify([run.steps, run.state, run.messages])).not.toContain(PASSWORD)
    expect(await client.get(`{${TAG}}:7`)).toBe('value 7')
  })

  it('hides no key and loses no write of clients meanwhile, forth and back', async () => {
    await fill(3_000)
    const from = await ownerIndex()
    const to = (from + 1) % 3
    const counts = new Map<string, number>()
    const missing: string[] = []
    let stopped = false
    const traffic = (async () => {
      for (let turn = 1; !stopped; turn++) {
        const counter = `{${TAG}}:count:${turn % 50}`
        const read = `{${TAG}}:${1 + ((turn * 37) % 3_000)}`
        const [count, value] = await Promise.all([client.incr(counter), client.get(read)])
        const expected = (counts.get(counter) ?? 0) + 1
        if (count !== expected) missing.push(`${counter} ${count} instead of ${expected}`)
        counts.set(counter, count)
        if (value === null) missing.push(read)
      }
    })()
    const run = await runTo(to)
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    await until('they agree', async () => (await ownerIndex()) === to)
    const back = await runTo(from)
    // Dies in the middle of its keys, and is called off: the slot goes to its end, and returns.
    expect(await back.dieAt(30)).toBe(true)
    expect(await keysOf(from)).toBeGreaterThan(0)
    expect(await keysOf(to)).toBeGreaterThan(0)
    expect(await back.drain()).toMatchObject({ kind: 'done', message: expect.stringMatching(/is back at/) })
    await until('they agree', async () => (await ownerIndex()) === to)
    await until('each counter was written', () => counts.size === 50)
    stopped = true
    await traffic
    expect(missing).toEqual([])
    expect(await keysOf(from)).toBe(0)
    await expectClosed()
    expect(run.progress.at(-1)?.done).toBeGreaterThanOrEqual(3_001)
  })

  it('is called off without a trace before a key has moved', async () => {
    const from = await ownerIndex()
    const run = await runTo((from + 1) % 3)
    // Both sides are opened by then.
    expect(await run.dieAt(11)).toBe(true)
    expect(run.sent.filter((words) => words.startsWith('MIGRATE'))).toEqual([])
    expect(String(await cluster.nodes[from]?.command('CLUSTER', 'NODES'))).toMatch(/\[\d+->-/)
    expect(await run.drain()).toMatchObject({
      kind: 'done',
      message: expect.stringMatching(/nothing was moved/),
    })
    expect(await ownerIndex()).toBe(from)
    await expectClosed()
  })

  it('refuses a key that would hold both nodes up, and sends nothing', async () => {
    const from = await ownerIndex()
    await client.setrange(`{${TAG}}:huge`, 64_000_000, 'x')
    const run = await runTo((from + 1) % 3)
    expect(await run.on()).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^\{moving\}:huge takes .* MB at .* more than 64\.0 MB is not moved/),
    })
    expect(run.sent.filter((words) => /^(MIGRATE|CLUSTER SETSLOT)/.test(words))).toEqual([])
    await client.del(`{${TAG}}:huge`)
  })

  it.each(['while it runs', 'while it is called off'])(
    'fetches what has left where a key has grown too large %s',
    async (when) => {
      await fill(3_000)
      const from = await ownerIndex()
      const to = (from + 1) % 3
      const [source, destination] = [cluster.nodes[from] as RedisProcess, cluster.nodes[to] as RedisProcess]
      const total = await keysOf(from)
      await grant(cluster.nodes, rightsOf('move-slot', 'key by key'))
      const run = await runTo(to, {
        credentials: USER,
        cache: cacheConfig('cluster', {
          password: PASSWORD,
          mitigations: { enabled: true, ...USER, proofWindowMs: 10_000 },
        }),
      })
      expect(await run.dieAt(30)).toBe(true)
      expect(await keysOf(to)).toBeGreaterThan(0)
      const stayed = (await source.command('CLUSTER', 'GETKEYSINSLOT', slot, 3_000)) as string[]
      const [huge, both] = stayed.filter((key) => /:\d+$/.test(key))
      if (huge === undefined || both === undefined) throw new Error('keys are left')
      // As a MIGRATE leaves it that was cut off: the source's is written on.
      await client.set('seed', 'old')
      const old = await client.dumpBuffer('seed')
      await destination.command('RESTORE-ASKING', both, 0, old as Buffer)
      await source.command('SET', both, 'newer')
      await source.command('SETRANGE', huge, 64_000_000, 'x')
      const migrated = run.sent.filter((words) => words.startsWith('MIGRATE')).length

      const outcome = when === 'while it runs' ? await run.on() : await run.drain()
      expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringMatching(/is not moved/) })
      expect(await keysOf(to)).toBe(0)
      expect(await keysOf(from)).toBe(total)
      expect(await client.get(both)).toBe('newer')
      expect(await client.get(`{${TAG}}:7`)).not.toBeNull()
      expect(await ownerIndex()).toBe(from)
      await expectClosed()
      const later = run.sent.filter((words) => words.startsWith('MIGRATE')).slice(migrated)
      expect(later.filter((words) => words.includes('REPLACE') || words.includes(huge))).toEqual([])
      if (when === 'while it runs') {
        // A client that was sent there just before it was closed.
        await destination.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[from] ?? '')
        await destination.command('RESTORE-ASKING', `{${TAG}}:late`, 0, old as Buffer)
        await destination.command('CLUSTER', 'SETSLOT', slot, 'STABLE')
        const message = expect.stringMatching(/is not moved/)
        expect(await run.drain()).toMatchObject({ kind: 'failed', message })
        expect(await client.get(`{${TAG}}:late`)).toBe('old')
        await expectClosed()
        expect(await run.drain()).toMatchObject({
          kind: 'done',
          message: expect.stringMatching(/stays at .* is not moved/),
        })
      }
      run.close()
      await client.del(huge)
    },
  )

  it('chooses the shard with the least load, and refuses what cannot be', async () => {
    const from = await ownerIndex()
    const busy = cluster.nodes[(from + 1) % 3] as RedisProcess
    let stopped = false
    const load = (async () => {
      while (!stopped) await busy.command('PING')
    })()
    const idle = cluster.nodes[(from + 2) % 3] as RedisProcess
    try {
      await until('it is the busier one', async () => (await opsOf(busy)) > (await opsOf(idle)) + 20)
      const run = await runTo(null)
      expect(await run.on()).toMatchObject({ kind: 'finished' })
    } finally {
      stopped = true
      await load
    }
    const to = (from + 2) % 3
    await until('they agree', async () => (await ownerIndex()) === to)
    const same = await runTo(to)
    expect(await same.on()).toMatchObject({ kind: 'refused', message: expect.stringMatching(/is on shard/) })
    await cluster.nodes[from]?.command('CONFIG', 'SET', 'maxmemory', '1mb')
    const full = await runTo(from)
    expect(await full.on()).toMatchObject({ kind: 'refused', message: expect.stringMatching(/would come/) })
    await cluster.nodes[from]?.command('CONFIG', 'SET', 'maxmemory', '0')
  })
})
