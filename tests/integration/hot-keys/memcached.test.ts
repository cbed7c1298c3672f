/** Hot keys of a real memcached under load, and of what is no memcached at all. */
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createMemcachedSource } from '../../../collector/memcached/memcached-source.ts'
import { freePort } from '../../support/free-port.ts'
import { type MemcachedProcess, startMemcached } from '../../support/memcached.ts'
import { delay, startRedis, until } from '../../support/redis.ts'
import { startScriptedServer } from '../../support/scripted-server.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const text = (key: Uint8Array | undefined) => Buffer.from(key ?? []).toString()

async function server(args: string[] = []): Promise<MemcachedProcess> {
  const memcached = await startMemcached(args)
  ends.push(memcached.stop)
  return memcached
}
function watched({ host, port }: { host: string; port: number }) {
  const logs: string[] = []
  const log = (_: object, message: string) => logs.push(message)
  let news = 0
  const onNews = () => {
    news++
  }
  const source = createMemcachedSource({ host, port, onNews, logger: { debug: log, info: log, warn: log } })
  ends.push(() => source.stop())
  source.start()
  return { source, logs, news: () => news }
}
type Source = ReturnType<typeof watched>['source']
/** For this reason: on a busy machine another one, of an answer that came late, may be told before it. */
const refused = (source: Source, reason: RegExp) =>
  until(`a refusal: ${reason}`, () => {
    if (reason.test(source.refusal ?? '')) return true
    throw new Error(String(source.refusal))
  })
/** A report whose hottest key is `hot`, of so many commands. */
const hotIn = (source: Source, sampled: number) =>
  until(`a report of ${sampled} commands`, () => {
    const now = source.report(Date.now())
    return now !== null && (now.sampledCommands ?? 0) > sampled && text(now.keys[0]?.key) === 'hot'
      ? now
      : null
  })
/** So many commands a second over four connections, in pipelines of `batch`; counts what it sent by key. */
function load(port: number, perSec: number, batch: number) {
  const sockets: Socket[] = Array.from({ length: 4 }, () =>
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .resume(),
  )
  const sent = { all: 0, hot: 0, stores: 0, gone: 0 }
  let turn = 0
  const timer = setInterval(() => {
    for (let at = 0; at < perSec / batch / 100; at++) {
      let request = ''
      for (let command = 0; command < batch; command++) {
        // Golden steps: shares that hold in every part of the stream, so that no interval misses them by bad luck.
        const draw = (sent.all * 0.618_033_988_75) % 1
        sent.all++
        if (draw < 0.25) sent.hot++
        if (draw >= 0.15 && draw < 0.25) sent.stores++
        if (draw >= 0.25 && draw < 0.35) sent.gone++
        if (draw < 0.15) request += 'get hot\r\n'
        else if (draw < 0.25) request += 'set hot 0 0 5\r\nvalue\r\n'
        else if (draw < 0.35) request += 'get gone\r\n'
        else request += `get k${Math.floor(draw * 100_000)}\r\n`
      }
      sockets[turn++ % sockets.length]?.write(request)
    }
  }, 10)
  ends.push(() => {
    clearInterval(timer)
    for (const socket of sockets) socket.destroy()
  })
  return sent
}

describe('a memcached', () => {
  it('gives share and rate of hot keys, reads apart from writes, and what is missing', async () => {
    const memcached = await server()
    load(memcached.port, 4_000, 4)
    const { source, news } = watched(memcached)
    await delay(5_000)
    await until('it has told of it, and of both keys', () => {
      const isTold = news() > 2 && source.cost.bytes > 100_000
      return isTold && ['hot', 'gone'].every((key) => source.facts(0, Buffer.from(key)))
    })
    const report = await hotIn(source, 2_000)
    expect(report.source).toBe('watch')
    const hot = report.keys[0]
    const gone = report.keys[1]
    expect([text(hot?.key), text(gone?.key)]).toEqual(['hot', 'gone'])
    expect(hot?.shareLow).toBeLessThan(0.25)
    expect(hot?.shareHigh).toBeGreaterThan(0.25)
    expect(gone?.shareLow).toBeLessThan(0.1)
    expect(gone?.shareHigh).toBeGreaterThan(0.1)
    const { readsPerSec = null, writesPerSec = null } = hot ?? {}
    expect((writesPerSec ?? 0) / ((readsPerSec ?? 0) + (writesPerSec ?? 0))).toBeCloseTo(0.4, 1)
    expect((hot?.opsPerSec ?? 0) / (source.opsPerSec ?? 0)).toBeCloseTo(hot?.share ?? 0, 5)
    const other = report.patterns.find(({ pattern }) => pattern === 'k*')
    expect(other?.shareLow).toBeLessThan(0.65)
    expect(other?.shareHigh).toBeGreaterThan(0.65)
    expect(source.facts(0, Buffer.from('gone'))).toMatchObject({ isMissing: true, sizeBytes: null })
    expect(source.facts(0, Buffer.from('hot'))).toMatchObject({ isMissing: false, sizeBytes: 5 })
    expect(source.refusal).toBeNull()
    expect(source.watching).toMatchObject({ source: 'watch', sources: [{ source: 'watch', state: 'used' }] })
    expect(source.stats?.version).toMatch(/^1\./)
    expect(source.cost.byCommand.get('watch')).toBe(1)
    expect(source.cost).toMatchObject({ hits: 0, misses: 0, connections: 2 })
  })

  it('watches a busy one for a part of the time, and its shares are still right', async () => {
    const memcached = await server(['-t', '1', '-o', 'watcher_logbuf_size=8192,worker_logbuf_size=4096'])
    const sent = load(memcached.port, 60_000, 50)
    const { source } = watched(memcached)
    const startedAt = performance.now()
    await delay(5_000)
    await until('some bursts', () => (source.cost.byCommand.get('watch') ?? 0) > 3)
    await until('its rate', () => (source.opsPerSec ?? 0) > 5_000)
    const report = await hotIn(source, 1_000)
    expect(source.cost.windowMs).toBeLessThan((performance.now() - startedAt) * 0.8)
    expect(source.watching.predictedShare).toBeLessThanOrEqual(0.0101)
    expect(report.sampledCommands).toBeLessThan(sent.all * 0.9)
    const hot = report.keys[0]
    expect(hot?.share).toBeGreaterThan(0.23)
    expect(hot?.share).toBeLessThan(0.27)
    expect(hot?.opsPerSecHigh).toBeGreaterThan(0.25 * (source.opsPerSec ?? 0) * 0.95)
  })

  it('says what its workers lose in a small buffer, and widens the intervals for it', async () => {
    const memcached = await server(['-t', '1'])
    load(memcached.port, 400_000, 4_000)
    const { source } = watched(memcached)
    await until('the loss', () => {
      const [told] = source.watching.sources
      const isLost = /% of the stream is lost.*worker_logbuf_size=4096/.test(told?.reason ?? '')
      return told?.state === 'used' && isLost
    })
    const hot = (await hotIn(source, 1_000)).keys[0]
    expect(hot?.shareLow).toBeLessThan(0.25)
    expect(hot?.shareHigh).toBeGreaterThan(0.25)
  })

  it('corrects for what a slow reader is not sent (skipped=), also of a version without figures of its log', async () => {
    let uses = 0
    const playing = await startScriptedServer((socket) => {
      let timer: NodeJS.Timeout | null = null
      socket.on('close', () => timer && clearInterval(timer))
      socket.on('data', (request) => {
        if (request.toString().startsWith('stats')) {
          socket.write(`STAT pid 7\r\nSTAT version 1.5.0\r\nSTAT cmd_get ${uses}\r\nEND\r\n`)
          return
        }
        socket.write('OK\r\n')
        timer = setInterval(() => {
          uses += 100
          const line = 'ts=1.2 gid=3 type=item_get key=k status=found clsid=1 cfd=5\n'
          socket.write(`${line.repeat(90)}skipped=10\n`)
        }, 20)
      })
    })
    ends.push(playing.close)
    const { source } = watched({ host: '127.0.0.1', port: playing.port })
    // Its lines come in parts: what was skipped is told after those that were not.
    await until('the loss', () => /^10% of the stream is lost/.test(source.watching.sources[0]?.reason ?? ''))
    const [key] = (await until('a report', () => source.report(Date.now()))).keys
    expect(key?.share).toBeCloseTo(1)
    // The rate is what the server counted, not what was seen of it.
    expect(key?.opsPerSec).toBeCloseTo(source.opsPerSec ?? 0)
  })

  it('tells a killed one, and takes it up again with nothing of its past', async () => {
    const memcached = await server()
    load(memcached.port, 1_000, 1)
    const { source, logs } = watched(memcached)
    await until('a report', () => source.report(Date.now()))
    await memcached.kill('SIGKILL')
    await refused(source, /Nothing listens at/)
    expect(source.watching.source).toBeNull()
    await memcached.restart()
    await until('it is back', () => source.refusal === null)
    load(memcached.port, 1_000, 1)
    await until('a report', () => source.report(Date.now())?.keys.length)
    expect(logs.length).toBeLessThan(8)
  })

  it('says that all places for watchers are taken, and takes one that is freed', async () => {
    const memcached = await server()
    load(memcached.port, 500, 1)
    const watchers = Array.from({ length: 25 }, () => connect(memcached.port, '127.0.0.1').resume())
    ends.push(() => {
      for (const socket of watchers) socket.destroy()
    })
    for (const socket of watchers) socket.write('watch fetchers\r\n')
    await until('they watch', async () =>
      /log_watchers (19|20)/.test(await memcached.send('stats\r\n', /END\r\n$/)),
    )
    const { source } = watched(memcached)
    await refused(source, /All 20 places for watchers/)
    for (const socket of watchers) socket.destroy()
    await until('a report', () => source.refusal === null && source.report(Date.now()))
  })

  it.each([
    ['without watch (-W)', ['-W'], /was started with -W/],
    ['that wants a password (-Y)', ['-Y', '/proc/self/environ'], /wants a user and a password/],
  ])('says why of one %s', async (_, args, sentence) => {
    const memcached = await server(args)
    const { source } = watched(memcached)
    await refused(source, sentence)
    expect(source.report(Date.now())).toBeNull()
  })
})

describe('what is no memcached', () => {
  const scripted = async (onConnection: (socket: Socket) => void) => {
    const playing = await startScriptedServer(onConnection)
    ends.push(playing.close)
    return { host: '127.0.0.1', port: playing.port }
  }
  it.each<[string, () => Promise<{ host: string; port: number }>, RegExp]>([
    ['nothing', async () => ({ host: '127.0.0.1', port: await freePort() }), /Nothing listens at/],
    [
      'a Redis',
      async () => {
        const redis = await startRedis()
        ends.push(redis.stop)
        return redis
      },
      /A Redis answers at .* Write redis:/,
    ],
    [
      'a web server',
      () => scripted((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
      /A web server answers/,
    ],
    ['one that closes', () => scripted((socket) => socket.end()), /closes the connection without a word/],
    ['one that is silent', () => scripted(() => {}), /does not answer/],
    ['noise', () => scripted((socket) => socket.write(Buffer.alloc(500, 1))), /is not a Memcached/],
  ])('%s is told apart', async (_, start, sentence) => {
    const { source } = watched(await start())
    await refused(source, sentence)
    expect(source.watching.sources[0]?.state).toBe('refused')
    await source.stop()
  })
})
