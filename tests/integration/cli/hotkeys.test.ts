/** `cachescope hotkeys` as a person runs it, against real servers under load. */

import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import calculateSlot from 'cluster-key-slot'
import { afterEach, expect, test } from 'vitest'
import type { LookJson } from '../../../collector/look/look-json.ts'
import { encodeCommand } from '../../../collector/monitor/resp.ts'
import { runProgram } from '../../support/command.ts'
import { freePort } from '../../support/free-port.ts'
import { startMemcached } from '../../support/memcached.ts'
import { delay, type RedisProcess, startRedis, startRedisCluster, until } from '../../support/redis.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { enableTls } from '../../support/tls-redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const MAIN = new URL('../../../bin/main.ts', import.meta.url).pathname
const cleanUps: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanUps.splice(0).reverse()) await clean()
})

function keep<T extends { stop(): Promise<unknown> }>(thing: T): T {
  cleanUps.push(() => thing.stop())
  return thing
}

const run = (args: string[], env: Record<string, string> = {}) =>
  runProgram([MAIN, 'hotkeys', ...args], { env: { CACHESCOPE_PASSWORD: '', ...env } })

async function runToEnd(args: string[], env: Record<string, string> = {}) {
  const program = run(args, env)
  const { code } = await program.ended
  return { code, output: program.output() }
}

async function look(args: string[], env: Record<string, string> = {}): Promise<LookJson> {
  const { code, output } = await runToEnd([...args, '--json'], env)
  expect(code, output).toBe(0)
  return JSON.parse(output) as LookJson
}

let at = 0
/** Every fifth of the commands is of the hot key, every tenth of one that does not exist. */
const mixed =
  (hot: string, of = '') =>
  () => {
    at++
    if (at % 5 === 0) return ['GET', hot]
    return at % 10 === 1 ? ['GET', `gone\x1b[2J\r\n${of}`] : ['SET', `other:${at % 997}${of}`, 'x']
  }
const monitorsOf = async (command: (...args: string[]) => Promise<unknown>) =>
  String(await command('CLIENT', 'LIST'))
    .split('\n')
    .filter((line) => / flags=\S*O/.test(line))

const sumOfShares = (keys: LookJson['hotKeys']) => keys.reduce((sum, { share }) => sum + (share ?? 0), 0)

/** Until it is in the midst: how long a program takes to start is the machine's affair. */
const bursts = (node: RedisProcess | undefined, count: number) =>
  until(`${count} bursts`, async () => {
    const stats = String(await node?.command('INFO', 'commandstats'))
    return Number(/cmdstat_monitor:calls=(\d+)/.exec(stats)?.[1] ?? 0) >= count
  })

test('a standalone server: shares, rates, what is missing, the bill, and text that moves no cursor', async () => {
  const server = keep(await startRedis())
  await server.command('SET', 'article:42', 'x'.repeat(2_000))
  keep(await startTraffic(server.port, 4_000, mixed('article:42')))
  const { hotKeys, cost, nodes, window } = await look([server.url, '--for', '5s'])
  const [first, second] = hotKeys
  expect(first).toMatchObject({
    key: 'article:42',
    topCommand: 'GET',
    source: 'monitor',
    rank: 1,
    shardId: 1,
  })
  expect(first?.shareLow).toBeLessThan(0.2)
  expect(first?.shareHigh).toBeGreaterThan(0.2)
  expect(first?.opsPerSec).toBeGreaterThan(100)
  expect(first?.sizeBytes).toBeGreaterThan(2_000)
  expect(second).toMatchObject({ key: 'gone\\x1b[2J\\r\\n', isMissing: true })
  expect(nodes).toMatchObject([{ nodeId: first?.nodeId, address: server.address, role: 'primary' }])
  expect(cost.commands).toBeGreaterThan(10)
  expect(cost.windowMs).toBeGreaterThan(10)
  expect(cost.cpuShare).toBeLessThan(0.05)
  expect(Date.parse(window.to) - Date.parse(window.from)).toBeGreaterThan(4_000)

  const missing = await runToEnd([server.url, '--for', '4s', '--missing'])
  expect(missing.output).toContain('gone\\x1b[2J\\r\\n')
  expect(missing.output).not.toContain('article:42')
  expect(missing.output).not.toContain('\x1b')
  const big = await runToEnd([server.url, '--for', '4s', '--by', 'bytes', '--top', '1'])
  expect(big.output).toMatch(/1 {2}article:42 +2\.\d kB/)
  expect(big.output).toMatch(/Cost: \d+ commands, .* by the model/)
  await until('no MONITOR is left', async () => (await monitorsOf(server.command)).length === 0)
})

test('the shortest look is counted from the first burst, and finds a key of a fifth', async () => {
  const server = keep(await startRedis())
  keep(await startTraffic(server.port, 4_000, mixed('article:42')))
  const { hotKeys, nodes, cost } = await look([server.url, '--for', '1s'])
  expect(hotKeys[0]).toMatchObject({ key: 'article:42' })
  expect(nodes[0]).toMatchObject({ wasLookedAt: true })
  expect(nodes[0]?.sampledCommands).toBeGreaterThan(0)
  expect(cost.windowMs).toBeGreaterThan(0)
})

test('flags of which one would be ignored are refused', async () => {
  for (const flags of [
    ['--pattern', '--missing'],
    ['--missing', '--by', 'bytes'],
    ['--pattern', '--by', 'bytes'],
  ]) {
    const { code, output } = await runToEnd(['redis://127.0.0.1:1', ...flags])
    expect(code, output).toBe(2)
    expect(output).toContain('cannot be used with')
  }
})

test('a node that died is not part of what the shares are of', async () => {
  const cluster = keep(
    await startRedisCluster({
      primaries: 3,
      replicasPerPrimary: 0,
      settings: { 'cluster-require-full-coverage': 'no' },
    }),
  )
  const keyOf = (shard: number) => {
    const ofShard = (n: number) => Math.floor((calculateSlot(`hot:${n}`) * 3) / 16_384) === shard
    return `hot:${Array.from({ length: 200 }, (_, index) => index).find(ofShard)}`
  }
  const traffics = []
  for (const [shard, node] of cluster.primaries.entries()) {
    traffics.push(keep(await startTraffic(node.port, 1_500, () => ['GET', keyOf(shard)])))
  }
  const program = run([cluster.urls[0] ?? '', '--for', '9s', '--json'])
  await bursts(cluster.primaries[2], 2)
  await traffics[2]?.stop()
  await cluster.primaries[2]?.kill('SIGKILL')
  expect((await program.ended).code).toBe(0)
  const { hotKeys, nodes } = JSON.parse(program.output()) as LookJson
  const dead = nodes.find(({ address }) => address === cluster.primaries[2]?.address)
  expect(dead).toMatchObject({ opsPerSec: null, state: 'refused' })
  expect(hotKeys.map(({ key }) => key).sort()).toEqual([keyOf(0), keyOf(1)].toSorted())
  // With what the dead one was sent they would be two thirds of it.
  expect(sumOfShares(hotKeys)).toBeGreaterThan(0.9)
  // Alike, as far as a busy machine sends and counts the same to each in a second.
  for (const { share } of hotKeys) {
    expect(share).toBeGreaterThan(1 / 4)
    expect(share).toBeLessThan(3 / 4)
  }
})

test('a cluster from one seed, its shards merged', async () => {
  const cluster = keep(await startRedisCluster({ primaries: 3, replicasPerPrimary: 0 }))
  const hot = cluster.primaries.map((_, shard) => {
    const ofShard = (n: number) => Math.floor((calculateSlot(`hot:${n}`) * 3) / 16_384) === shard
    const n = Array.from({ length: 200 }, (_, index) => index).find(ofShard)
    return `hot:${n}`
  })
  for (const [shard, node] of cluster.primaries.entries()) {
    keep(await startTraffic(node.port, 1_500, () => ['GET', hot[shard] ?? '']))
  }
  const { hotKeys, nodes } = await look([cluster.urls[1] ?? '', cluster.urls[2] ?? '', '--for', '6s'])
  expect(hotKeys.map(({ key }) => key).sort()).toEqual(hot.toSorted())
  expect(new Set(hotKeys.map(({ shardId }) => shardId)).size).toBe(3)
  // Each is all of its own shard: without the merge they would be three times the whole.
  expect(sumOfShares(hotKeys)).toBeGreaterThan(0.9)
  expect(sumOfShares(hotKeys)).toBeLessThan(1.1)
  for (const { share } of hotKeys) {
    expect(share).toBeGreaterThan(1 / 6)
    expect(share).toBeLessThan(1 / 2)
  }
  expect(nodes).toHaveLength(3)
})

test('a Sentinel names the master; two masters have to be chosen from', async () => {
  const server = keep(await startRedis())
  const port = await freePort()
  const file = `${server.directory}/sentinel.conf`
  await writeFile(file, `port ${port}\nbind 127.0.0.1\nsentinel monitor shop 127.0.0.1 ${server.port} 1\n`)
  const { spawn } = await import('node:child_process')
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' })
  cleanUps.push(() => sentinel.kill('SIGKILL'))
  keep(await startTraffic(server.port, 2_000, mixed('article:42')))
  const listens = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.on('connect', () => socket.destroy()).on('error', () => resolve(false))
    })
  await until('the Sentinel listens', listens)

  for (const url of [`sentinel://127.0.0.1:${port}/shop`, `redis://127.0.0.1:${port}`]) {
    const { hotKeys, nodes } = await look([url, '--for', '3s'])
    expect(hotKeys[0]).toMatchObject({ cacheId: 'shop', key: 'article:42' })
    expect(nodes.map(({ address }) => address)).toContain(server.address)
  }
  const wrong = await runToEnd([`sentinel://127.0.0.1:${port}/shp`])
  expect(wrong).toMatchObject({ code: 2, output: expect.stringContaining('It knows: shop.') })
  const other = connect(port, '127.0.0.1')
  other.write(encodeCommand('SENTINEL', 'MONITOR', 'blog', '127.0.0.1', String(server.port), '1'))
  await new Promise((resolve) => other.once('data', resolve))
  other.destroy()
  const two = await runToEnd([`redis://127.0.0.1:${port}`])
  expect(two).toMatchObject({ code: 2, output: expect.stringContaining('watches 2 masters: blog, shop') })
  const none = await runToEnd([`sentinel://${server.address}/shop`])
  expect(none).toMatchObject({ code: 5, output: expect.stringContaining('is no Sentinel') })
})

test('Memcached servers, one of them away', async () => {
  const server = keep(await startMemcached())
  const socket = connect(server.port, '127.0.0.1')
  // The server is killed in the end.
  socket.on('error', () => {})
  socket.resume()
  const timer = setInterval(() => {
    socket.write(`get article:42\r\nget article:42\r\nget gone:7\r\nset k${at++ % 300} 0 0 1\r\nx\r\n`)
  }, 2)
  cleanUps.push(() => {
    clearInterval(timer)
    socket.destroy()
  })
  await server.send('set article:42 0 0 5\r\nhello\r\n')
  const gone = await freePort()
  const { hotKeys, nodes } = await look([`memcached://${server.address},127.0.0.1:${gone}`, '--for', '5s'])
  expect(hotKeys[0]).toMatchObject({
    key: 'article:42',
    source: 'watch',
    isMissing: false,
    sizeBytes: 5,
    shardId: 1,
  })
  expect(hotKeys.find(({ key }) => key === 'gone:7')).toMatchObject({ isMissing: true })
  expect(nodes[1]?.message).toContain('Nothing listens')
  const args = [`memcached://${server.address},127.0.0.1:${gone}`, '--for', '2s']
  expect((await runToEnd(args)).output).toMatch(
    /watch open [\d,]+ ms; \d.*% of the busiest node's CPU by the model\.\n$/,
  )
  const dying = run([...args.slice(0, 1), '--for', '5s', '--json'])
  await until('it watches', async () => {
    const stats = await server.send('stats\r\n', /END\r\n$/)
    return Number(/log_watchers (\d+)/.exec(stats)?.[1]) > 0
  })
  await delay(1_000)
  await server.kill('SIGKILL')
  await dying.ended
  const after = (JSON.parse(dying.output()) as LookJson).nodes[0]
  expect(after).toMatchObject({ opsPerSec: null, state: 'unreachable' })
  const alone = await runToEnd([`memcached://127.0.0.1:${gone}`])
  expect(alone).toMatchObject({ code: 5, output: expect.stringContaining('Nothing listens') })
})

test('an idle server: nothing is hot, and that is said', async () => {
  const server = keep(await startRedis())
  const proxy = await startTcpProxy(server)
  cleanUps.push(() => proxy.close())
  const program = run([`redis://127.0.0.1:${proxy.port}`, '--for', '1m'])
  // Each burst is a connection: counted on the way, for to ask an idle server is to load it.
  await until('some bursts', () => proxy.connections() > 5)
  program.child.kill('SIGINT')
  expect((await program.ended).code).toBe(0)
  expect(program.output()).toContain('Nothing is hot')
  expect(program.output()).not.toMatch(/^ *1 {2}/m)
})

test('a user without MONITOR: the reasons, and exit code 5', async () => {
  const server = keep(await startRedis())
  await server.command('ACL', 'SETUSER', 'poor', 'on', '>pw', '+info', '+ping', '+command')
  const url = `redis://poor@${server.address}`
  const { code, output } = await runToEnd([url, '--for', '3s'], { CACHESCOPE_PASSWORD: 'pw' })
  expect(code).toBe(5)
  expect(output).toContain('ACL SETUSER poor +monitor lifts this')
  expect(output).not.toContain('pw')
})

test('a node that refuses MONITOR is read by the next source, and the reason is printed', async () => {
  const server = keep(
    await startRedis({ settings: { maxmemory: '200mb', 'maxmemory-policy': 'allkeys-lfu' } }),
  )
  const rights = ['+info', '+ping', '+command', '+scan', '+object|freq', '~*']
  await server.command('ACL', 'SETUSER', 'lfu', 'on', '>pw', ...rights)
  await server.command('SET', 'article:42', 'x')
  keep(await startTraffic(server.port, 3_000, mixed('article:42')))
  const url = `redis://lfu@${server.address}`
  const { code, output } = await runToEnd([url, '--for', '12s'], { CACHESCOPE_PASSWORD: 'pw' })
  expect(code, output).toBe(0)
  expect(output).toMatch(/1 {2}article:42 +LFU \d+/)
  expect(output).toContain('read by lfu, as monitor is not used: User lfu may not use MONITOR')
})

test('Ctrl-C ends early with the final table; kill -9 leaves no MONITOR', async () => {
  const server = keep(await startRedis())
  keep(await startTraffic(server.port, 3_000, mixed('article:42')))
  const program = run([server.url, '--for', '1m'])
  await bursts(server, 3)
  program.child.kill('SIGINT')
  expect(await program.ended).toEqual({ code: 0, signal: null })
  expect(program.output()).toContain('article:42')
  await until('no MONITOR is left', async () => (await monitorsOf(server.command)).length === 0)

  const killed = run([server.url, '--for', '1m'])
  await until('it is in MONITOR', async () => (await monitorsOf(server.command)).length > 0)
  killed.child.kill('SIGKILL')
  await killed.ended
  await until('MONITOR has ended', async () => (await monitorsOf(server.command)).length === 0)
})

test('a server that dies in the middle is told, with what was seen before', async () => {
  const server = keep(await startRedis())
  const traffic = keep(await startTraffic(server.port, 3_000, mixed('article:42')))
  const program = run([server.url, '--for', '10s'])
  await bursts(server, 2)
  await traffic.stop()
  await server.kill('SIGKILL')
  expect((await program.ended).code).toBe(0)
  expect(program.output()).toContain('article:42')
  expect(program.output()).toContain('Nothing listens')
})

test('TLS with its authority, without it, and the wrong way round', async () => {
  const server = keep(await startRedis())
  const { port } = await enableTls(server)
  const ca = `${server.directory}/cert.pem`
  keep(await startTraffic(server.port, 2_000, mixed('article:42')))
  const url = `rediss://127.0.0.1:${port}`
  expect((await look([url, '--ca', ca, '--for', '3s'])).hotKeys[0]?.key).toBe('article:42')
  expect((await look([url, '--insecure', '--for', '3s'])).hotKeys[0]?.key).toBe('article:42')
  expect(await runToEnd([url])).toMatchObject({ code: 5, output: expect.stringContaining('--ca') })
  const plain = await runToEnd([`redis://127.0.0.1:${port}`])
  expect(plain).toMatchObject({ code: 5, output: expect.stringContaining('wants TLS') })
  const swapped = await runToEnd([`rediss://${server.address}`])
  expect(swapped).toMatchObject({ code: 5, output: expect.stringContaining('without TLS') })
  const noFile = await runToEnd([url, '--ca', '/no/such/file'])
  expect(noFile).toMatchObject({ code: 2, output: expect.stringContaining('does not exist') })
})

test('what cannot be reached is one sentence, without a stack or a password', async () => {
  const server = keep(await startRedis({ password: 'right' }))
  const web = createServer((_, answer) => answer.end('no'))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => web.close())
  await server.command('ACL', 'SETUSER', 'reader', 'on', '>rpw', '+get', '~app:*')
  const { port } = web.address() as AddressInfo
  const cases: [string[], Record<string, string>, string, number][] = [
    [[server.url], {}, 'wants a password', 5],
    [[server.url], { CACHESCOPE_PASSWORD: 'wr0ng' }, 'refuses the password', 5],
    [[`redis://nobody:wr0ng@${server.address}`], {}, 'refuses the user of the URL', 5],
    [[`redis://reader:rpw@${server.address}`], {}, 'ACL SETUSER reader +info +ping', 5],
    [[`redis://127.0.0.1:${await freePort()}`], {}, 'Nothing listens', 5],
    [[`redis://127.0.0.1:${port}`], {}, 'A web server answers', 5],
    [[`memcached://127.0.0.1:${port}`], {}, 'not a Memcached', 5],
    [['redis://no-such-host.invalid'], {}, 'has no address', 5],
    [[`memcached://${server.address}`], {}, 'Write redis:// instead', 5],
    [['redis://u:s3cret@ho st'], {}, 'has no valid host', 2],
    [[server.url, '--password-stdin'], {}, '--password-stdin', 2],
  ]
  for (const [args, env, sentence, exitCode] of cases) {
    const program = run(args, env)
    program.child.stdin?.end()
    const { code } = await program.ended
    const output = program.output()
    expect(output).toContain(sentence)
    expect(code, output).toBe(exitCode)
    expect(output).not.toMatch(/wr0ng|s3cret|rpw| at .*\.ts/)
    expect(output.trim().split('\n')).toHaveLength(1)
  }
}, 400_000)
