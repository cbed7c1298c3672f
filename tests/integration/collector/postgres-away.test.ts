import { afterEach, expect, it } from 'vitest'
import { parseRange } from '../../../core/range.ts'
import { closeStore, openStore } from '../../../store/client.ts'
import { listEvents } from '../../../store/events.ts'
import { listNodes } from '../../../store/nodes.ts'
import { listSamples } from '../../../store/samples.ts'
import { listSlowlog } from '../../../store/slowlog.ts'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { dumpDatabase } from '../../support/database-dump.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { delay, startRedis, until } from '../../support/redis.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function behindProxy() {
  const database = await createTestDatabase()
  ends.push(database.drop)
  const url = new URL(database.url)
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  ends.push(proxy.close)
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  const direct = openStore(database.url)
  ends.push(() => closeStore(direct))
  return { proxy, url: url.href, direct }
}

it('keeps sampling while Postgres is away, and loses no row and no event when it is back', async () => {
  const { proxy, url, direct } = await behindProxy()
  const [primary, replica] = await Promise.all([startRedis(), startRedis()])
  ends.push(primary.stop, replica.stop)
  const watched = await startCollector(
    url,
    `caches:\n${cacheYaml('a', 'standalone', [primary.url])}${cacheYaml('b', 'standalone', [replica.url])}`,
  )
  ends.push(watched.stop)
  const up = async () => (await listNodes(direct, {})).filter((node) => node.latest !== null)
  await until('both are sampled', async () => (await up()).length === 2)
  const from = Date.now()

  proxy.cut()
  const isTold = (event: string) => watched.log.some((line) => line.includes(`"event":"${event}"`))
  await until('it knows', () => watched.collector.health().store === 'away')
  expect(watched.collector.health()).toMatchObject({ status: 'degraded' })
  const awayAt = Date.now()
  await replica.kill('SIGKILL')
  // A node that appears while Postgres is away: its topology must wait in its place before its samples.
  const newcomer = await startRedis({ replicaOf: { port: primary.port } })
  ends.push(newcomer.stop)
  await until('both events wait to be written', () => isTold('node-lost') && isTold('node-added'))
  await delay(Math.max(3_000, awayAt + 12_000 - Date.now()))
  await until('ticks wait', () => Number(watched.collector.health().bufferedTicks) > 4)
  expect(watched.log.join('\n')).toMatch(/kept in memory/)
  expect(await watched.collector.metrics.registry.metrics()).toMatch(/^cachescope_store_up 0$/m)

  const backAt = Date.now()
  proxy.mend()
  await until('all is written', () => {
    const { status, bufferedTicks } = watched.collector.health()
    return status === 'ok' && bufferedTicks === 0
  })
  expect(watched.collector.health()).toMatchObject({ droppedTicks: 0 })

  const samplesOf = async (address: string) => {
    const nodeId = (await listNodes(direct, {})).find((node) => node.address === address)?.nodeId
    const range = { ...parseRange({}, Date.now()), from, to: Date.now() }
    const { items } = await listSamples(direct, { nodeId, range, limit: 200 })
    return items.map((item) => Date.parse(item.at)).sort((a, b) => a - b)
  }
  const times = await until('it is sampled after that', async () => {
    const times = await samplesOf(primary.address)
    return (times.at(-1) ?? 0) > backAt ? times : null
  })
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0))
  // A tick is a second, on a busy machine some; away was Postgres for more than twelve.
  expect(times.length).toBeGreaterThan(8)
  expect(Math.max(...gaps)).toBeLessThan((backAt - awayAt) / 2)
  const ofNewcomer = (await samplesOf(newcomer.address)).filter((at) => at < backAt)
  expect(ofNewcomer.length).toBeGreaterThan(0)
  const { items: events } = await listEvents(direct, { limit: 100 })
  expect(events.map((event) => event.kind).sort()).toEqual(['node-added', 'node-lost'])
})

it('drops the oldest ticks to stay within its bound, and counts them', async () => {
  const { proxy, url } = await behindProxy()
  const node = await startRedis()
  ends.push(node.stop)
  const bound = 6_000
  const watched = await startCollector(url, `caches:\n${cacheYaml('a', 'standalone', [node.url])}`, {
    backlogBytes: bound,
  })
  ends.push(watched.stop)
  await until('it is sampled', async () => (await watched.nodes())[0]?.latest != null)
  proxy.cut()
  await until('ticks are dropped', () => Number(watched.collector.health().droppedTicks) >= 3)
  expect(Number(watched.collector.health().bufferedBytes)).toBeLessThanOrEqual(bound)
  proxy.mend()
  await until('all is written', () => watched.collector.health().bufferedTicks === 0)
})

it('stores the slow log without a value, and logs none', async () => {
  const secret = 'S3CRET-VALUE-7f1c'
  const { url, direct } = await behindProxy()
  const node = await startRedis({ settings: { 'slowlog-log-slower-than': '0' } })
  ends.push(node.stop)
  await node.command('SET', 'session:1', secret)
  const watched = await startCollector(url, `caches:\n${cacheYaml('a', 'standalone', [node.url])}`)
  ends.push(watched.stop)
  const traffic = setInterval(() => {
    void node.command('HSET', 'user:7', 'token', secret).catch(() => {})
    void node
      .command('EVAL', `return redis.call('SET', KEYS[1], '${secret}')`, 1, 'scripted', secret)
      .catch(() => {})
    void node.command('MSET', 'a', secret, 'b', secret).catch(() => {})
    void node.command('CONFIG', 'SET', 'requirepass', '').catch(() => {})
  }, 50)
  try {
    const range = () => ({ ...parseRange({}, Date.now()), to: Date.now() + 60_000 })
    const rows = await until('the slow log is stored', async () => {
      const rows = await listSlowlog(direct, { cacheId: 'a', range: range(), limit: 200 })
      const commands = new Set(rows.map((row) => row.command))
      return ['SET', 'HSET', 'EVAL', 'MSET', 'CONFIG SET'].every((command) => commands.has(command))
        ? rows
        : null
    })
    expect(rows.find((row) => row.command === 'MSET')?.keys.map(({ key }) => key)).toEqual(['a', 'b'])
    expect(rows.find((row) => row.command === 'EVAL')?.keys.map(({ key }) => key)).toEqual(['scripted'])
    await delay(6_000)
  } finally {
    clearInterval(traffic)
  }
  const { text, tables } = await dumpDatabase(direct)
  expect(tables).toBeGreaterThan(10)
  expect(text).toContain('127.0.0.1')
  expect(text).not.toContain(secret)
  expect(text).not.toContain(Buffer.from(secret).toString('hex'))
  expect(watched.log.join('\n')).not.toContain(secret)
})
