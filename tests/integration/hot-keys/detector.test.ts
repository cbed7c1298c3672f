import { afterEach, expect, test } from 'vitest'
import { type LoggedBurst, mostWithin, paidUs } from '../../support/burst-log.ts'
import { countMonitors, watch } from '../../support/monitor-detector.ts'
import { delay, type RedisProcess, startRedis, until } from '../../support/redis.ts'
import { startTraffic, type Traffic } from '../../support/traffic.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function server(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisProcess> {
  const process = await startRedis(options)
  cleanups.push(() => process.stop())
  return process
}
async function watched(node: RedisProcess, options: Parameters<typeof watch>[1] = {}) {
  const watching = await watch(node, options)
  cleanups.push(() => watching.stop())
  watching.detector.start()
  return watching
}
async function traffic(node: RedisProcess, opsPerSec: number, next: () => string[]): Promise<Traffic> {
  const running = await startTraffic(node.port, opsPerSec, next)
  cleanups.push(() => running.stop())
  return running
}
/** For this reason: on a busy machine another one, of an answer that came late, may be told before it. */
const refused = (detector: { refusal: string | null }, reason: RegExp) =>
  until(`a refusal: ${reason}`, () => {
    if (reason.test(detector.refusal ?? '')) return true
    throw new Error(String(detector.refusal))
  })
const BUDGET = 0.01
const text = (key: Uint8Array) => Buffer.from(key).toString()

test('a known distribution: the hot key first, share and rate within the interval, the budget kept', async () => {
  const begunAt = performance.now()
  const node = await server()
  // Golden steps: shares that hold in every part of the stream, so that no interval misses them by bad luck.
  let drawn = 0
  await traffic(node, 4_000, () => {
    const draw = (drawn++ * 0.618_033_988_75) % 1
    if (draw < 0.15) return ['GET', 'article:42']
    if (draw < 0.2) return ['INCR', 'article:42']
    if (draw < 0.25) return ['HGETALL', 'session:7']
    return ['GET', `article:${100 + Math.floor(Math.random() * 5_000)}`]
  })
  const { detector, facts, logs } = await watched(node)
  await delay(1_000)
  const startedAt = performance.now()
  const before = { ...detector.cost }
  await delay(7_000)
  const burstsSoFar = () =>
    logs.flatMap(({ message, fields }) => (message === 'MONITOR burst' ? [fields as LoggedBurst] : []))
  const report = await until('a report', () => {
    const now = detector.report(Date.now())
    const isPaid = paidUs(burstsSoFar()) > 0 && (facts.opsPerSec ?? 0) > 1_000
    return isPaid && now !== null && (now.sampledCommands ?? 0) > 500 ? now : null
  })
  const nodeOpsPerSec = facts.opsPerSec ?? 0
  const elapsedUs = (performance.now() - startedAt) * 1_000
  const [first, second] = report.keys
  expect(first && text(first.key)).toBe('article:42')
  expect(first).toMatchObject({ db: 0, topCommand: 'GET' })
  expect(first?.shareLow).toBeLessThan(0.2)
  expect(first?.shareHigh).toBeGreaterThan(0.2)
  expect((first?.shareHigh ?? 1) - (first?.shareLow ?? 0)).toBeLessThan(0.12)
  // Our own commands are no load of the node's: the rate is of the others', a few less than it counts.
  expect(first?.opsPerSec).toBeGreaterThan((first?.share ?? 0) * nodeOpsPerSec * 0.9)
  expect(first?.opsPerSec).toBeLessThan((first?.share ?? 0) * nodeOpsPerSec * 1.1)
  expect((first?.writesPerSec ?? 0) / (first?.opsPerSec ?? 1)).toBeGreaterThan(0.15)
  expect((first?.writesPerSec ?? 0) / (first?.opsPerSec ?? 1)).toBeLessThan(0.35)
  expect(second && text(second.key)).toBe('session:7')
  expect(second?.writesPerSec).toBe(0)
  expect((detector.cost.cpuUs - before.cpuUs) / elapsedUs).toBeLessThan(0.02)
  expect(detector.watching.predictedShare).toBeLessThanOrEqual(BUDGET)
  expect(paidUs(burstsSoFar())).toBeLessThanOrEqual(mostWithin(performance.now() - begunAt, BUDGET))
  await until('it is read', () => detector.refusal === null)
})

test('where all keys are used alike, none is hot', async () => {
  const node = await server()
  // So many that not one in ten million runs sees one of them five times in 300.
  await traffic(node, 4_000, () => ['GET', `article:${Math.floor(Math.random() * 20_000)}`])
  const { detector } = await watched(node)
  for (const sampled of [300, 3_000]) {
    const report = await until('a report', () => {
      const now = detector.report(Date.now())
      return now !== null && (now.sampledCommands ?? 0) > sampled ? now : null
    })
    expect(report.keys.map((key) => text(key.key))).toEqual([])
  }
})

test('stop leaves no monitor on the server, at whatever moment it comes', async () => {
  const node = await server()
  await traffic(node, 2_000, () => ['GET', 'k'])
  const { detector, facts } = await watched(node)
  await until('facts', () => facts.opsPerSec !== null)
  const hasWatched = () => detector.cost.windowMs > 0
  for (let round = 0; round < 8 || (!hasWatched() && round < 30); round++) {
    detector.start()
    // The first burst comes within a second or so: before it, in it, and after it.
    await delay(500 + round * 130)
    await detector.stop()
    await detector.stop()
    await until('no monitor is left', async () => (await countMonitors(node)) === 0)
  }
  expect(hasWatched()).toBe(true)
})

test('a script counts once by its declared keys, and our own commands not at all', async () => {
  const node = await server()
  const script = "redis.call('GET', KEYS[1]) redis.call('GET', KEYS[1]) return redis.call('GET', 'inner')"
  // By turns and not by chance: whatever part of the stream is seen, half of it is the script's.
  let at = 0
  await traffic(node, 500, () => (at++ % 2 === 0 ? ['EVAL', script, '1', 'declared'] : ['GET', 'plain']))
  const { detector, facts, client } = await watched(node)
  const own = setInterval(() => void client.get('ours').catch(() => {}), 5)
  cleanups.push(async () => clearInterval(own))
  const { report, nodeOpsPerSec } = await until('a report', () => {
    const now = detector.report(Date.now())
    const isReady = now !== null && (now.sampledCommands ?? 0) > 800
    return isReady ? { report: now, nodeOpsPerSec: facts.opsPerSec ?? 0 } : null
  })
  const byKey = new Map(report.keys.map((key) => [text(key.key), key]))
  expect([...byKey.keys()].sort()).toEqual(['declared', 'plain'])
  expect(byKey.get('declared')?.share).toBeCloseTo(0.5, 1)
  expect(byKey.get('declared')?.topCommand).toBe('EVAL')
  // Counted by the calls within it, it would be four times the other.
  const [scripted, plain] = [byKey.get('declared')?.opsPerSec ?? 0, byKey.get('plain')?.opsPerSec ?? 0]
  expect(scripted / plain).toBeGreaterThan(0.5)
  expect(scripted / plain).toBeLessThan(2)
  // The node counts those calls too, and ours: clients sent no more than two of five that it says.
  expect((scripted + plain) / nodeOpsPerSec).toBeGreaterThan(0.2)
  expect((scripted + plain) / nodeOpsPerSec).toBeLessThan(0.6)
})

test('databases are told apart', async () => {
  const node = await server()
  let at = 0
  const script = [
    ['SELECT', '3'],
    ['GET', 'k'],
    ['SELECT', '0'],
    ['SET', 'k', 'v'],
    ['GET', 'k'],
  ]
  await traffic(node, 1_000, () => script[at++ % script.length] as string[])
  const { detector } = await watched(node)
  const report = await until('a report', () => {
    const now = detector.report(Date.now())
    return now !== null && (now.sampledCommands ?? 0) > 300 ? now : null
  })
  expect(report.keys.map((key) => [text(key.key), key.db])).toEqual([
    ['k', 0],
    ['k', 3],
  ])
})

test("a replica counts its own reads, and none of the primary's writes", async () => {
  const primary = await server()
  const replica = await server({ replicaOf: { port: primary.port } })
  await until('in step', async () =>
    String(await replica.command('INFO', 'replication')).includes('link_status:up'),
  )
  await traffic(primary, 1_000, () => ['SET', 'written', String(Math.random())])
  await traffic(replica, 300, () => ['GET', 'read'])
  const { detector, facts } = await watched(replica)
  const { report, nodeOpsPerSec } = await until('a report', () => {
    const now = detector.report(Date.now())
    const isReady = now !== null && (now.sampledCommands ?? 0) > 300
    return isReady ? { report: now, nodeOpsPerSec: facts.opsPerSec ?? 0 } : null
  })
  expect(facts.role).toBe('replica')
  expect(report.keys.map((key) => text(key.key))).toEqual(['read'])
  expect(report.keys[0]?.share).toBeCloseTo(1, 1)
  // Three of thirteen that it counts: the others are writes of its primary.
  const ratio = (report.keys[0]?.opsPerSec ?? 0) / nodeOpsPerSec
  expect(ratio).toBeGreaterThan(0.08)
  expect(ratio).toBeLessThan(0.6)
})

test('a node that hangs in a burst and after it: a refusal, no crash, and it comes back', async () => {
  const node = await server()
  await traffic(node, 1_000, () => ['GET', 'k'])
  const { detector } = await watched(node)
  await until('watching', () => detector.cost.windowMs > 0)
  await node.kill('SIGSTOP')
  await refused(detector, /did not answer/)
  const stopping = performance.now()
  await detector.stop()
  // It waits for no answer: one of the node's commands alone may take a second, its connection two.
  expect(performance.now() - stopping).toBeLessThan(5_000)
  await node.kill('SIGCONT')
  await until('no monitor is left', async () => (await countMonitors(node)) === 0)
  detector.start()
  await until('watching again', () => detector.refusal === null)
})

test('a node that dies and starts again: refused meanwhile, then read afresh', async () => {
  const node = await server()
  await traffic(node, 500, () => ['GET', 'before'])
  const { detector, facts } = await watched(node)
  await until('a report', () => detector.report(Date.now())?.keys.length)
  const runId = facts.runId
  await node.kill('SIGKILL')
  await refused(detector, /refuses connections/)
  await node.restart()
  await traffic(node, 500, () => ['GET', 'after'])
  await until('a new run', () => facts.runId !== runId)
  const report = await until('a new report', () => {
    const now = detector.report(Date.now())
    return now?.keys.some((key) => text(key.key) === 'after') ? now : null
  })
  expect(report.keys.map((key) => text(key.key))).toEqual(['after'])
})

test('a value of 64 MB passes through a burst within bounded memory', async () => {
  const node = await server()
  await traffic(node, 200, () => ['GET', 'k'])
  const { detector, client } = await watched(node)
  await until('watching', () => detector.cost.windowMs > 500)
  const value = Buffer.alloc(64 * 1024 * 1024, 0xff)
  const before = process.memoryUsage().rss
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 2)
  // A round that a burst sees holds the server for many seconds.
  const enough = Date.now() + 15_000
  for (let round = 0; round < 3 && Date.now() < enough; round++) await client.set('big', value)
  clearInterval(timer)
  expect((peak - before) / 1024 / 1024).toBeLessThan(160)
  await until('no monitor is left', async () => (await countMonitors(node)) <= 1)
  // Without MONITOR the three take a fraction of a second: what is beyond is ours, and in the bill.
  const info = String(await client.info('cpu'))
  const seconds = (name: string) => Number(new RegExp(`^${name}:(.*)`, 'm').exec(info)?.[1])
  const usedUs = (seconds('used_cpu_sys_main_thread') + seconds('used_cpu_user_main_thread')) * 1e6
  if (usedUs > 3e6) await until('the bill has it', () => detector.cost.cpuUs > 0.5 * usedUs)
})

test.each([
  ['NOAUTH', { password: 'correct-horse' }, null, /wants a password/],
  ['a wrong password', { password: 'correct-horse' }, 'wrong-horse', /does not accept the password/],
])('%s is a refusal in a sentence, without the password', async (_, options, password, sentence) => {
  const node = await server(options)
  const { detector, facts, logs } = await watch(node, {
    password: 'correct-horse',
    connection: { host: node.host, port: node.port, tls: null, username: null, password },
  }).then((watching) => {
    cleanups.push(() => watching.stop())
    return watching
  })
  facts.opsPerSec = 100
  detector.start()
  await refused(detector, sentence)
  expect(JSON.stringify([detector.refusal, logs])).not.toContain('horse')
})

test('with its password it is read; without the right to MONITOR it says what to type', async () => {
  const node = await server({ password: 'correct-horse' })
  const first = await watched(node, { password: 'correct-horse' })
  await until('read', () => first.detector.cost.windowMs > 0)
  await first.client.call('ACL', 'SETUSER', 'eyes', 'on', '>staple', '+@all', '-monitor')
  const second = await watch(node, {
    password: 'correct-horse',
    connection: { host: node.host, port: node.port, tls: null, username: 'eyes', password: 'staple' },
  })
  cleanups.push(() => second.stop())
  second.facts.opsPerSec = 100
  second.detector.start()
  await refused(second.detector, /ACL SETUSER eyes \+monitor/)
})

test.each([
  [
    'SUBSCRIBE',
    ['-subscribe'],
    /^Nothing limits .* eyes \+hello \+subscribe &cachescope-monitor lifts this\.$/,
  ],
  ['the channel', ['resetchannels'], /^Nothing limits .* lifts this\.$/],
  [
    'SUBSCRIBE and CLIENT',
    ['-subscribe', '-client'],
    /\+client\|id .*\+hello \+subscribe .* Windows are 5 ms long meanwhile\.$/,
  ],
])(
  'without the right to %s it is read all the same, and the node is not asked again',
  async (_, rights, reason) => {
    const node = await server()
    await traffic(node, 300, () => ['GET', 'k'])
    await node.command('ACL', 'SETUSER', 'eyes', 'on', '>staple', '~*', '&*', '+@all', ...rights)
    const { detector, facts, logs } = await watched(node, {
      connection: { host: node.host, port: node.port, tls: null, username: 'eyes', password: 'staple' },
    })
    await until('read', () => detector.report(Date.now())?.keys.length)
    await until('what is refused is known', () => detector.cost.connections >= 3)
    const asked = () =>
      (detector.cost.byCommand.get('hello') ?? 0) + (detector.cost.byCommand.get('subscribe') ?? 0)
    const before = asked()
    const bursts = detector.cost.connections
    await until('more bursts', () => detector.cost.connections >= bursts + 3)
    expect(asked()).toBe(before)
    expect(facts.opsPerSec).toBeGreaterThan(0)
    const told = logs.filter(({ message }) => message.startsWith('MONITOR runs without'))
    expect(told.length).toBeLessThanOrEqual(2)
    expect(told.length).toBeGreaterThan(0)
    // An answer that came late may be told for a moment.
    await until('it is used', () => {
      expect(detector.refusal).toBeNull()
      expect(detector.watching.sources).toMatchObject([
        { state: 'used', reason: expect.stringMatching(reason) },
      ])
      return true
    })
    const last = logs.findLast(({ message }) => message === 'MONITOR burst')
    if (rights.includes('-client')) expect(last?.fields).toMatchObject({ windowMs: 5 })
    else expect(last?.fields).not.toMatchObject({ windowMs: 5 })
  },
)

test('no value reaches a report or a log', async () => {
  const node = await server()
  const secret = 'S3CRET-value'
  const commands = [
    ['SET', 'k', secret],
    ['MSET', 'a', secret, 'b', secret],
    ['HSET', 'h', 'field', secret],
    ['XADD', 's', '*', 'f', secret],
    ['EVAL', `return '${secret}'`, '0'],
    ['APPEND', 'k', secret],
    ['LPUSH', 'l', secret],
    ['PUBLISH', 'c', secret],
    ['ECHO', secret],
    ['AUTH', secret],
  ]
  let at = 0
  await traffic(node, 1_000, () => commands[at++ % commands.length] as string[])
  const { detector, logs } = await watched(node)
  const report = await until('a report', () => {
    const now = detector.report(Date.now())
    return now !== null && (now.sampledCommands ?? 0) > 500 ? now : null
  })
  expect(report.keys.map((key) => text(key.key)).sort()).toEqual(['a', 'b', 'h', 'k', 'l', 's'])
  expect(JSON.stringify([logs, report.keys.map((key) => text(key.key))])).not.toContain('S3CRET')
})
