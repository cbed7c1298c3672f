/** A collector cut off from Postgres may not be alone with its nodes for longer than its lease. */
import { afterEach, expect, it } from 'vitest'
import { parseRange } from '../../../core/range.ts'
import { closeStore, openStore } from '../../../store/client.ts'
import { listNodes } from '../../../store/nodes.ts'
import { listSamples } from '../../../store/samples.ts'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { delay, startRedis, until } from '../../support/redis.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { startTraffic } from '../../support/traffic.ts'

/** Longer than the collector's own: on a slow machine too a burst begins while it holds. */
const LEASE = { ttlMs: 20_000, renewMs: 3_000 }

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

it('pauses MONITOR before another collector may begin, samples on, and resumes with the lease', async () => {
  const [database, node] = await Promise.all([createTestDatabase(), startRedis()])
  ends.push(database.drop, node.stop)
  const url = new URL(database.url)
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  ends.push(proxy.close)
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  const watched = await startCollector(
    url.href,
    `caches:\n${cacheYaml('shop', 'standalone', [node.url], ['hotKeys: { budget: 10% }'])}`,
    { lease: LEASE },
  )
  ends.push(watched.stop)
  const direct = openStore(database.url)
  ends.push(() => closeStore(direct))
  const traffic = await startTraffic(node.port, 300, () => ['GET', 'article:42'])
  ends.push(traffic.stop)
  const monitored = async () => {
    const stats = String(await node.command('INFO', 'commandstats'))
    return Number(/cmdstat_monitor:calls=(\d+)/.exec(stats)?.[1] ?? 0)
  }
  const grows = async (what: string) => {
    const from = await monitored()
    await until(what, async () => (await monitored()) > from)
  }

  await grows('hot keys are read')
  const from = Date.now()
  proxy.cut()
  await grows('hot keys are read while the lease holds')
  await delay(Math.max(0, from + LEASE.ttlMs - Date.now()))
  const before = await monitored()
  await delay(4_000)
  expect(await monitored()).toBe(before)

  proxy.mend()
  await grows('hot keys are read again')
  await until('all is written', () => watched.collector.health().bufferedTicks === 0)
  const [stored] = await listNodes(direct, {})
  const range = { ...parseRange({}, Date.now()), from, to: from + LEASE.ttlMs }
  const { items } = await listSamples(direct, { nodeId: stored?.nodeId, range, limit: 100 })
  expect(items.length).toBeGreaterThan(6)
})
