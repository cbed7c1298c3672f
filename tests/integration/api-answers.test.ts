import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { MITIGATION_OPERATIONS } from '../../core/api/mitigation-operations.ts'
import { OPERATIONS, type OperationName } from '../../core/api/operations.ts'
import { Problem } from '../../core/api/problem.ts'
import type { HotKeySample, Tick } from '../../core/sample.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { saveTick } from '../../store/tick.ts'
import { callApi } from '../support/api-client.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { seedFleet } from '../support/seed.ts'

const EVENTS = 1_203
const HOSTILE_KEYS: [string, Uint8Array][] = [
  ['spaces', Buffer.from('a key with  spaces ')],
  ['NUL', Buffer.from('before\0after')],
  ['invalid UTF-8', Buffer.from([0x66, 0xff, 0xc3, 0x28, 0x80])],
  ['quotes and markup', Buffer.from(`<script>alert("x")</script>'; DROP TABLE key; --`)],
  ['newlines and escapes', Buffer.from('a\r\nb\tc\\d\u001b[31m')],
  ['Unicode', Buffer.from('статья:42:記事:🔥\u202e')],
  ['10 KB', Buffer.alloc(10_240, 'k')],
  ['the empty key', Buffer.alloc(0)],
]

const holder = globalThis as { cachescopeStore?: Store }
let database: TestDatabase
let store: Store
let now: number

beforeAll(async () => {
  database = await createTestDatabase()
  process.env.DATABASE_URL = database.url
  process.env.LOG_LEVEL = 'silent'
  store = openStore(database.url)
  holder.cachescopeStore = store
  now = Date.now()
  // A report is of now for seconds; a slow machine takes longer for all that is asked here.
  vi.useFakeTimers({ toFake: ['Date'], now })
  await seedFleet(store, { minutes: 2, now: now - 2_000, downShard: 3 })
  await saveTick(store, hostileTick(now), collector(now))
})

afterAll(async () => {
  vi.useRealTimers()
  await closeStore(store)
  await database.drop()
})

const collector = (at: number) => ({
  collectorId: 'test',
  host: 'localhost',
  pid: 1,
  version: '0.0.0',
  startedAt: at,
  at,
  nodes: 6,
  bufferedTicks: 0,
  droppedTicks: 0,
})

function hostileTick(at: number): Tick {
  const address = '10.0.0.1:7000'
  const hotKeys = HOSTILE_KEYS.map(
    ([, key], index): HotKeySample => ({
      cacheId: 'shop',
      address,
      at,
      windowFrom: at - 10_000,
      sampledCommands: 20_000,
      db: 0,
      key,
      share: 0.01 * (index + 1),
      shareLow: 0.008 * (index + 1),
      shareHigh: 0.012 * (index + 1),
      opsPerSec: 100 * (index + 1),
      opsPerSecLow: 80 * (index + 1),
      opsPerSecHigh: 120 * (index + 1),
      readsPerSec: 100 * (index + 1),
      writesPerSec: 0,
      topCommand: 'GET',
      commands: ['GET'],
      cpuShare: null,
      lfuCounter: null,
      sizeBytes: null,
      isMissing: null,
      probedAt: null,
      source: 'monitor',
      rank: index + 1,
    }),
  )
  // Many share a millisecond, so that pages end in the midst of equals.
  const events = Array.from({ length: EVENTS }, (_, index) => ({
    at: at - Math.floor(index / 250) * 1_000,
    cacheId: 'shop',
    address: index % 2 === 0 ? address : null,
    shardOrdinal: 1,
    kind: 'slots-moved' as const,
    message: `Event ${index}`,
  }))
  return {
    at,
    statuses: [],
    samples: [],
    commands: [],
    keyspaces: [],
    hotKeys,
    hotPatterns: [],
    slowlog: [],
    events,
    infos: [],
  }
}

const Page = z.object({
  items: z.array(z.record(z.string(), z.unknown())),
  nextCursor: z.string().nullable(),
})

async function listAll(path: string, limit: number): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = []
  let cursor: string | null = null
  do {
    const separator = path.includes('?') ? '&' : '?'
    const next: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const response = await callApi(`${path}${separator}limit=${limit}${next}`)
    expect(response.status).toBe(200)
    const page = Page.parse(await response.json())
    expect(page.items.length).toBeLessThanOrEqual(limit)
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return items
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const problem = Problem.parse(await response.json())
  expect(problem.status).toBe(response.status)
  return problem
}

describe('answers', () => {
  const paths: [OperationName, () => string | Promise<string>][] = [
    ['listCaches', () => '/api/v1/caches'],
    ['getCache', () => '/api/v1/caches/shop'],
    ['listShards', () => '/api/v1/caches/shop/shards'],
    ['listNodes', () => '/api/v1/nodes?cacheId=shop'],
    ['getNode', async () => `/api/v1/nodes/${await someNodeId()}`],
    ['listSamples', () => '/api/v1/samples?cacheId=shop&range=15m&limit=500'],
    ['listHotKeys', () => '/api/v1/hot-keys?cacheId=shop&limit=500'],
    ['listHotPatterns', () => '/api/v1/hot-patterns?cacheId=shop'],
    ['listEvents', () => '/api/v1/events?cacheId=shop&limit=500'],
  ]

  test('every operation is in this table, or of mitigations: api-mitigations.test.ts and api-applications.test.ts have those', () => {
    const mitigations = Object.keys(MITIGATION_OPERATIONS)
    expect([...paths.map(([name]) => name), ...mitigations].sort()).toEqual(Object.keys(OPERATIONS).sort())
  })

  test.each(paths)('%s is as its schema says, and nothing more', async (name, path) => {
    const response = await callApi(await path())
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const body: unknown = await response.json()
    expect(OPERATIONS[name].answer.parse(body)).toEqual(body)
    if (typeof body === 'object' && body !== null && 'items' in body) expect(body.items).not.toEqual([])
  })

  test('HEAD has the headers and no body', async () => {
    const response = await callApi('/api/v1/caches', { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.text()).toBe('')
  })

  test('the document is served', async () => {
    const response = await callApi('/api/v1/openapi.json')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ openapi: '3.1.0' })
  })

  test('the hottest key comes first, with an interval that holds it', async () => {
    const [top] = await listAll('/api/v1/hot-keys?cacheId=shop', 5)
    expect(top).toMatchObject({ key: 'article:42', keyBase64: btoa('article:42'), db: 0, source: 'monitor' })
  })

  test('a pattern and a node leave what fits', async () => {
    const hot = await listAll('/api/v1/hot-keys?pattern=article:4*', 100)
    expect(hot.map(({ key }) => key)).toEqual(['article:42'])
    const nodeId = hot[0]?.nodeId
    const ofNode = await listAll(`/api/v1/hot-keys?nodeId=${nodeId}`, 100)
    expect(new Set(ofNode.map((row) => row.nodeId))).toEqual(new Set([nodeId]))
  })
})

describe('hot keys in other orders', () => {
  test('by bytes: the greatest product of rate and size first, the unknown last', async () => {
    const rows = await listAll('/api/v1/hot-keys?cacheId=shop&by=bytes', 7)
    const known = rows.map(({ bytesPerSec }) => bytesPerSec).filter((value) => value !== null)
    expect(known.length).toBeGreaterThan(10)
    expect(known.length).toBeLessThan(rows.length)
    expect(rows.slice(0, known.length).map(({ bytesPerSec }) => bytesPerSec)).toEqual(known)
    expect(known).toEqual(known.toSorted((a, b) => Number(b) - Number(a)))
    expect(rows[0]).toMatchObject({ key: 'article:2002', sizeBytes: 102_464, isMissing: false })
  })

  test('missing ones, and those that exist', async () => {
    const gone = await listAll('/api/v1/hot-keys?cacheId=shop&missing=true', 2)
    expect(gone.map(({ key }) => key)).toEqual(['article:2003'])
    expect(gone.every((row) => row.sizeBytes === null && row.probedAt !== null)).toBe(true)
    const there = await listAll('/api/v1/hot-keys?cacheId=shop&missing=false', 500)
    expect(there.every((row) => row.isMissing === false)).toBe(true)
  })

  test('written and read ones', async () => {
    const written = await listAll('/api/v1/hot-keys?cacheId=shop&heat=write-hot', 500)
    expect(written.map(({ topCommand }) => topCommand)).toEqual(['HINCRBY'])
    const read = await listAll('/api/v1/hot-keys?cacheId=shop&heat=read-hot', 500)
    expect(read[0]?.key).toBe('article:42')
  })

  test('of the cache: shares are of its commands, each key once, page by page', async () => {
    const merged = await listAll('/api/v1/hot-keys?cacheId=shop&merge=cache', 7)
    expect(merged).toEqual(await listAll('/api/v1/hot-keys?cacheId=shop&merge=cache', 500))
    const names = merged.map(({ keyBase64 }) => keyBase64)
    expect(new Set(names).size).toBe(names.length)
    const top = merged[0]
    expect(top).toMatchObject({ key: 'article:42', rank: 1, nodeIds: [top?.nodeId] })
    // 64% of one of three nodes, which has the most load.
    expect(top?.share).toBeLessThan(0.6)
    expect(top?.share).toBeGreaterThan(0.3)
  })

  test('patterns over the nodes that are up, other comes last', async () => {
    const rows = await listAll('/api/v1/hot-patterns?cacheId=shop', 2)
    expect(rows.map(({ pattern }) => pattern)).toEqual(['article:*', 'session:*', '{cart:*}:items', null])
    expect(rows.reduce((sum, { share }) => sum + Number(share), 0)).toBeLessThanOrEqual(1)
    expect(rows[0]?.nodeIds).toHaveLength(2)
  })
})

async function someNodeId(): Promise<unknown> {
  return (await listAll('/api/v1/hot-keys?cacheId=shop', 1))[0]?.nodeId
}

describe('bad parameters', () => {
  const refused: [string, string[]][] = [
    ['/api/v1/caches?limit=5', ['limit']],
    ['/api/v1/caches/Shop', ['cacheId']],
    [`/api/v1/caches/${'a'.repeat(64)}`, ['cacheId']],
    ['/api/v1/caches/-shop/shards', ['cacheId']],
    ['/api/v1/caches/shop?range=1h', ['range']],
    ['/api/v1/nodes?cacheId=', ['cacheId']],
    ['/api/v1/nodes?cacheId=shop&cacheId=shop', ['cacheId']],
    ['/api/v1/nodes/0', ['nodeId']],
    ['/api/v1/nodes/one', ['nodeId']],
    ['/api/v1/nodes/1.5', ['nodeId']],
    ['/api/v1/nodes/99999999999', ['nodeId']],
    ['/api/v1/samples?limit=0', ['limit']],
    ['/api/v1/samples?limit=501', ['limit']],
    ['/api/v1/samples?limit=ten', ['limit']],
    ['/api/v1/samples?range=5m', ['range']],
    ['/api/v1/samples?range=1h&from=1700000000000', ['range']],
    ['/api/v1/samples?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', ['from']],
    ['/api/v1/samples?from=yesterday&to=soon', ['from', 'to']],
    ['/api/v1/samples?cursor=not-one', ['cursor']],
    ['/api/v1/hot-keys?cursor=%00', ['cursor']],
    ['/api/v1/hot-keys?db=-1', ['db']],
    ['/api/v1/hot-keys?db=65536', ['db']],
    ['/api/v1/hot-keys?shardId=two&nodeId=0&limit=-1', ['shardId', 'nodeId', 'limit']],
    ['/api/v1/hot-keys?patern=article:*', ['patern']],
    ['/api/v1/hot-keys?by=size&missing=1&heat=cold&merge=node', ['by', 'missing', 'heat', 'merge']],
    ['/api/v1/hot-patterns?cursor=WzFd', ['cursor']],
    ['/api/v1/hot-patterns?db=0', ['db']],
    ['/api/v1/events?cursor=bm90LW9uZQ', ['cursor']],
    ['/api/v1/events?nodeId=1%3BDROP%20TABLE%20event', ['nodeId']],
  ]
  test.each(refused)('%s', async (path, fields) => {
    const response = await callApi(path)
    expect(response.status).toBe(400)
    const problem = await problemOf(response)
    expect(problem.type).toBe('urn:cachescope:problem:invalid-parameters')
    expect(problem.errors?.map(({ field }) => field).sort()).toEqual(fields.toSorted())
  })
})

describe('what is not there', () => {
  test.each([
    '/api/v1/caches/nowhere',
    '/api/v1/caches/nowhere/shards',
    '/api/v1/nodes/2147483647',
    '/api/v1/nodes?cacheId=nowhere',
    '/api/v1/samples?cacheId=nowhere',
    '/api/v1/hot-keys?cacheId=nowhere',
    '/api/v1/hot-keys?cacheId=nowhere&merge=cache',
    '/api/v1/hot-patterns?cacheId=nowhere',
    '/api/v1/events?nodeId=2147483647',
    '/api/v1',
    '/api/v2/caches',
    '/api/v1/caches/shop/keys',
  ])('%s is 404', async (path) => {
    const response = await callApi(path)
    expect(response.status).toBe(404)
    expect((await problemOf(response)).type).toBe('urn:cachescope:problem:not-found')
  })

  test('a filter that leaves nothing of what exists is an empty page', async () => {
    expect(await listAll('/api/v1/hot-keys?cacheId=shop&pattern=no-such-key', 10)).toEqual([])
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('%s is 405', async (method) => {
    for (const path of ['/api/v1/caches', '/api/v1/openapi.json', '/api/live', '/api/nothing']) {
      const response = await callApi(path, { method })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
      await problemOf(response)
    }
  })
})

describe('paging', () => {
  test('through all events: none lost, none twice, the newest first', async () => {
    const events = await listAll('/api/v1/events?cacheId=shop', 97)
    expect(events.length).toBeGreaterThanOrEqual(EVENTS)
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(events.length)
    const messages = new Set(events.map(({ message }) => message))
    for (let index = 0; index < EVENTS; index++) expect(messages).toContain(`Event ${index}`)
    const times = events.map(({ at }) => Date.parse(String(at)))
    expect(times).toEqual(times.toSorted((a, b) => b - a))
  })

  test('through all samples and hot keys', async () => {
    for (const path of ['/api/v1/samples?cacheId=shop&range=15m', '/api/v1/hot-keys?cacheId=shop']) {
      const small = await listAll(path, 7)
      const large = await listAll(path, 500)
      const ids = small.map((item) => JSON.stringify([item.nodeId, item.at, item.keyBase64]))
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids).toEqual(large.map((item) => JSON.stringify([item.nodeId, item.at, item.keyBase64])))
    }
  })
})

describe('hostile keys', () => {
  test.each(HOSTILE_KEYS)('%s comes back exactly', async (_, bytes) => {
    const exact = Buffer.from(bytes).toString('base64')
    const rows = await listAll('/api/v1/hot-keys?cacheId=shop', 500)
    const row = rows.find(({ keyBase64 }) => keyBase64 === exact)
    expect(row).toBeDefined()
    expect(String(row?.key)).not.toMatch(/\p{Cc}/u)
  })
})

describe('when something is wrong', () => {
  test('the database is away: 503, with when to try again and without its password', async () => {
    const away = openStore('postgres://someone:s3cret@127.0.0.1:1/away')
    holder.cachescopeStore = away
    try {
      const response = await callApi('/api/v1/caches')
      expect(response.status).toBe(503)
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      const text = await response.clone().text()
      expect(text).not.toContain('s3cret')
      expect((await problemOf(response)).type).toBe('urn:cachescope:problem:store-unavailable')
    } finally {
      holder.cachescopeStore = store
      await closeStore(away)
    }
  })

  test('an error of ours: 500 without its message or stack', async () => {
    holder.cachescopeStore = { databaseUrl: 'secret-address' } as unknown as Store
    try {
      const response = await callApi('/api/v1/caches')
      expect(response.status).toBe(500)
      const text = await response.clone().text()
      expect(text).not.toMatch(/secret-address|TypeError|undefined|\.ts|node_modules/)
      await problemOf(response)
    } finally {
      holder.cachescopeStore = store
    }
  })
})
