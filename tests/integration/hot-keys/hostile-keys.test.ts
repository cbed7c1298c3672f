/** Keys of any bytes: from a real server by MONITOR, the collector, Postgres and the API to a key page's address. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyHref } from '../../../app/_lib/urls.ts'
import { keyFromBase64Url } from '../../../core/key-text.ts'
import { parseRange } from '../../../core/range.ts'
import type { Store } from '../../../store/client.ts'
import { getHotKey } from '../../../store/hot-keys.ts'
import { callApi } from '../../support/api-client.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { HOSTILE_BYTES } from '../../support/hostile-bytes.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'
import { startTraffic, type Traffic } from '../../support/traffic.ts'

let server: RedisProcess
let database: TestDatabase
let watched: TestCollector
let traffic: Traffic

beforeAll(async () => {
  ;[server, database] = await Promise.all([startRedis(), createTestDatabase()])
  process.env.DATABASE_URL = database.url
  let at = 0
  traffic = await startTraffic(server.port, 400, () => {
    const key = HOSTILE_BYTES[at++ % HOSTILE_BYTES.length] as Buffer
    return at % 2 === 0 ? ['SET', key, 'v'] : ['EXISTS', key]
  })
  watched = await startCollector(
    database.url,
    `caches:\n${cacheYaml('hostile', 'standalone', [server.url], ['hotKeys: { budget: 5% }'])}`,
  )
  Object.assign(globalThis as { cachescopeStore?: Store }, { cachescopeStore: watched.store })
})
afterAll(async () => {
  await traffic?.stop()
  await watched?.stop()
  await Promise.all([server?.stop(), database?.drop()])
})

type Item = { keyBase64: string; cacheId: string; db: number }

test('every key is the same bytes in the API, in the address of its page, and behind it', async () => {
  const wanted = HOSTILE_BYTES.map((key) => key.toString('base64')).sort()
  const items = await until('all keys are hot', async () => {
    const response = await callApi('/api/v1/hot-keys?cacheId=hostile&limit=100')
    const page = (await response.json()) as { items: Item[] }
    return page.items.length >= wanted.length ? page.items : null
  })
  expect(items.map(({ keyBase64 }) => keyBase64).sort()).toEqual(wanted)

  for (const { keyBase64, cacheId, db } of items) {
    const path = keyHref(cacheId, db, keyBase64)
    const page = /^\/caches\/hostile\/keys\/0\/([\w-]*)$/.exec(new URL(path, 'http://localhost').pathname)
    const key = keyFromBase64Url(page?.[1] ?? 'no such page')
    expect(Buffer.from(key ?? [0]).toString('base64')).toBe(keyBase64)
    // A report that came since may have missed one of them.
    const detail = await until(`${keyBase64} is behind its page`, async () => {
      const now = Date.now()
      const range = parseRange({}, now)
      const detail = await getHotKey(watched.store, { cacheId, db, key: key ?? new Uint8Array(), range, now })
      return detail?.current.length === 1 ? detail : null
    })
    expect(detail.keyBase64).toBe(keyBase64)
  }
})
