/** Every way in which a node can be out of reach is shown as exactly that, and costs the others nothing. */
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Node } from '../../../core/model.ts'
import { parseRange } from '../../../core/range.ts'
import { listSlowlog } from '../../../store/slowlog.ts'
import { cacheYaml, startCollector, type TestCollector } from '../../support/collector.ts'
import { freePort } from '../../support/free-port.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type RedisProcess, startRedis, startRedisCluster, until } from '../../support/redis.ts'
import { enableTls } from '../../support/tls-redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const PASSWORD = 'correct-horse'
const ends: (() => unknown)[] = []
let database: TestDatabase
let watched: TestCollector
let busy: RedisProcess
let nodes: Record<string, { url: string; yaml?: string[] }>

async function listening(server: Server): Promise<string> {
  ends.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function redis(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisProcess> {
  const node = await startRedis(options)
  ends.push(node.stop)
  return node
}

async function tlsRedis(): Promise<{ port: number; ca: Buffer }> {
  return enableTls(await redis())
}

/** One that reads its data for minutes: a millisecond a key. */
async function loadingRedis(): Promise<RedisProcess> {
  const node = await redis()
  await node.command('DEBUG', 'POPULATE', 50_000)
  await node.command('SAVE')
  await node.restart({ 'key-load-delay': '3000', 'loading-process-events-interval-bytes': '1024' })
  return node
}

beforeAll(async () => {
  database = await createTestDatabase()
  const [plain, guarded, stopped, tls, loading, holdable, cluster] = await Promise.all([
    redis(),
    redis({ password: PASSWORD }),
    redis(),
    tlsRedis(),
    loadingRedis(),
    redis({ settings: { 'busy-reply-threshold': '50' } }),
    redis({ cluster: true }),
  ])
  // A server belongs to one cache.
  const [guardedFromAll, guardedFromOne, wantsTls, lacksTls, lone] = await Promise.all([
    redis({ password: PASSWORD }),
    redis({ password: PASSWORD }),
    tlsRedis(),
    redis(),
    redis(),
  ])
  busy = holdable
  await stopped.kill('SIGSTOP')
  const web = await listening(createHttpServer((_, response) => response.end('hello')))
  const memcached = await listening(
    createServer((socket) => socket.on('data', () => socket.write('ERROR\r\n')).on('error', () => {})),
  )
  const silent = await listening(createServer((socket) => socket.on('error', () => {})))
  nodes = {
    up: { url: plain.url },
    'up-with-password': { url: guarded.url, yaml: [`password: ${PASSWORD}`] },
    'up-with-tls': { url: `rediss://127.0.0.1:${tls.port}` },
    refused: { url: `redis://127.0.0.1:${await freePort()}` },
    unresolved: { url: 'redis://no-such-host.invalid:6379' },
    'timeout-stopped': { url: stopped.url },
    'timeout-silent': { url: silent },
    'auth-required': { url: guardedFromAll.url },
    'auth-failed': { url: guardedFromOne.url, yaml: ['password: wrong-battery'] },
    loading: { url: loading.url },
    busy: { url: busy.url },
    'not-redis-web': { url: web },
    'not-redis-memcached': { url: memcached },
    'tls-mismatch-server-wants': { url: `redis://127.0.0.1:${wantsTls.port}` },
    'tls-mismatch-server-lacks': { url: lacksTls.url.replace('redis:', 'rediss:') },
    'cluster-as-standalone-is-fine': { url: cluster.url },
  }
  const yaml = Object.entries(nodes).map(([name, { url, yaml }]) =>
    cacheYaml(name, 'standalone', [url], yaml),
  )
  const mistaken = cacheYaml('standalone-as-cluster', 'cluster', [lone.url])
  watched = await startCollector(database.url, `caches:\n${yaml.join('')}${mistaken}`, {
    tls: new Map([
      ['up-with-tls', { ca: tls.ca }],
      ['tls-mismatch-server-lacks', {}],
    ]),
  })
})

afterAll(async () => {
  await watched?.stop()
  for (const end of ends.reverse()) await end()
  await database?.drop()
})

const nodeOf = async (cacheId: string): Promise<Node | undefined> =>
  (await watched.nodes()).find((node) => node.cacheId === cacheId)

describe('a node', () => {
  it.each<[string, Node['state'], RegExp]>([
    ['refused', 'refused', /Nothing listens at/],
    ['unresolved', 'unresolved', /has no address/],
    ['timeout-stopped', 'timeout', /does not answer/],
    ['timeout-silent', 'timeout', /does not answer/],
    ['auth-required', 'auth-required', /wants a password/],
    ['auth-failed', 'auth-failed', /refuses the user or password/],
    ['loading', 'loading', /reading its data from disk/],
    ['not-redis-web', 'not-redis', /web server/],
    ['not-redis-memcached', 'not-redis', /memcached/],
    ['tls-mismatch-server-wants', 'tls-mismatch', /rediss:\/\//],
    ['tls-mismatch-server-lacks', 'tls-mismatch', /without TLS/],
    ['standalone-as-cluster', 'error', /kind: standalone/],
  ])('%s is shown as %s', async (cacheId, state, message) => {
    await until(`${cacheId} is ${state}, and says why`, async () => {
      const node = await nodeOf(cacheId)
      return node?.state === state && message.test(node.stateMessage ?? '')
    })
  })

  it.each(['up', 'up-with-password', 'up-with-tls', 'cluster-as-standalone-is-fine'])(
    '%s is sampled',
    async (cacheId) => {
      const node = await until(`${cacheId} is up`, async () => {
        const node = await nodeOf(cacheId)
        return node?.state === 'up' && node.latest?.opsPerSec != null ? node : null
      })
      expect(node).toMatchObject({ state: 'up', stateMessage: null, role: 'primary' })
    },
  )

  it('held by a script is shown as busy, and as up again when it is killed', async () => {
    const holder = busy.command('EVAL', 'while true do end', 0).catch(() => {})
    await until('it is busy', async () => /A script holds/.test((await nodeOf('busy'))?.stateMessage ?? ''))
    await busy.command('SCRIPT', 'KILL')
    await holder
    await until('it is up', async () => (await nodeOf('busy'))?.state === 'up')
  })

  it('has no password in any log line', () => {
    const lines = watched.log.join('\n')
    expect(lines).not.toContain(PASSWORD)
    expect(lines).not.toContain('wrong-battery')
  })
})

describe('the minimal rights of docs/permissions.md', () => {
  it('are enough for everything, and each missing one costs only what it is for', async () => {
    const docs = readFileSync(new URL('../../../docs/permissions.md', import.meta.url), 'utf8')
    const line = /^ACL SETUSER cachescope .*$/m.exec(docs)?.[0]
    if (!line) throw new Error('docs/permissions.md has no ACL line')
    const [cluster, database] = await Promise.all([
      startRedisCluster({
        primaries: 1,
        replicasPerPrimary: 1,
        settings: { 'slowlog-log-slower-than': '0' },
      }),
      createTestDatabase(),
    ])
    ends.push(cluster.stop, database.drop)
    for (const node of cluster.nodes) await node.command(...line.replace('PASSWORD', PASSWORD).split(' '))
    const yaml = cacheYaml(
      'shop',
      'cluster',
      [cluster.urls[0] ?? ''],
      ['username: cachescope', `password: ${PASSWORD}`],
    )
    const watched = await startCollector(database.url, `caches:\n${yaml}`)
    const stop = watched.stop
    try {
      const primary = cluster.primaries[0]
      if (!primary) throw new Error('no primary')
      const traffic = await startTraffic(primary.port, 200, () => ['GET', 'article:42'])
      ends.push(traffic.stop)
      await until('both are up', async () => {
        const nodes = await watched.nodes()
        return nodes.length === 2 && nodes.every((node) => node.latest?.pingMs != null)
      })
      await until(
        'hot keys are read',
        async () => (await watched.node(primary.address))?.hotKeysRefusal === null,
      )
      const range = () => ({ ...parseRange({}, Date.now()), to: Date.now() + 60_000 })
      await until('the slow log is read', async () =>
        (await listSlowlog(watched.store, { cacheId: 'shop', range: range(), limit: 50 })).some(
          (row) => row.command === 'GET',
        ),
      )
      for (const node of cluster.nodes) expect(await node.command('ACL', 'LOG')).toEqual([])

      await primary.command('ACL', 'SETUSER', 'cachescope', '-slowlog|get', '-ping', '-monitor')
      await until('hot keys are refused', async () => {
        const node = await watched.node(primary.address)
        return (
          node?.state === 'up' && node.latest?.pingMs === null && /monitor/i.test(node.hotKeysRefusal ?? '')
        )
      })
      await primary.command('ACL', 'SETUSER', 'cachescope', '-info')
      await until('without INFO it is denied', async () => {
        const node = await watched.node(primary.address)
        return node?.state === 'denied' && /docs\/permissions\.md/.test(node.stateMessage ?? '')
      })
    } finally {
      await stop()
    }
  })
})
