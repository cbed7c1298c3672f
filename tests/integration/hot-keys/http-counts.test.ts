/** Counts of applications that know the dashboard alone: over HTTP, through Postgres, to the list of hot keys. */
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { cachescope, inspect, release } from '../../../client/index.ts'
import { ClientCountsOfCache } from '../../../collector/hot-keys/client-counts.ts'
import { ToldCounts } from '../../../collector/hot-keys/told-counts.ts'
import { listToldCounts, saveHeartbeats } from '../../../store/app-instances.ts'
import { closeStore, openStore } from '../../../store/client.ts'
import { listHotKeys } from '../../../store/hot-keys.ts'
import { saveHeartbeat } from '../../../store/policies.ts'
import { saveCaches } from '../../../store/topology.ts'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { clientCounts, heartbeatOf } from '../../support/heartbeat.ts'
import { startHttpDashboard } from '../../support/http-dashboard.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { startRedis, until } from '../../support/redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

it('brings them where nothing else may be asked, whether mitigations are switched on or not', async () => {
  const [node, database] = await Promise.all([startRedis(), createTestDatabase()])
  ends.push(database.drop, node.stop)
  await node.command('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '+@all', '-monitor', '-object')
  await node.command('ACL', 'SETUSER', 'shop', 'on', '>secret', '~article:*', '+@read', '+ping', '+info')
  const yaml = cacheYaml('shop', 'standalone', [node.url], ['username: weak', 'password: secret'])
  const { store, stop, log } = await startCollector(database.url, `caches:\n${yaml}`)
  ends.push(stop)
  // Until then nobody takes the heartbeats.
  await until('it has the cache', () => log.some((line) => line.includes('is watched by this collector')))
  const dashboard = await startHttpDashboard(database.url, store)
  ends.push(dashboard.stop)
  const client = cachescope(new Redis({ port: node.port, username: 'shop', password: 'secret' }), {
    app: 'shop',
    control: { url: dashboard.url, cacheId: 'shop' },
  })
  await until('the client is connected', () => client.status === 'ready')
  const reading = setInterval(() => {
    for (let count = 0; count < 5; count++) client.get('article:42').catch(() => {})
  }, 20)
  ends.push(() => {
    clearInterval(reading)
    release(client)
    client.disconnect()
  })
  const row = await until(
    'the row',
    async () => {
      const { items } = await listHotKeys(store, { limit: 5, now: Date.now() })
      const isTold = (opsPerSec: number | null) => (opsPerSec ?? 0) > 20
      return items.find(
        ({ key, source, opsPerSec }) => key === 'article:42' && source === 'client' && isTold(opsPerSec),
      )
    },
    200_000,
  )
  // At most 250/s are sent, and all that fits the sample is counted: with the interval of a sample.
  expect(row.opsPerSecLow ?? 0).toBeLessThan(row.opsPerSec ?? 0)
  expect(row).toMatchObject({ db: 0, writesPerSec: 0, topCommand: null })
  expect(inspect(client)).toMatchObject({ state: 'passing', errors: 0 })
}, 300_000)

it('takes each heartbeat once, whichever way and however often it comes, and the newest of an instance alone', async () => {
  const database = await createTestDatabase()
  const store = openStore(database.url)
  ends.push(database.drop, () => closeStore(store))
  const cache = { kind: 'standalone' as const, seeds: ['a:1'], intervalMs: 1_000, mitigationsEnabled: false }
  await saveCaches(store, [
    { cacheId: 'shop', ...cache },
    { cacheId: 'mail', ...cache },
  ])
  let now = Date.now()
  const counts = new Map(['shop', 'mail'].map((cacheId) => [cacheId, new ClientCountsOfCache(() => now)]))
  const told = new ToldCounts(store)
  const rates = async () => {
    await told.read(counts, now)
    return [...counts.values()].map((of) => of.read()?.keys.map(({ opsPerSec }) => opsPerSec) ?? null)
  }
  const send = (cacheId: string, instanceId: string, at: number, reads: number) => {
    const window = clientCounts({ hot: [reads, 0, 0] }, { windowMs: 1_000 })
    return saveHeartbeat(store, { cacheId, heartbeat: heartbeatOf(instanceId, at, window), now: at })
  }
  expect(await rates()).toEqual([null, null])
  now += 2_000
  await send('shop', 'one', now - 3_000, 100)
  await send('mail', 'one', now - 60_000, 7_000)
  const seen = heartbeatOf('two', now - 2_000, clientCounts({ hot: [10, 0, 0] }, { windowMs: 1_000 }))
  counts.get('shop')?.note(seen, now - 2_000)
  await saveHeartbeat(store, { cacheId: 'shop', heartbeat: seen, now: now - 2_000 })
  expect(await rates()).toEqual([[110], null])
  expect(await listToldCounts(store, new Map([['shop', now - 10_000]]))).toHaveLength(2)
  // A dashboard whose clock is a minute ahead hides nothing of the others.
  await send('mail', 'ahead', now + 60_000, 100)
  await rates()
  now += 3_000
  await send('mail', 'late', now - 100, 7)
  expect((await rates())[1]).toEqual([107])
  // What a collector has read itself is kept for none.
  const newer = heartbeatOf('two', now - 500, clientCounts({ hot: [30, 0, 0] }, { windowMs: 1_000 }))
  await saveHeartbeats(store, 'shop', [{ heartbeat: newer, seenAt: now - 500 }])
  expect(await listToldCounts(store, new Map([['shop', now - 10_000]]))).toMatchObject([
    { instanceId: 'one' },
  ])
})
