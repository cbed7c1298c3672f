/** A shard's load is the sum of its nodes': a write counts once, at the primary, however many replicas run it too. */
import { afterEach, expect, it } from 'vitest'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { startRedis, until } from '../../support/redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

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

  const load = await until('both are sampled', async () => {
    const [one, other] = await Promise.all([watched.node(primary.address), watched.node(replica.address)])
    const [primaryOps, replicaOps] = [one?.latest?.opsPerSec ?? 0, other?.latest?.opsPerSec ?? 0]
    return primaryOps > 900 && replicaOps > 0 ? { primaryOps, replicaOps } : null
  })
  expect(load.replicaOps).toBeGreaterThan(150)
  expect(load.replicaOps).toBeLessThan(250)
})
