/** The three actions on a key, from the request to the end, on real nodes and through the real keys of the protocol. */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { Cluster } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { cachescope, release } from '../../../client/index.ts'
import { slotOf } from '../../../core/key-slot.ts'
import { HEARTBEAT_TTL_MS } from '../../../core/protocol/policy.ts'
import { listAppInstances } from '../../../store/app-instances.ts'
import { query } from '../../../store/client.ts'
import { drainMitigation, extendMitigation } from '../../../store/mitigation-changes.ts'
import { listMitigationSamples } from '../../../store/mitigation-samples.ts'
import { listMitigations } from '../../../store/mitigations.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { type FakeApp, startFakeApp } from '../../support/fake-app.ts'
import { clusterClient, create, detailOf, requestOf, untilPhase } from '../../support/mitigation-world.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { delay, type RedisCluster, startRedisCluster, until } from '../../support/redis.ts'

/** Of a test that waits several times, each for as long as a wait may take. */
const LIMIT = { timeout: 300_000 }
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  try {
    await endAll()
  } finally {
    for (const end of ends.splice(0).reverse()) await end()
  }
})

let cluster: RedisCluster
let database: TestDatabase
let watched: TestCollector
let client: ReturnType<typeof clusterClient>
let ports: number[]

beforeAll(async () => {
  ;[cluster, database] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary: 1 }),
    createTestDatabase(),
  ])
  // What the documentation grants is all that it takes.
  const rights = /^ACL (SETUSER cachescope-mitigate .*\+client\|tracking.*)$/m.exec(
    await readFile(new URL('../../../docs/permissions.md', import.meta.url), 'utf8'),
  )?.[1]
  const words = rights?.replace('PASSWORD', 'pw').split(' ') ?? []
  await Promise.all(cluster.nodes.map((node) => node.command('ACL', ...words)))
  const user = 'username: cachescope-mitigate, password: pw'
  const more = [`mitigations: { enabled: true, proofWindow: 10s, ${user} }`, 'hotKeys: { enabled: false }']
  watched = await startCollector(database.url, `caches:\n${cacheYaml('shop', 'cluster', cluster.urls, more)}`)
  ports = cluster.nodes.map((node) => node.port)
  client = clusterClient(ports)
})
afterAll(async () => {
  client?.disconnect()
  await watched?.stop()
  await cluster?.stop()
  await database?.drop()
})

async function fakeApp(options: Partial<Parameters<typeof startFakeApp>[1]> = {}): Promise<FakeApp> {
  const app = await startFakeApp(ports, { isCluster: true, ...options })
  let stopped: Promise<void> | null = null
  ends.push(async () => {
    stopped ??= app.stop()
    await stopped
    // Nobody takes part in the next test whose process is gone.
    await client.del(`{hk:shop}:i:${app.instanceId}`)
  })
  return app
}
/** All of this test are heard of, and those of the test before, which are gone, no longer count. */
const untilThere = (count: number) =>
  until(`${count} take part`, async () => {
    const of = { cacheId: 'shop', freshMs: HEARTBEAT_TTL_MS, now: Date.now() }
    return (await listAppInstances(watched.store, of)).length === count
  })
const change = { actor: 'bob', reason: 'over' }
const drain = (id: number) => drainMitigation(watched.store, id, change, Date.now())
/** What a test that has failed leaves running would be in the way of the next. */
async function endAll(): Promise<void> {
  const { items } = await listMitigations(watched.store, { running: true, limit: 100 })
  await Promise.all(items.map(({ mitigationId }) => drain(mitigationId).catch(() => {})))
  await Promise.all(items.map(({ mitigationId }) => untilPhase(watched.store, mitigationId, 'off')))
}
const untilApplied = (id: number) =>
  until('its one instance has applied it', async () => {
    const { acknowledgement } = await detailOf(watched.store, id)
    return (
      acknowledgement?.applied === 1 &&
      acknowledgement.instances === 1 &&
      acknowledgement.laggards.length === 0
    )
  })
const calls = async (names: string[]): Promise<number> => {
  const infos = await Promise.all(cluster.nodes.map((node) => node.command('INFO', 'commandstats')))
  return infos
    .flatMap((info) =>
      names.map((name) => new RegExp(`cmdstat_${name.replace('|', '\\|')}:calls=(\\d+)`).exec(String(info))),
    )
    .reduce((sum, found) => sum + Number(found?.[1] ?? 0), 0)
}

describe('while nothing runs', () => {
  it('asks who is there every five seconds, and nothing else', async () => {
    await until('it has begun', async () => (await calls(['zrevrangebyscore'])) > 0)
    const changes = ['set', 'dump', 'restore', 'pexpire', 'unlink', 'client|tracking', 'subscribe']
    const reads = ['zrevrangebyscore', 'getrange', 'type', 'pttl', 'client|list']
    const from = performance.now()
    const before = [await calls(changes), await calls(reads)]
    await delay(10_000)
    expect((await calls(changes)) - (before[0] ?? 0)).toBe(0)
    const asked = (await calls(reads)) - (before[1] ?? 0)
    // A round may come a hair early.
    expect(asked).toBeLessThanOrEqual((performance.now() - from) / 4_900 + 1)
  })
})

describe('split', LIMIT, () => {
  it('goes from prepare to off, its copies on every shard while it is active and gone after', async () => {
    const { store } = watched
    await client.set('article:42', 'one')
    const app = await fakeApp()
    await untilThere(1)

    const id = await create(store, requestOf('split', 'article:42'))
    await untilPhase(store, id, 'active')
    await untilApplied(id)
    await until('the application is told', () => app.document?.policies[0]?.phase === 'active')
    const names = (app.document?.policies[0]?.variants?.keysBase64 ?? []).map((name) =>
      Buffer.from(name, 'base64').toString(),
    )
    expect(names).toHaveLength(3)
    expect(names[0]).toBe('article:42')
    const shards = names.map((name) => Math.floor((slotOf(Buffer.from(name)) * 3) / 16_384))
    expect(shards.toSorted()).toEqual([0, 1, 2])
    const untilAll = (value: string) =>
      until(`all of them are ${value}`, async () => {
        const values = await Promise.all(names.map((name) => client.get(name)))
        return values.every((one) => one === value)
      })
    await untilAll('one')
    await client.set('article:42', 'two')
    await untilAll('two')
    await until('samples are there', async () => (await listMitigationSamples(store, id)).length > 0)
    // What the mirror sends is ours, and no load of the nodes: of a second in which this test asks for nothing.
    await until('it is in the bill', async () => {
      const sampled = (await watched.nodes()).filter((node) => (node.latest?.ownCommandsPerSec ?? 0) > 3)
      return sampled.length > 0 && sampled.every((node) => (node.latest?.opsPerSec ?? 0) < 60)
    })

    await drain(id)
    const off = await untilPhase(store, id, 'off')
    expect(off).toMatchObject({ outcome: 'drained', desired: 'off', actor: 'bob' })
    expect(off.steps.map(({ phase, name, result }) => `${phase} ${name.split(' ')[0]} ${result}`)).toEqual([
      'prepare plan ok',
      'prepare mirror ok',
      'active activate ok',
      'draining unlink ok',
      'draining unlink ok',
    ])
    for (const name of names.slice(1)) expect(await client.exists(name)).toBe(0)
    expect(await client.get('article:42')).toBe('two')
    await until('the farewell is heard', () => app.phases.at(-1) === 'none')
    expect(app.phases.filter((phase) => phase !== 'none')).toEqual(['prepare', 'active', 'draining'])
    expect((await detailOf(store, id)).revisions).toHaveLength(2)
    const events = (await watched.events()).filter(({ kind }) => kind === 'mitigation')
    expect(events.map(({ message }) => message.split('. ')[0])).toEqual([
      'split of article:42 is active',
      'split of article:42 is drained',
      'split of article:42 is off',
    ])
  })

  it('is refused where no application has the library, and where its key is not there', async () => {
    const { store } = watched
    await untilThere(0)
    await client.set('lonely', 'x')
    const [alone, missing] = [
      await create(store, requestOf('split', 'lonely')),
      await create(store, requestOf('local-cache', 'not-there')),
    ]
    expect(await untilPhase(store, alone, 'off')).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(/No application instance with the library.*@cachescope\/client/),
    })
    expect(await untilPhase(store, missing, 'off')).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(/does not exist/),
    })
  })

  it('does not replace a key of the application that has the name of a copy', async () => {
    const { store } = watched
    await client.set('taken', 'x')
    await fakeApp()
    await untilThere(1)
    const first = await create(store, requestOf('split', 'taken'))
    await untilPhase(store, first, 'active')
    await drain(first)
    await untilPhase(store, first, 'off')
    const unlinked =
      (await detailOf(store, first)).steps.find(({ name }) => name === 'unlink 1')?.command ?? ''
    const copy = unlinked.replace('UNLINK ', '')
    await client.set(copy, 'precious')
    const second = await create(store, requestOf('split', 'taken'))
    expect(await untilPhase(store, second, 'off')).toMatchObject({ outcome: 'refused' })
    expect(await client.get(copy)).toBe('precious')
  })
})

describe('applications that lag', LIMIT, () => {
  it('are named, and waited for no longer than half a minute', async () => {
    const { store } = watched
    await client.set('lagged', 'x')
    await fakeApp()
    const stuck = await fakeApp({ host: 'slow-host' })
    await fakeApp({ host: 'off-host', state: 'disabled', rev: 0 })
    stuck.isStuck = true
    await untilThere(3)
    const id = await create(store, requestOf('local-cache', 'lagged'))
    await until('it says who lags, and the count beside it does', async () => {
      const detail = await detailOf(store, id)
      expect(detail).toMatchObject({ phase: 'prepare', acknowledgement: { applied: 1, instances: 3 } })
      expect(detail.message).toMatch(/^Applied on 1 of 3\. Not yet: shop on slow-host \(pid \d+\)\.$/)
      expect(detail.acknowledgement?.laggards.map(({ host }) => host)).toEqual(['slow-host', 'off-host'])
      return true
    })
    const active = await untilPhase(store, id, 'active', 90_000)
    expect(active.message).toMatch(/slow-host.*They read the key itself\./)
    // From when it was taken up.
    const begunAt = active.steps.find(({ name }) => name === 'plan')?.startedAt ?? ''
    const waitedMs = Date.parse(active.phaseSince) - Date.parse(begunAt)
    expect(waitedMs).toBeGreaterThan(25_000)
    // Half a minute, and the turn in which it is seen to be over.
    expect(waitedMs).toBeLessThan(45_000)
    stuck.isStuck = false
    await drain(id)
    expect(await untilPhase(store, id, 'off')).toMatchObject({ outcome: 'drained' })
  })
})

describe('local cache and replicate', LIMIT, () => {
  it('are published as what they are, and drain by themselves when their time is over', async () => {
    const { store } = watched
    const app = await fakeApp()
    await untilThere(1)
    await client.set('a', 'x')
    await client.set('b', 'x')
    const parameters = { ttlSeconds: 3, track: false }
    const local = await create(store, requestOf('local-cache', 'a', { parameters }))
    const replicas = await create(store, requestOf('replicate', 'b'))
    await Promise.all([untilPhase(store, local, 'active'), untilPhase(store, replicas, 'active')])
    await until(
      'both are told',
      () => app.document?.policies.filter(({ phase }) => phase === 'active').length === 2,
    )
    expect(app.document?.policies).toMatchObject([
      {
        id: `m${local}`,
        local: { ttlMs: 3_000, track: false, staleMs: 0 },
        variants: null,
        replicaRead: false,
      },
      { id: `m${replicas}`, local: null, variants: null, replicaRead: true },
    ])
    const extended = await extendMitigation(
      store,
      replicas,
      { ...change, expiresInSeconds: 7_200 },
      Date.now(),
    )
    await until('the extension is told', () =>
      app.document?.policies.some(({ expiresAt }) => expiresAt === Date.parse(extended.expiresAt)),
    )
    // How long all of that takes is the machine's: its end is not set before.
    await extendMitigation(store, local, { ...change, expiresInSeconds: 2 }, Date.now())
    const expired = await untilPhase(store, local, 'off')
    expect(expired).toMatchObject({ outcome: 'expired', desired: 'on' })
    await drain(replicas)
    await untilPhase(store, replicas, 'off')
  })

  it('by copies where that is asked for', async () => {
    const { store } = watched
    await fakeApp()
    await untilThere(1)
    await client.set('c', 'x')
    const id = await create(store, requestOf('replicate', 'c', { parameters: { by: 'copies', copies: 5 } }))
    await untilPhase(store, id, 'active')
    const proven = await until('the window before is measured', async () => {
      const { proof } = await detailOf(store, id)
      return proof?.before ? proof : null
    })
    // How long readers waited is known of the time before: it is measured while the copies are made.
    expect(proven.before).toMatchObject({ p99Us: 900, instances: 1 })
    expect(proven.before?.keyReadsByAppPerSec).toBeGreaterThan(0)
    expect(proven.divergence).toMatchObject({ diverged: 0, since: null })
    await drain(id)
    const off = await untilPhase(store, id, 'off')
    expect(off.steps.filter(({ name }) => name.startsWith('unlink'))).toHaveLength(4)
  })
})

describe('the library itself', LIMIT, () => {
  it('takes part: it acknowledges, reads the copies, and its connections are told from others', async () => {
    const { store } = watched
    const seeds = ports.map((port) => ({ host: '127.0.0.1', port }))
    const wrapped = cachescope(new Cluster(seeds, { redisOptions: { connectionName: 'with-library' } }), {
      app: 'shop',
    })
    wrapped.on('error', () => {})
    ends.push(async () => {
      release(wrapped)
      wrapped.disconnect()
    })
    await wrapped.set('article:7', 'seven')
    await untilThere(1)
    const id = await create(store, requestOf('split', 'article:7'))
    await untilPhase(store, id, 'active')
    await untilApplied(id)
    const values = new Set<string | null>()
    await until('it reads every name', async () => {
      for (let read = 0; read < 100; read++) values.add(await wrapped.get('article:7'))
      const samples = await listMitigationSamples(store, id)
      return samples.some(
        (sample) =>
          sample.variantReadsPerSec?.length === 3 && sample.variantReadsPerSec.every((rate) => rate > 0),
      )
    })
    expect(values).toEqual(new Set(['seven']))
    // The client of this test has none, and nobody takes it for one that has.
    const countStrangers = async () => {
      const lists = await Promise.all(cluster.primaries.map((node) => node.command('CLIENT', 'LIST')))
      const lines = lists.flatMap((list) => String(list).trim().split('\n'))
      expect(lines.filter((line) => line.includes(' name=with-library ')).length).toBeGreaterThan(0)
      const where = { host: hostname() }
      const told = await query(store, (prisma) => prisma.appInstance.findMany({ where }))
      const ours = new Set(told.flatMap(({ connections }) => connections))
      return lines.filter(
        (line) =>
          !/ name=cachescope | flags=\S*[SM]| cmd=client\|list/.test(line) &&
          !ours.has(/ addr=(\S+)/.exec(line)?.[1] ?? ''),
      ).length
    }
    await until(
      'the others are counted',
      async () => {
        const strangers = await countStrangers()
        // They are counted every half minute; each of these looks is a connection as well, and would be in the way.
        await delay(3_000)
        return (await detailOf(store, id)).acknowledgement?.connectionsWithoutLibrary === strangers
      },
      150_000,
    )
    await drain(id)
    expect(await untilPhase(store, id, 'off')).toMatchObject({ outcome: 'drained' })
    expect(await wrapped.get('article:7')).toBe('seven')
  })
})
