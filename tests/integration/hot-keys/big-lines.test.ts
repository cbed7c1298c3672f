/** Lines of a real MONITOR that are far larger than any buffer: memory stays, and what is left out is counted. */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeCommand } from '../../../collector/monitor/resp.ts'
import { type CommandTable, parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { bothEngines } from '../../support/engine-keys.ts'
import { recordMonitor } from '../../support/monitor-record.ts'
import { delay, type RedisProcess, startRedis, until } from '../../support/redis.ts'

const NOW = 1_700_000_000_000
const SESSION = { ownAddresses: [], replica: false, primaryAddress: null }
const MiB = 1024 * 1024

let server: RedisProcess
let table: CommandTable

beforeAll(async () => {
  server = await startRedis()
  table = parseCommandTable(await server.command('COMMAND'))
})
afterAll(() => server.stop())

/** From a process of its own, so that this one's memory is the reader's alone. */
function setLarge(key: string, bytes: number): Promise<void> {
  const script = `
    const socket = require('node:net').connect(${server.port}, '${server.host}')
    const part = Buffer.alloc(${MiB}, 0xff)
    socket.write('*3\\r\\n$3\\r\\nSET\\r\\n$${key.length}\\r\\n${key}\\r\\n$${bytes}\\r\\n')
    for (let sent = 0; sent < ${bytes}; sent += part.length) socket.write(part)
    socket.write('\\r\\n')
    socket.once('data', () => socket.destroy())`
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`it exited with ${code}`))))
  })
}

test('a real SET of 64 MB, 256 MB in the stream, through each engine in the same memory', async () => {
  for (const engine of bothEngines(table)) {
    engine.begin({ ...SESSION, replies: 1 })
    const input = engine.input
    const socket = connect({
      port: server.port,
      host: server.host,
      onread: {
        buffer: input,
        callback: (length) => {
          engine.feed(input.subarray(0, length), NOW)
          return true
        },
      },
    })
    socket.write(encodeCommand('MONITOR'))
    await until('monitoring', () => engine.state.kind === 'monitoring')
    await server.command('GET', 'before')
    await until('a first line', () => engine.counts.lines > 0)
    await delay(200)
    const before = process.memoryUsage().rss
    let peak = before
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, 5)
    await setLarge('large', 64 * MiB)
    await server.command('GET', 'after')
    await until('the last line', () => engine.counts.lines >= 3, 180_000)
    clearInterval(timer)
    socket.destroy()
    engine.end()

    expect(engine.counts.bytes).toBeGreaterThan(4 * 64 * MiB)
    expect(engine.counts).toMatchObject({ malformed: 0, truncated: 0, droppedKeys: 0 })
    const keys = engine
      .merge(NOW, 10)
      ?.keys.map(({ key, low, writes }) => [String(Buffer.from(key)), low, writes])
    expect(keys?.sort()).toEqual([
      ['after', 1, 0],
      ['before', 1, 0],
      ['large', 1, 1],
    ])
    expect((peak - before) / MiB).toBeLessThan(48)
    engine.close()
  }
}, 400_000)

test('MGET of 10,000 keys: each counted once, the command once, and the keys beyond the cap told', async () => {
  const many = Array.from({ length: 10_000 }, (_, at) => `article:${at}`)
  const recording = await recordMonitor(server)
  await server.command('MGET', ...many)
  await server.command('MGET', ...many.map(() => 'the same'))
  const calls = (await recording.stop()).filter(({ words }) => words[0]?.toUpperCase() === 'MGET')
  const [different = '', same = ''] = calls.map(({ line }) => line)

  for (const engine of bothEngines(table)) {
    engine.begin({ ...SESSION, replies: 0 })
    engine.feed(Buffer.from(different), NOW)
    const merged = engine.merge(NOW, 10_000)
    expect(engine.counts).toMatchObject({ lines: 1, commands: 1 })
    expect(merged?.commands).toBe(1)
    expect((merged?.keyUses ?? 0) + engine.counts.droppedKeys).toBe(10_000)
    expect(merged?.keyUses).toBeGreaterThan(1_000)
    for (const { low } of merged?.keys ?? []) expect(low).toBeLessThanOrEqual(1)

    engine.reset()
    engine.begin({ ...SESSION, replies: 0 })
    engine.feed(Buffer.from(same), NOW)
    const one = engine.merge(NOW, 10)
    expect(one?.keys.map(({ key, low }) => [String(Buffer.from(key)), low])).toEqual([['the same', 1]])
    expect(one?.commands).toBe(1)
    engine.close()
  }
})
