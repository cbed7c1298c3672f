/** A shard's load is the sum of its nodes': a write counts once, at the primary, however many replicas run it too. */
import { afterEach, expect, it } from 'vitest'
import { parseRange } from '../../../core/range.ts'
import { listSamples } from '../../../store/samples.ts'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { startRedis, until } from '../../support/redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

it("a replica's load is that of its own clients", async () => {
  const [primary, database] = await Promise.all([startRedis(), createTestDatabase()])
  ends.push(primary.stop, database.drop)
  const replica = await startRedis({ replicaOf: { port: primary.port } })
  ends.push(replica.stop)
  await until('in step', async () =>
    String(await replica.command('INFO', 'replication')).includes('link_status:up'),
  )
  let at = 0
  const script = "redis.call('SET', KEYS[1], 'v') redis.call('INCR', KEYS[2])"
  const writes = [
    ['SET', 'k', 'v'],
    ['EVAL', script, '2', 'a', 'n'],
    ['SELECT', '3'],
    ['HSET', 'h', 'f', 'v'],
    ['SELECT', '0'],
    ['PUBLISH', 'channel', 'message'],
  ]
  const writing = await startTraffic(primary.port, 1_200, () => writes[at++ % writes.length] as string[])
  const reading = await startTraffic(replica.port, 200, () => ['GET', 'k'])
  ends.push(writing.stop, reading.stop)
  const yaml = `caches:\n${cacheYaml('pair', 'standalone', [primary.url, replica.url])}`
  const watched = await startCollector(database.url, yaml)
  ends.push(() => watched.stop())

  const sampledOps = async (address: string) => {
    const nodeId = (await watched.node(address))?.nodeId ?? 0
    const range = parseRange({}, Date.now())
    const { items } = await listSamples(watched.store, { nodeId, range, limit: 100 })
    return items.flatMap(({ opsPerSec }) => opsPerSec ?? [])
  }
  const [primaryOps, replicaOps] = await until('both are sampled', async () => {
    const both = await Promise.all([primary, replica].map(({ address }) => sampledOps(address)))
    return both.every((ops) => ops.length >= 4) ? both.map(average) : null
  })
  // A sixth of its primary's: with the writes that it runs too it would be more than the primary's.
  const ratio = (replicaOps ?? 0) / (primaryOps ?? 0)
  expect(ratio).toBeGreaterThan(1 / 18)
  expect(ratio).toBeLessThan(1 / 2)
})
