/** From a viral key to a verdict: real nodes, MONITOR, the collector, Postgres, and applications with the library. */
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cachescope } from '../../../client/index.ts'
import { advise } from '../../../core/mitigations/advice.ts'
import { drainMitigation } from '../../../store/mitigation-changes.ts'
import { readMitigationFacts } from '../../../store/mitigation-facts.ts'
import { requestMitigation } from '../../../store/request-mitigation.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { clusterClient, detailOf, requestOf, untilPhase } from '../../support/mitigation-world.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type RedisCluster, startRedisCluster, until } from '../../support/redis.ts'

const KEY = 'article:42'
const INSTANCES = 3
const EVERY_MS = 20

let cluster: RedisCluster
let database: TestDatabase
let watched: TestCollector
const clients: Cluster[] = []
let traffic: NodeJS.Timeout

beforeAll(async () => {
  ;[cluster, database] = await Promise.all([
    startRedisCluster({ primaries: 3, replicasPerPrimary: 0 }),
    createTestDatabase(),
  ])
  // Before anybody watches: it is read only, as far as is known.
  const writer = clusterClient(cluster.primaries.map(({ port }) => port))
  await writer.set(KEY, 'VIRAL-VALUE')
  writer.disconnect()
  const more = ['mitigations: { enabled: true, proofWindow: 10s }']
  watched = await startCollector(database.url, `caches:\n${cacheYaml('shop', 'cluster', cluster.urls, more)}`)
  for (let count = 0; count < INSTANCES; count++) {
    const bare = new Cluster(cluster.primaries.map(({ host, port }) => ({ host, port })))
    clients.push(cachescope(bare, { app: 'shop' }))
  }
  await until('the clients know the cluster', () => clients.every((client) => client.status === 'ready'))
  // Of each instance 300 reads a second of the article, and 150 of others; what comes late is made up for.
  const began = performance.now()
  let turns = 0
  traffic = setInterval(() => {
    for (; turns < (performance.now() - began) / EVERY_MS; turns++) {
      for (const client of clients) {
        for (let count = 0; count < 6; count++) client.get(KEY).catch(() => {})
        for (let count = 0; count < 3; count++) {
          client.get(`article:${Math.floor(Math.random() * 5_000)}`).catch(() => {})
        }
      }
    }
  }, EVERY_MS)
})

afterAll(async () => {
  clearInterval(traffic)
  for (const client of clients) client.disconnect()
  await watched?.stop()
  await Promise.all([cluster?.stop(), database?.drop()])
})

const target = { kind: 'key' as const, db: 0, keyBase64: Buffer.from(KEY).toString('base64') }
const facts = () => readMitigationFacts(watched.store, { cacheId: 'shop', target }, Date.now())

async function prove(action: 'local-cache' | 'split') {
  await until('the load of each shard is known', async () =>
    (await facts()).shards.every(({ opsPerSec }) => opsPerSec !== null),
  )
  const { mitigation, preview } = await requestMitigation(
    watched.store,
    requestOf(action, KEY),
    null,
    Date.now(),
  )
  const id = mitigation?.mitigationId ?? 0
  await untilPhase(watched.store, id, 'active')
  const proof = await until(
    'the first verdict',
    async () => {
      const detail = await detailOf(watched.store, id)
      return detail.proof?.verdict ? detail.proof : null
    },
    120_000,
  )
  await drainMitigation(watched.store, id, { actor: 'bob', reason: 'seen' }, Date.now())
  await untilPhase(watched.store, id, 'off')
  return { preview, proof }
}

it('knows the key, its readers and its shards, and advises', async () => {
  await until('the key is hot, the applications are heard of, and what to do follows', async () => {
    const found = await facts()
    expect(found.key?.readsPerSec).toBeGreaterThan(200)
    expect(found.apps[0]?.instances).toBe(INSTANCES)
    expect(found.key).toMatchObject({ label: KEY, slot: 5_605, commands: ['GET'] })
    expect(advise(found, Date.now()).action).toBe('local-cache')
    return true
  })
})

it('splits it: its shard falls to the level of its siblings, and the verdict says so with its numbers', async () => {
  const { preview, proof } = await prove('split')
  expect(preview.refusals).toEqual([])
  expect(preview.hottestOverMeanBefore).toBeGreaterThan(1.5)
  expect(proof.because).toMatch(/The hottest shard carries .*evenly/)
  expect(proof.verdict).toBe('worked')
  expect(proof.after[0]?.hottestOverMean).toBeLessThan(1.3)
  expect(proof.after[0]?.nameOpsPerSec).toHaveLength(3)
}, 400_000)

it('holds it in the processes: the servers see one read a process and time to live', async () => {
  // Measured since it is no longer split.
  const offAt = Date.now()
  await until('the load is back on the key', async () => ((await facts()).key?.at ?? 0) > offAt + 2_000)
  const { proof } = await prove('local-cache')
  expect(proof.because).toMatch(/3 processes should leave about/)
  expect(proof.verdict).toBe('worked')
  expect(proof.after[0]?.keyOpsPerSec).toBeLessThan(30)
}, 400_000)
