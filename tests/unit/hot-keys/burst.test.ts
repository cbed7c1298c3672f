import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { MonitorConnection } from '../../../collector/hot-keys/source-types.ts'
import { type BurstOpening, type BurstStops, startBurst } from '../../../collector/monitor/burst.ts'
import { MonitorParser } from '../../../collector/monitor/parser.ts'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { CollectingSink, monitorLine } from '../../support/monitor-lines.ts'
import { engineOf } from '../../support/parser-engine.ts'
import { until } from '../../support/redis.ts'
import { type ScriptedServer, startScriptedServer } from '../../support/scripted-server.ts'

const table = parseCommandTable([['get', 2, ['readonly'], 1, 1, 1]])
const LINE = monitorLine(['GET', 'k'])
const SESSION = { ownAddresses: [], replica: false, primaryAddress: null }
const STOPS: BurstStops = { windowMs: 60, maxLines: 1e6, maxBytes: 1e9, maxLagMs: 10_000 }

let server: ScriptedServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

async function run(
  script: (socket: Socket) => void,
  options: {
    stops?: Partial<BurstStops>
    connection?: Partial<MonitorConnection>
    opening?: BurstOpening
  } = {},
) {
  server = await startScriptedServer(script)
  const sink = new CollectingSink()
  const parser = new MonitorParser(table, sink)
  const connection = { host: '127.0.0.1', port: server.port, tls: null, username: null, password: null }
  const sent: { names: string[]; bytes: number }[] = []
  const burst = startBurst(
    { ...connection, ...options.connection },
    engineOf(parser),
    SESSION,
    { ...STOPS, ...options.stops },
    () => 0,
    options.opening,
    (names, bytes) => sent.push({ names, bytes }),
  )
  return { burst, sink, parser, sent, result: await burst.done }
}

describe('a burst ends', () => {
  test('after its window, with what came in it', async () => {
    const { result, sink, sent } = await run((socket) => socket.write(`+OK\r\n${LINE}${LINE}`))
    expect(result.end).toEqual({ kind: 'window' })
    expect(result.windowMs).toBeGreaterThanOrEqual(55)
    expect(result.windowMs).toBeLessThan(10_000)
    expect(result).toMatchObject({ sent: ['monitor'], refused: [] })
    expect(sent).toEqual([{ names: ['monitor'], bytes: 17 }])
    expect(sink.commands).toHaveLength(2)
    expect(server?.received()).toBe('*1\r\n$7\r\nMONITOR\r\n')
  })

  test.each([
    ['lines', { maxLines: 10 }],
    ['bytes', { maxBytes: 500 }],
  ] as const)('at too many %s', async (kind, stops) => {
    const { result } = await run((socket) => socket.write(`+OK\r\n${LINE.repeat(50)}`), {
      stops: { windowMs: 30_000, ...stops },
    })
    expect(result.end).toEqual({ kind })
    expect(result.windowMs).toBeLessThan(15_000)
  })

  test('when the event loop is late', async () => {
    const { result } = await run(
      (socket) => {
        socket.write('+OK\r\n')
        setTimeout(() => {
          const end = performance.now() + 120
          while (performance.now() < end);
        }, 250)
      },
      { stops: { windowMs: 30_000, maxLagMs: 40 } },
    )
    expect(result.end).toEqual({ kind: 'lag' })
  })

  test('when it is aborted, also before it is connected, and twice', async () => {
    server = await startScriptedServer(() => {})
    const connection = { host: '127.0.0.1', port: server.port, tls: null, username: null, password: null }
    const burst = startBurst(
      connection,
      engineOf(new MonitorParser(table, new CollectingSink())),
      SESSION,
      STOPS,
      () => 0,
    )
    burst.abort()
    burst.abort()
    expect((await burst.done).end).toEqual({ kind: 'aborted' })
    expect((await burst.done).windowMs).toBe(0)
  })
})

describe('what goes wrong is an answer, never an exception', () => {
  test('reset in the middle', async () => {
    const { result } = await run(
      (socket) => {
        socket.write(`+OK\r\n${LINE}`)
        setTimeout(() => socket.resetAndDestroy(), 250)
      },
      { stops: { windowMs: 30_000 } },
    )
    expect(result.end).toMatchObject({ kind: 'failed' })
    expect(result.windowMs).toBeGreaterThan(0)
  })

  test('closed at once', async () => {
    const { result } = await run((socket) => socket.end())
    expect(result.end).toMatchObject({ kind: 'failed' })
  })

  test('silence', async () => {
    const { result } = await run(() => {})
    expect(result.end).toEqual({ kind: 'failed', code: 'timeout' })
    expect(result.windowMs).toBe(0)
  })

  test('nobody listens', async () => {
    const { result, sent } = await run(() => {}, { connection: { port: 1 } })
    expect(result.end).toEqual({ kind: 'failed', code: 'ECONNREFUSED' })
    expect([result.sent, sent]).toEqual([[], []])
  })

  test('not a Redis', async () => {
    const { result } = await run((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(result.end).toEqual({ kind: 'refused', code: '?', toAuth: false })
  })

  test('TLS where none is spoken', async () => {
    const { result } = await run((socket) => socket.write('-ERR unknown command\r\n'), {
      connection: { tls: { rejectUnauthorized: true } },
    })
    expect(result.end).toMatchObject({ kind: 'failed' })
  })
})

describe('signing in', () => {
  test('AUTH and MONITOR in one write; a refused password is told apart', async () => {
    const { result } = await run(
      (socket) => socket.write('-WRONGPASS invalid\r\n-NOAUTH Authentication required.\r\n'),
      {
        connection: { username: 'ünser', password: 'a b"\r\n' },
      },
    )
    expect(result.end).toEqual({ kind: 'refused', code: 'WRONGPASS', toAuth: true })
    expect(server?.received()).toBe(
      Buffer.from('*3\r\n$4\r\nAUTH\r\n$6\r\nünser\r\n$6\r\na b"\r\n\r\n*1\r\n$7\r\nMONITOR\r\n').toString(
        'latin1',
      ),
    )
  })

  test('an OK that comes byte by byte', async () => {
    const { result, sink } = await run(
      (socket) => {
        for (const [at, byte] of [...`+OK\r\n+OK\r\n${LINE}`].entries())
          setTimeout(() => socket.write(byte), at)
      },
      { connection: { password: 'p' }, stops: { windowMs: 1_000 } },
    )
    expect(result.end).toEqual({ kind: 'window' })
    expect(sink.commands).toHaveLength(1)
  })
})

describe('before MONITOR', () => {
  const HELLO = '%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$2\r\nid\r\n:77\r\n'
  const SUBSCRIBED = '>3\r\n$9\r\nsubscribe\r\n$18\r\ncachescope-monitor\r\n:1\r\n'
  const whole = `${HELLO}${SUBSCRIBED}+OK\r\n${LINE}${LINE}`

  test.each([1, 7, 30, whole.length])('replies cut every %i bytes', async (step) => {
    const { burst, result, sink } = await run(
      (socket) => {
        for (let at = 0; at < whole.length; at += step) socket.write(whole.slice(at, at + step))
      },
      { opening: { limited: true, named: true } },
    )
    expect(result).toMatchObject({ end: { kind: 'window' }, refused: [] })
    expect(result.sent).toEqual(['hello', 'subscribe', 'monitor'])
    expect(burst.clientId).toBe(77)
    expect(sink.commands).toHaveLength(2)
  })

  test('what the node refuses is told, and MONITOR goes on', async () => {
    const { burst, result, sink } = await run(
      (socket) => socket.write(`-NOPERM this user\r\n:5\r\n+OK\r\n${LINE}`),
      { opening: { limited: false, named: true } },
    )
    expect(result).toMatchObject({ end: { kind: 'window' }, refused: ['client|setname'] })
    expect(burst.clientId).toBe(5)
    expect(sink.commands).toHaveLength(1)
  })

  test('a reply without end is no Redis', async () => {
    const { result } = await run((socket) => socket.write(`+${'x'.repeat(100_000)}`), {
      opening: { limited: false, named: true },
    })
    expect(result.end).toEqual({ kind: 'refused', code: '?', toAuth: false })
  })

  test('the node is held by its guards while the window is open', async () => {
    const { burst } = await (async () => {
      server = await startScriptedServer((socket) => socket.write(`+OK\r\n${LINE}`))
      const connection = { host: '127.0.0.1', port: server.port, tls: null, username: null, password: null }
      const engine = engineOf(new MonitorParser(table, new CollectingSink()))
      return { burst: startBurst(connection, engine, SESSION, { ...STOPS, windowMs: 5_000 }, () => 0) }
    })()
    await until('monitoring', () => burst.isOpen)
    burst.abort('memory')
    expect((await burst.done).end).toEqual({ kind: 'memory' })
    expect(burst.isOpen).toBe(false)
  })
})
