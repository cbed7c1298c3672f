/** What actions on a client, a user and writers come to, with the figures of real servers: a verdict each. */
import { Redis, type RedisOptions } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Proof } from '../../../core/mitigations/measures.ts'
import type { MitigationRequest, ServerAction } from '../../../core/mitigations/model.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { create, detailOf, requestOf } from '../../support/mitigation-world.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'

const EVERY_MS = 10
const CACHES = ['goes', 'returns', 'user', 'writes'] as const
type CacheName = (typeof CACHES)[number]

const servers = {} as Record<CacheName, RedisProcess>
const clients: Redis[] = []
const timers: NodeJS.Timeout[] = []
let database: TestDatabase
let watched: TestCollector

beforeAll(async () => {
  database = await createTestDatabase()
  await Promise.all(
    CACHES.map(async (name) => {
      // The newest one counts the commands of each client, the installed one does not.
      const engine = name === 'goes' || name === 'returns' ? 'redis' : 'installed'
      servers[name] = await startRedis({ engine })
    }),
  )
  const more = ['mitigations: { enabled: true, proofWindow: 10s }', 'hotKeys: { enabled: false }']
  const yaml = CACHES.map((name) => cacheYaml(name, 'standalone', [servers[name].url], more)).join('')
  watched = await startCollector(database.url, `caches:\n${yaml}`)
})
afterAll(async () => {
  for (const timer of timers) clearInterval(timer)
  for (const client of clients) client.disconnect()
  await watched?.stop()
  await Promise.all(CACHES.map((name) => servers[name]?.stop()))
  await database?.drop()
})

async function startClient(name: CacheName, more: RedisOptions, command: string[]): Promise<Redis> {
  const client = new Redis({
    ...{ port: servers[name].port, host: '127.0.0.1', lazyConnect: true, connectionName: 'shop' },
    ...{ enableOfflineQueue: false, maxRetriesPerRequest: 0 },
    ...more,
  })
  client.on('error', () => {})
  clients.push(client)
  await client.connect()
  const [first = 'PING', ...rest] = command
  timers.push(setInterval(() => void client.call(first, ...rest).catch(() => {}), EVERY_MS))
  return client
}

async function prove(
  cacheId: CacheName,
  action: ServerAction,
  target: MitigationRequest['target'],
  parameters: Record<string, unknown>,
  onDone: () => unknown = () => {},
): Promise<Proof> {
  const request = requestOf(action, '', { target, parameters })
  const id = await create(watched.store, { ...request, cacheId })
  let isDone = false
  return await until(
    `${action} of ${cacheId} has a verdict`,
    async () => {
      const { proof, message, outcome } = await detailOf(watched.store, id)
      if (!isDone && message?.startsWith('Done;')) onDone()
      isDone ||= message?.startsWith('Done;') === true
      if (proof?.verdict) return proof
      throw new Error(`${outcome}: ${message}`)
    },
    240_000,
  )
}

it('tells whether a client came back, a user was refused, and writers waited, with numbers', async () => {
  await servers.user.command('ACL', 'SETUSER', 'greedy', 'on', '>secret', '~*', '+@all')
  const once = { retryStrategy: () => null }
  const again = { retryStrategy: () => 50 }
  const [leaving, returning] = await Promise.all([
    startClient('goes', once, ['SET', 'k', 'v']),
    startClient('returns', again, ['SET', 'k', 'v']),
    startClient('user', { ...again, username: 'greedy', password: 'secret' }, ['GET', 'k']),
    startClient('writes', again, ['INCR', 'k']),
  ])
  const ids = await Promise.all([leaving, returning].map((client) => client.client('ID')))
  const nodes = await until('all are watched and busy', async () => {
    const found = await Promise.all(CACHES.map((name) => watched.node(servers[name].address)))
    return found.every((node) => (node?.latest?.opsPerSec ?? 0) > 1) ? found : null
  })
  const nodeOf = (name: CacheName) =>
    ({ kind: 'node', nodeId: nodes[CACHES.indexOf(name)]?.nodeId ?? 0 }) as const

  const [gone, back, denied, paused] = await Promise.all([
    prove('goes', 'kill-client', nodeOf('goes'), { clientId: ids[0] }),
    prove('returns', 'kill-client', nodeOf('returns'), { clientId: ids[1] }),
    prove('user', 'deny-user', { kind: 'cache' }, { username: 'greedy' }),
    // Much more is written afterwards: how fast this machine is then decides nothing.
    prove('writes', 'pause-writes', nodeOf('writes'), { pauseSeconds: 10 }, () =>
      Promise.all(Array.from({ length: 8 }, () => startClient('writes', again, ['INCR', 'k']))),
    ),
  ])

  expect(gone).toMatchObject({ verdict: 'worked', because: expect.stringMatching(/is gone, and none with/) })
  expect(gone.before?.observed?.client?.opsPerSec).toBeGreaterThan(1)
  expect(gone.after[0]?.observed?.client).toMatchObject({ isConnected: false, newer: 0 })

  expect(back).toMatchObject({ verdict: 'no-effect', because: expect.stringMatching(/It came back/) })
  expect(back.after[0]?.observed?.client).toMatchObject({ isConnected: false, newer: 1 })

  expect(denied).toMatchObject({ verdict: 'worked', because: expect.stringMatching(/no connection/) })
  expect(denied.before?.observed?.user).toMatchObject({ connections: 1, opsPerSec: null, refusals: 0 })
  expect(denied.after[0]?.observed?.user?.connections).toBe(0)
  expect(denied.after[0]?.observed?.user?.refusals).toBeGreaterThan(1)

  expect(paused).toMatchObject({ verdict: 'worked', because: expect.stringMatching(/Writes were held back/) })
  expect(paused.before?.observed?.writes?.changesPerSec).toBeGreaterThan(0)
  expect(paused.after[0]?.observed?.writes?.held).toMatchObject({ changesPerSec: 0, blockedClients: 1 })
}, 400_000)
