/** `cachescope doctor` against real servers: what it says, what it sends, and that its ACL line holds what it promises. */
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { DoctorReport } from '../../../collector/look/doctor/report.ts'
import { runProgram } from '../../support/command.ts'
import { startMemcached } from '../../support/memcached.ts'
import { startRedis, startRedisCluster } from '../../support/redis.ts'

const MAIN = new URL('../../../bin/main.ts', import.meta.url).pathname
const cleanUps: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanUps.splice(0).reverse()) await clean()
})

function keep<T extends { stop(): Promise<unknown> }>(thing: T): T {
  cleanUps.push(() => thing.stop())
  return thing
}

async function doctor(args: string[], password = ''): Promise<{ code: number | null; output: string }> {
  const program = runProgram([MAIN, 'doctor', ...args], { env: { CACHESCOPE_PASSWORD: password } })
  const { code } = await program.ended
  return { code, output: program.output() }
}

const report = async (args: string[], password = '') =>
  JSON.parse((await doctor([...args, '--json'], password)).output) as DoctorReport

const stateOf = ({ nodes }: DoctorReport, name: string, node = 0) =>
  nodes[node]?.checks.find((check) => check.name === name)?.state

test('of a server where everything is permitted, all is well; somebody else in MONITOR is told', async () => {
  const server = keep(await startRedis())
  const before = await server.command('INFO', 'commandstats')
  expect(String(before)).not.toContain('cmdstat_monitor')
  const { code, output } = await doctor([server.url])
  expect(code, output).toBe(0)
  expect(output).toContain('by MONITOR, within 1% of the node')
  expect(output).toContain('ACL SETUSER cachescope on >PASSWORD')
  expect(String(await server.command('INFO', 'commandstats'))).not.toContain('cmdstat_monitor')
  const stats = String(await server.command('INFO', 'stats'))
  expect(stats).toContain('keyspace_hits:0\r')
  expect(stats).toContain('keyspace_misses:0\r')

  const other = connect(server.port, '127.0.0.1')
  cleanUps.push(() => other.destroy())
  other.write('MONITOR\r\n')
  await new Promise((resolve) => other.once('data', resolve))
  other.resume()
  expect(stateOf(await report([server.url]), 'other MONITORs')).toBe('degraded')
})

test('the ACL line lifts what is refused, and gives no key away', async () => {
  const server = keep(await startRedis())
  await server.command('SET', 'secret', 'x')
  await server.command('ACL', 'SETUSER', 'poor', 'on', '>pw', '+info', '+ping')
  const url = `redis://poor@${server.address}`
  const before = await doctor([url], 'pw')
  expect(before.code).toBe(5)
  expect(before.output).toMatch(/refused +hot keys/)
  const { acl } = await report([url], 'pw')
  for (const line of [acl[0]?.refused, acl[0]?.unknown]) {
    await server.command(...(line ?? '').split(' '))
  }
  await server.command('ACL', 'SETUSER', 'poor', '+acl|dryrun')
  const after = await report([url], 'pw')
  expect(after.acl[0]?.refused).toBeNull()
  for (const name of ['hot keys', 'slow log', 'output limit', 'missing, big keys', 'other MONITORs']) {
    expect(stateOf(after, name), name).toBe('ok')
  }
  for (const words of [
    ['GET', 'secret'],
    ['SET', 'secret', 'y'],
    ['DUMP', 'secret'],
  ]) {
    expect(await server.command('ACL', 'DRYRUN', 'poor', ...words)).not.toBe('OK')
  }
})

test('of two caches each user has its own line, and a user that lacks nothing has none', async () => {
  const rich = keep(await startRedis({ password: 'sek' }))
  const other = keep(await startRedis())
  await other.command('ACL', 'SETUSER', 'poor', 'on', '>poor', '+info', '+ping', '+command', '+acl|dryrun')
  const urls = [`redis://:sek@${rich.address}`, `redis://poor:poor@${other.address}`]
  const { acl } = await report(urls)
  expect(acl.map(({ cacheId, user }) => [cacheId, user])).toEqual([
    [rich.address, 'default'],
    [other.address, 'poor'],
  ])
  expect(acl[0]?.refused).toBeNull()
  expect(acl[1]?.refused).toMatch(/^ACL SETUSER poor .*\+monitor/)
  const { output } = await doctor(urls)
  expect(output).toContain(`to poor, in redis-cli as an administrator, on ${other.address}:`)
  expect(output).not.toContain('ACL SETUSER default')
  await other.command(...(acl[1]?.refused ?? '').split(' '))
  expect((await report(urls)).acl[1]?.refused).toBeNull()
})

test('the whole line makes a user that may do all that is asked', async () => {
  const server = keep(await startRedis())
  const { acl } = await report([server.url])
  await server.command(...(acl[0]?.whole ?? '').replace('PASSWORD', 'pw').split(' '), '+acl|dryrun')
  const own = await report([`redis://cachescope@${server.address}`], 'pw')
  expect(own.acl).toMatchObject([{ user: 'cachescope', refused: null, unknown: null }])
  expect(own.nodes[0]?.checks.filter(({ state }) => state !== 'ok')).toEqual([])
})

test('a cluster: every node is examined, those alike are told once', async () => {
  const cluster = keep(await startRedisCluster({ primaries: 3, replicasPerPrimary: 1 }))
  const { code, output } = await doctor([cluster.urls[0] ?? ''])
  expect(code, output).toBe(0)
  for (const node of cluster.nodes) expect(output).toContain(node.address)
  expect(output.match(/sign-in/g)).toHaveLength(1)
  expect(output).toContain('all shards are found from any node')
})

test('a server at its memory limit is not to be monitored', async () => {
  const server = keep(await startRedis({ settings: { maxmemory: '1100kb' } }))
  const { code, output } = await doctor([server.url])
  expect(code).toBe(5)
  expect(output).toMatch(/refused +hot keys +Only \d+% of maxmemory is free/)
})

test('a Memcached: watch, and its log buffers', async () => {
  const plain = keep(await startMemcached())
  const small = await report([`memcached://${plain.address}`])
  expect(stateOf(small, 'hot keys')).toBe('ok')
  expect(stateOf(small, 'log buffers')).toBe('degraded')
  const large = keep(await startMemcached(['-o', 'watcher_logbuf_size=8192,worker_logbuf_size=4096']))
  expect(stateOf(await report([`memcached://${large.address}`]), 'log buffers')).toBe('ok')
  const off = keep(await startMemcached(['-W']))
  const { code, output } = await doctor([`memcached://${off.address}`])
  expect(code).toBe(5)
  expect(output).toContain('start it without -W')
})
