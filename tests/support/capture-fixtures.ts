/** Captures replies of a real server into tests/fixtures/redis-<version>/: `node tests/support/capture-fixtures.ts`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { startRedis, startRedisCluster, until } from './redis.ts'

const plain = await startRedis({ settings: { 'slowlog-log-slower-than': '0', maxmemory: '100mb' } })
const replica = await startRedis({ replicaOf: { port: plain.port } })
const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary: 1 })
const client = new Redis({ port: plain.port, protocol: 2 })
try {
  const version = /redis_version:(\S+)/.exec(await client.info())?.[1]
  const directory = new URL(`../fixtures/redis-${version}/`, import.meta.url)
  await mkdir(directory, { recursive: true })
  // Where this machine keeps its server is nobody's business.
  const save = (name: string, content: string) =>
    writeFile(
      new URL(name, directory),
      content.replace(/^executable:.*\/redis-server/m, 'executable:/usr/bin/redis-server'),
    )

  await until('in step', async () => String(await replica.command('INFO')).includes('master_link_status:up'))
  await client.set('article:42', 'VALUE-IS-SECRET', 'EX', 600)
  await client.mset('a', 'VALUE-IS-SECRET', 'b c', 'VALUE-IS-SECRET')
  await client.select(3)
  await client.set(Buffer.from([0xff, 0x00, 0x41]), 'VALUE-IS-SECRET')
  await client.eval('return 1', 2, 'k1', 'k2', 'VALUE-IS-SECRET')
  await client.set(`long:${'x'.repeat(200)}`, `${'VALUE-IS-SECRET'.repeat(20)}`)
  await client.sadd('set', ...Array.from({ length: 60 }, () => 'VALUE-IS-SECRET'))
  await client.call('XADD', 'stream', '*', 'field', 'VALUE-IS-SECRET')
  await client.call('CONFIG', 'SET', 'maxmemory', '100mb')
  await client.call('CLIENT', 'SETNAME', 'VALUE-IS-SECRET')
  const slowlog = await client.callBuffer('SLOWLOG', 'GET', 128)
  await save('slowlog.json', json(slowlog))
  const names = [
    'get',
    'set',
    'mset',
    'eval',
    'sadd',
    'xadd',
    'select',
    'config',
    'client',
    'slowlog',
    'info',
  ]
  await save('command-info.json', json(await client.callBuffer('COMMAND', 'INFO', ...names)))
  await save('info-primary.txt', String(await plain.command('INFO', 'everything')))
  await save('info-replica.txt', String(await replica.command('INFO', 'everything')))
  const [first] = cluster.primaries
  await save('info-cluster.txt', String(await first?.command('INFO', 'everything')))
  await save('cluster-info.txt', String(await first?.command('CLUSTER', 'INFO')))
  await save('cluster-nodes.txt', String(await first?.command('CLUSTER', 'NODES')))
  await save('cluster-shards.json', json(await first?.command('CLUSTER', 'SHARDS')))
  await first?.kill('SIGKILL')
  const [second] = cluster.primaries.slice(1)
  await until('failover', async () =>
    /master - \d+ \d+ \d+ connected 0-5460/.test(String(await second?.command('CLUSTER', 'NODES'))),
  )
  await save('cluster-shards-failed-over.json', json(await second?.command('CLUSTER', 'SHARDS')))
  await save('cluster-nodes-failed-over.txt', String(await second?.command('CLUSTER', 'NODES')))
} finally {
  client.disconnect()
  await Promise.all([plain.stop(), replica.stop(), cluster.stop()])
}

/** Bytes as latin1 text. */
function json(reply: unknown): string {
  const texts = (value: unknown): unknown =>
    Buffer.isBuffer(value) ? value.toString('latin1') : Array.isArray(value) ? value.map(texts) : value
  return `${JSON.stringify(texts(reply), null, 1)}\n`
}
