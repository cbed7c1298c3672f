import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { saveTick } from '../../store/tick.ts'
import { callApi } from '../support/api-client.ts'
import { administer, createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/redis.ts'
import { seedFleet } from '../support/seed.ts'

let database: TestDatabase
let store: Store

beforeAll(async () => {
  database = await createTestDatabase()
  process.env.DATABASE_URL = database.url
  store = openStore(database.url)
  Object.assign(globalThis, { cachescopeStore: store })
  await seedFleet(store, { minutes: 0.1, now: Date.now() - 10_000 })
})
afterAll(async () => {
  await closeStore(store)
  await database.drop()
})

/** Opens the live stream as a browser would and keeps what it says. */
async function openLive() {
  const abort = new AbortController()
  const response = await callApi('/api/live', { signal: abort.signal })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  expect(response.headers.get('cache-control')).toMatch(/no-transform/)
  const said: string[] = []
  const reading = (async () => {
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) said.push(text)
  })()
  return {
    text: () => said.join(''),
    clear: () => said.splice(0),
    async close() {
      abort.abort()
      await reading
    },
  }
}

async function tick(): Promise<void> {
  const at = Date.now()
  await saveTick(
    store,
    {
      at,
      statuses: [],
      samples: [],
      commands: [],
      keyspaces: [],
      hotKeys: [],
      hotPatterns: [],
      slowlog: [],
      events: [
        {
          at,
          cacheId: 'shop',
          address: null,
          shardOrdinal: null,
          kind: 'cluster-ok',
          message: `All slots are served (${at}).`,
        },
      ],
      infos: [],
    },
    {
      collectorId: 'test',
      host: 'localhost',
      pid: 1,
      version: '0.0.0',
      startedAt: at,
      at,
      nodes: 6,
      bufferedTicks: 0,
      droppedTicks: 0,
    },
  )
}

const listeners = (query: string) =>
  store.pool.query<{ pid: number }>(
    `SELECT ${query} AS pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'`,
  )

describe('/api/live', () => {
  test('tells of a tick at once, over one connection for all, closed after the last', async () => {
    const first = await openLive()
    const second = await openLive()
    await until('the connection', () => first.text().includes('"connected":true'))
    await tick()
    const started = Date.now()
    await until('the tick', () => first.text().includes('"shop"') && second.text().includes('"shop"'))
    expect(Date.now() - started).toBeLessThan(10_000)
    expect(first.text()).toContain('data: {"cacheIds":["shop"]}\n\n')
    expect((await listeners('pid')).rowCount).toBe(1)
    await first.close()
    await second.close()
    await until('the end of LISTEN', async () => (await listeners('pid')).rowCount === 0)
  })

  test('says when Postgres cuts it off, comes back by itself, and goes on telling', async () => {
    const live = await openLive()
    await until('the connection', () => live.text().includes('"connected":true'))
    live.clear()
    const [listener] = (await listeners('pid')).rows
    await administer(`SELECT pg_terminate_backend(${listener?.pid})`)
    await until('the loss', () => live.text().includes('event: state\ndata: {"connected":false}'))
    await until('the return', () => live.text().includes('event: state\ndata: {"connected":true}'))
    live.clear()
    await tick()
    await until('the tick', () => live.text().includes('data: {"cacheIds":["shop"]}'))
    await live.close()
  })
})
