/** The right keys of real traffic on real servers, where others go wrong. */
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../collector/clock.ts'
import { CommandTables } from '../../../collector/command-tables.ts'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { type HotKeyReport, noCost, type ReportedKey } from '../../../collector/hot-keys/source-types.ts'
import { NodeReader } from '../../../collector/node-reader.ts'
import { watch } from '../../support/monitor-detector.ts'
import { type RedisOptions, type RedisProcess, startRedis, until } from '../../support/redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function server(options: RedisOptions = {}): Promise<RedisProcess> {
  const node = await startRedis(options)
  cleanups.push(() => node.stop())
  return node
}

/** The calls over and over, at a steady rate in all. */
async function send(node: RedisProcess, opsPerSec: number, calls: string[][]): Promise<void> {
  let at = 0
  const traffic = await startTraffic(node.port, opsPerSec, () => calls[at++ % calls.length] as string[])
  cleanups.push(() => traffic.stop())
}

async function reportOf(
  node: RedisProcess,
  isReady: (report: HotKeyReport) => boolean,
): Promise<HotKeyReport> {
  // The most that a budget may be: the test is about keys, and so it is short.
  const watching = await watch(node, { budget: 0.1 })
  cleanups.push(() => watching.stop())
  watching.detector.start()
  return until('a report', () => {
    const report = watching.detector.report(Date.now())
    return report !== null && isReady(report) ? report : null
  })
}

const name = ({ key }: ReportedKey) => Buffer.from(key).toString()
const sampled = (commands: number) => (report: HotKeyReport) => (report.sampledCommands ?? 0) >= commands

test('seven equally hot keys and a script: all eight, each with an eighth', async () => {
  const node = await server()
  await node.command('XADD', 'orders', '*', 'item', '1')
  const script = "redis.call('GET', 'undeclared') return redis.call('INCR', KEYS[1])"
  const calls = [
    ['GET', 'user profile 42'],
    ['EXISTS', 'feature:flag'],
    ['DEL', 'job:lock'],
    ['GETDEL', 'one:time:token'],
    ['HINCRBYFLOAT', 'account', 'balance', '0.1'],
    ['XREAD', 'COUNT', '10', 'STREAMS', 'orders', '0'],
    ['SET', 'session:9', 'A-VALUE'],
    ['EVAL', script, '1', 'script counter', 'AN-ARGUMENT'],
  ]
  await send(node, 1_600, calls)
  const report = await reportOf(node, sampled(2_000))
  expect(report.keys.map(name).sort()).toEqual(
    [
      'user profile 42',
      'feature:flag',
      'job:lock',
      'one:time:token',
      'account',
      'orders',
      'session:9',
      'script counter',
    ].sort(),
  )
  for (const key of report.keys) {
    expect(key.shareLow).toBeLessThanOrEqual(1 / 8)
    expect(key.shareHigh).toBeGreaterThanOrEqual(1 / 8)
    // As many as its share is of 1,600 a second, which a busy machine sends and counts in another second than this one.
    const nodeOpsPerSec = (key.opsPerSec ?? 0) / (key.share ?? 1)
    expect(nodeOpsPerSec).toBeGreaterThan(400)
    expect(nodeOpsPerSec).toBeLessThan(6_400)
    expect(key.opsPerSecLow).toBeLessThanOrEqual(nodeOpsPerSec / 8)
    expect(key.opsPerSecHigh).toBeGreaterThanOrEqual(nodeOpsPerSec / 8)
  }
  const byName = new Map(report.keys.map((key) => [name(key), key]))
  expect(byName.get('orders')?.topCommand).toBe('XREAD')
  expect(byName.get('script counter')?.topCommand).toBe('EVAL')
  expect(byName.get('feature:flag')?.writesPerSec).toBe(0)
  expect(byName.get('one:time:token')?.readsPerSec).toBe(0)
})

test('commands that were renamed: their keys, under the names that the commands had', async () => {
  const node = await server({
    settings: { 'rename-command': 'GET secret-get --rename-command XREAD xr --rename-command HSET hs' },
  })
  await send(node, 1_000, [
    ['secret-get', 'a'],
    ['SECRET-GET', 'a'],
    ['xr', 'COUNT', '1', 'STREAMS', 'b', '0'],
    ['hs', 'c', 'field', 'value'],
  ])
  const report = await reportOf(
    node,
    (now) => now.keys.length === 3 && sampled(400)(now) && (now.keys[0]?.share ?? 0) > 0.4,
  )
  const told = report.keys.map((key) => [name(key), key.topCommand, (key.writesPerSec ?? 0) > 0])
  expect(told[0]).toEqual(['a', 'GET', false])
  expect(told.slice(1).sort()).toEqual([
    ['b', 'XREAD', false],
    ['c', 'HSET', true],
  ])
})

test('and in the slow log, which has them under their new names too', async () => {
  const node = await server({
    settings: { 'rename-command': 'MGET mg --rename-command OBJECT o', 'slowlog-log-slower-than': '0' },
  })
  await node.command('mg', 'a', 'b')
  await node.command('o', 'HELP')
  const place = { host: node.host, port: node.port, address: node.address }
  const connection = new NodeConnection(place, { username: null, password: null, tls: null })
  await connection.open()
  cleanups.push(async () => connection.close())
  const ignore = () => {}
  const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
  const reader = new NodeReader(connection, new CommandTables(), systemClock, logger)
  const { slowlog } = await reader.read(false, noCost)
  const told = slowlog.map(({ command, keys }) => [
    command,
    ...keys.map((key) => Buffer.from(key).toString()),
  ])
  expect(told).toContainEqual(['MGET', 'a', 'b'])
  expect(told).toContainEqual(['OBJECT HELP'])
  // Once: what it learnt it keeps.
  await node.command('mg', 'c')
  expect((await reader.read(false, noCost)).slowlog).toContainEqual(
    expect.objectContaining({ command: 'MGET', argumentCount: 2 }),
  )
  expect(connection.sent.get('command|info')).toBe(1)
})

test('functions, transactions and blocking commands: each key once, under the command that named it', async () => {
  const node = await server()
  const library = "redis.register_function('f', function(keys) return redis.call('GET', keys[1]) end)"
  await node.command('FUNCTION', 'LOAD', `#!lua name=lib\n${library}`)
  await send(node, 1_600, [
    ['FCALL', 'f', '1', 'by function'],
    ['FCALL_RO', 'f', '1', 'not allowed to read'],
    ['MULTI'],
    ['INCR', 'in transaction'],
    ['GET', 'in transaction too'],
    ['EXEC'],
    ['RPUSH', 'queue', 'item'],
    ['BLPOP', 'nothing here', 'queue', '1'],
  ])
  const report = await reportOf(node, sampled(1_600))
  const share = (key: string) => report.keys.find((one) => name(one) === key)?.share ?? 0
  for (const key of ['by function', 'in transaction', 'in transaction too', 'nothing here'])
    expect(share(key)).toBeCloseTo(1 / 8, 1)
  expect(share('queue')).toBeCloseTo(2 / 8, 1)
  const command = (key: string) => report.keys.find((one) => name(one) === key)?.topCommand
  expect(command('by function')).toBe('FCALL')
  expect(command('not allowed to read')).toBe('FCALL_RO')
  expect(command('nothing here')).toBe('BLPOP')
})

test('one name in three databases is three keys', async () => {
  const node = await server()
  const inDatabase = (db: string, command: string) => [
    ['SELECT', db],
    [command, 'same'],
  ]
  await send(node, 1_200, [
    ...inDatabase('0', 'GET'),
    ...inDatabase('7', 'TTL'),
    ...inDatabase('15', 'STRLEN'),
  ])
  const report = await reportOf(node, sampled(900))
  expect(report.keys.map(({ db, topCommand }) => [db, topCommand]).sort()).toEqual(
    [
      [0, 'GET'],
      [7, 'TTL'],
      [15, 'STRLEN'],
    ].sort(),
  )
})

test("a replica's own reads only, whatever its primary's writes became on their way, also behind a replica", async () => {
  const primary = await server()
  const replica = await server({ replicaOf: { port: primary.port } })
  const behind = await server({ replicaOf: { port: replica.port } })
  for (const node of [replica, behind]) {
    await until('in step', async () =>
      String(await node.command('INFO', 'replication')).includes('link_status:up'),
    )
  }
  const script = "redis.call('SET', 'inner', '1') return redis.call('INCR', KEYS[1])"
  await send(primary, 1_200, [
    ['SADD', 'popped', 'a', 'b'],
    ['SPOP', 'popped'],
    ['SET', 'expiring', '1', 'PX', '1'],
    ['INCRBYFLOAT', 'float', '0.1'],
    ['GETDEL', 'float'],
    ['EVAL', script, '1', 'scripted'],
    ['MULTI'],
    ['INCR', 'in transaction'],
    ['EXEC'],
    ['GET', 'read on the primary'],
  ])
  for (const node of [replica, behind]) {
    await send(node, 300, [['GET', 'read here']])
    const report = await reportOf(node, sampled(300))
    expect(report.keys.map(name)).toEqual(['read here'])
    expect(report.keys[0]?.share).toBeCloseTo(1, 1)
  }
})

test('what Cachescope itself sends is in no report', async () => {
  const node = await server()
  await send(node, 500, [['GET', 'theirs']])
  const watching = await watch(node, { budget: 0.1 })
  cleanups.push(() => watching.stop())
  // The connection of the node's other readings, as busy as the clients.
  const own = setInterval(() => void watching.client.get('ours').catch(() => {}), 2)
  cleanups.push(async () => clearInterval(own))
  watching.detector.start()
  const report = await until('a report', () => {
    const now = watching.detector.report(Date.now())
    return now !== null && sampled(500)(now) ? now : null
  })
  expect(report.keys.map(name)).toEqual(['theirs'])
  expect(report.keys[0]?.share).toBeCloseTo(1, 1)
})
