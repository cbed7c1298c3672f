import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AppInstance } from '../../core/mitigations/app-instance.ts'
import type { Heartbeat } from '../../core/protocol/heartbeat.ts'
import type { Store } from '../../store/client.ts'
import { acquireLeases } from '../../store/leases.ts'
import { callApi } from '../support/api-client.ts'
import {
  type MitigationApi,
  problemOf,
  request,
  send,
  startMitigationApi,
} from '../support/mitigation-api.ts'
import { until } from '../support/redis.ts'

let api: MitigationApi
let store: Store

beforeAll(async () => {
  api = await startMitigationApi()
  store = api.store
  // There is an older revision than the newest.
  expect((await api.ask()).status).toBe(201)
})
afterAll(() => api?.stop())

const heartbeat = (at: number): Heartbeat => ({
  v: 1,
  app: 'mobile',
  instanceId: 'over-http',
  host: 'edge-1',
  pid: 77,
  library: '@cachescope/client 0.1.0',
  startedAt: at - 1_000,
  at,
  rev: 0,
  state: 'passing',
  policies: [],
  errors: 0,
  connections: [],
  hotKeys: { windowMs: 5_000, commands: 0, sampled: 0, keys: [] },
})

describe('applications over HTTP', () => {
  // Without a collector nobody is told of anything.
  beforeAll(() => acquireLeases(store, 'me', ['shop'], 600_000))

  test('a heartbeat is kept and listed', async () => {
    const response = await send('POST', '/api/v1/heartbeats', {
      cacheId: 'shop',
      heartbeat: heartbeat(Date.now()),
    })
    expect(response.status).toBe(204)
    const body = await (await send('GET', '/api/v1/app-instances?cacheId=shop')).json()
    const { items } = z.object({ items: z.array(AppInstance) }).parse(body)
    expect(items).toContainEqual(expect.objectContaining({ app: 'mobile', host: 'edge-1', pid: 77 }))
  })

  test('one that is none is named field by field', async () => {
    const bad = { ...heartbeat(Date.now()), pid: 'one' }
    const problem = await problemOf(
      await send('POST', '/api/v1/heartbeats', { cacheId: 'shop', heartbeat: bad }),
      400,
    )
    expect(problem.errors?.[0]?.field).toBe('heartbeat.pid')
    await problemOf(
      await send('POST', '/api/v1/heartbeats', { cacheId: 'nowhere', heartbeat: heartbeat(Date.now()) }),
      404,
    )
  })

  const PATH = '/api/v1/policies?cacheId=shop&app=web'
  test('the document has an ETag, and 304 to those who know it', async () => {
    const response = await send('GET', PATH)
    expect(response.status).toBe(200)
    const etag = response.headers.get('etag') ?? ''
    expect(await response.json()).toMatchObject({ v: 1, app: 'web', kill: false })
    const known = await send('GET', PATH, undefined, { 'if-none-match': etag })
    expect(known.status).toBe(304)
    expect(await known.text()).toBe('')
  })

  test('an old revision is answered at once; the newest waits until there is a newer one', async () => {
    await api.drainAll()
    const document = z.object({ rev: z.int() }).parse(await (await send('GET', PATH)).json())
    expect((await send('GET', `${PATH}&rev=0`)).status).toBe(document.rev > 0 ? 200 : 304)
    let settled = false
    const waiting = send('GET', `${PATH}&rev=${document.rev}`).finally(() => {
      settled = true
    })
    // Only once it listens does it wait for news rather than for its time.
    const listening = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'`
    await until('LISTEN', async () => ((await store.pool.query(listening)).rowCount ?? 0) > 0)
    expect(settled).toBe(false)
    const asked = Date.now()
    const made = await api.ask({ ...request, reason: 'for the long poll' })
    expect(made.status).toBe(201)
    const answer = await waiting
    expect(answer.status).toBe(200)
    const newer = z.object({ rev: z.int() }).parse(await answer.json())
    expect(newer.rev).toBeGreaterThan(document.rev)
    // Else it would be told when its 25 seconds are over.
    expect(Date.now() - asked).toBeLessThan(20_000)
  })

  test('a poll whose reader has gone does not wait on', async () => {
    const { rev } = z.object({ rev: z.int() }).parse(await (await send('GET', PATH)).json())
    const abort = new AbortController()
    const waiting = callApi(`${PATH}&rev=${rev}`, { signal: abort.signal })
    abort.abort()
    expect((await waiting).status).toBe(304)
  })
})
