/** How long readers waited before and after: harm where the servers have become slow, and none where they have not. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cachescope } from '../../../client/index.ts'
import type { Proof } from '../../../core/mitigations/measures.ts'
import type { MitigationDetail } from '../../../core/mitigations/model.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { create, detailOf, requestOf, untilPhase } from '../../support/mitigation-world.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

const EVERY_MS = 20
/** More than any machine that is only busy takes, three times over. */
const SLOW_MS = 2_000

/** Each bounds a failure only. */
const LIMIT_MS = 200_000

/** Of each process: its sample has room for all of them. */
let readsPerSec = 100
let node: RedisProcess
let database: TestDatabase
let watched: TestCollector
let proxy: TcpProxy
let traffic: NodeJS.Timeout
const clients: Redis[] = []
let bare: Redis

beforeAll(async () => {
  ;[node, database] = await Promise.all([startRedis(), createTestDatabase()])
  proxy = await startTcpProxy(node)
  bare = new Redis(node.port)
  const more = ['mitigations: { enabled: true, proofWindow: 10s }']
  watched = await startCollector(
    database.url,
    `caches:\n${cacheYaml('shop', 'standalone', [node.url], more)}`,
  )
  const readers = [
    { key: 'slowed', port: proxy.port },
    { key: 'even', port: node.port },
  ].flatMap(({ key, port }) =>
    [1, 2].map(() => ({ key, client: cachescope(new Redis(port), { app: 'shop' }) })),
  )
  clients.push(...readers.map(({ client }) => client))
  await until('the clients are connected', () => clients.every((client) => client.status === 'ready'))
  await clients[0]?.mset('slowed', 'x', 'even', 'x')
  // What a busy machine was late with is made up for.
  let since = performance.now()
  let due = 0
  traffic = setInterval(() => {
    const now = performance.now()
    for (due += ((now - since) / 1_000) * readsPerSec; due >= 1; due--) {
      for (const { key, client } of readers) client.get(key).catch(() => {})
    }
    since = now
  }, EVERY_MS)
})

afterAll(async () => {
  clearInterval(traffic)
  for (const client of [bare, ...clients]) client?.disconnect()
  await watched?.stop()
  await proxy?.close()
  await Promise.all([node?.stop(), database?.drop()])
})

/** As each application's heartbeat in the cache tells it. */
async function timedOf(key: string): Promise<number> {
  const names = await bare.keys('{hk:shop}:i:*')
  const texts = names.length === 0 ? [] : await bare.mget(names)
  const keyBase64 = Buffer.from(key).toString('base64')
  return texts
    .flatMap((text) => (text === null ? [] : JSON.parse(String(text)).hotKeys.keys))
    .filter((one) => one.keyBase64 === keyBase64)
    .reduce((sum, { timed = 0 }) => sum + timed, 0)
}

const proven = (id: number, what: string, is: (proof: Proof, of: MitigationDetail) => boolean) =>
  until(
    what,
    async () => {
      const detail = await detailOf(watched.store, id)
      if (detail.proof !== null && is(detail.proof, detail)) return detail.proof
      throw new Error(`${detail.phase}: ${JSON.stringify(detail.proof)}`)
    },
    LIMIT_MS,
  )

it('is known of the time before at the press, is of all instances, and tells harm from none', async () => {
  await until(
    'the reads of both keys were timed for a while',
    async () => Math.min(await timedOf('slowed'), await timedOf('even')) >= 600,
    LIMIT_MS,
  )
  const parameters = { ttlSeconds: 0.5, track: false }
  const [slowed, even] = await Promise.all(
    ['slowed', 'even'].map((key) => create(watched.store, requestOf('local-cache', key, { parameters }))),
  )
  if (slowed === undefined || even === undefined) throw new Error('not asked for')
  await Promise.all([slowed, even].map((id) => untilPhase(watched.store, id, 'active', LIMIT_MS)))
  for (const id of [slowed, even]) {
    const { before } = await proven(id, 'the time before is measured', (proof) => proof.before !== null)
    expect(before?.timedReads).toBeGreaterThanOrEqual(500)
    expect(before?.p99Us).toBeGreaterThan(0)
    expect(before?.p99Us).toBeGreaterThanOrEqual(before?.p99LowUs ?? Number.NaN)
    expect(before?.p99HighUs).toBeGreaterThanOrEqual(before?.p99Us ?? Number.NaN)
  }
  // Of readers that ask for more, slowness is no harm: what a busy machine makes of the rates must not look like it.
  readsPerSec = 80
  proxy.slow(SLOW_MS)
  const harmful = await proven(slowed, 'the harm', ({ verdict }) => verdict === 'harmful')
  expect(harmful.because).toMatch(/readers wait .* at the 99th percentile instead of .*timed reads/)
  proxy.slow(0)
  const fine = await proven(even, 'both windows of the other', ({ after }) => after.length === 2)
  expect(fine.verdict).not.toBe('harmful')
  // Nearly all of its reads are answered in the process, which takes next to no time.
  expect(fine.after[0]?.timedReads).toBeGreaterThanOrEqual(500)
  expect(fine.after[0]?.p99Us).toBeLessThan(SLOW_MS * 1_000)
  await untilPhase(watched.store, slowed, 'off', LIMIT_MS)
}, 1_200_000)
