/** MONITOR over TLS tells the same keys as over a plain socket. */
import { afterAll, expect, test } from 'vitest'
import type { HotKeyReport } from '../../../collector/hot-keys/source-types.ts'
import { HOSTILE_BYTES } from '../../support/hostile-bytes.ts'
import { watch } from '../../support/monitor-detector.ts'
import { startRedis, until } from '../../support/redis.ts'
import { enableTls } from '../../support/tls-redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const cleanups: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

const keysOf = (report: HotKeyReport | null) =>
  (report?.keys ?? []).map(({ key }) => Buffer.from(key).toString('hex')).sort()

test('the keys of a stream over TLS are those of the plain stream', async () => {
  const server = await startRedis()
  cleanups.push(() => server.stop())
  const { port, ca } = await enableTls(server)
  const wanted = [...HOSTILE_BYTES.filter((key) => key.length < 1_000), Buffer.from('article:42')]
  let at = 0
  const traffic = await startTraffic(server.port, 1_000, () => [
    'GET',
    wanted[at++ % wanted.length] as Buffer,
  ])
  cleanups.push(() => traffic.stop())

  const connection = { host: server.host, port, tls: { ca }, username: null, password: null }
  const overTls = await watch(server, { budget: 0.1, connection })
  cleanups.push(() => overTls.stop())
  const plain = await watch(server, { budget: 0.1 })
  cleanups.push(() => plain.stop())
  overTls.detector.start()
  plain.detector.start()

  const expected = wanted.map((key) => key.toString('hex')).sort()
  for (const { detector } of [overTls, plain]) {
    const report = await until('all keys', () => {
      const now = detector.report(Date.now())
      return keysOf(now).length >= wanted.length && (now?.sampledCommands ?? 0) > 600 ? now : null
    })
    expect(keysOf(report)).toEqual(expected)
    for (const { share } of report.keys) expect(share).toBeCloseTo(1 / wanted.length, 1)
    await until('it is read', () => detector.refusal === null)
  }
})

test('a certificate that nobody vouches for is a refusal that says so', async () => {
  const server = await startRedis()
  cleanups.push(() => server.stop())
  const { port } = await enableTls(server)
  const connection = { host: server.host, port, tls: {}, username: null, password: null }
  const watching = await watch(server, { connection })
  cleanups.push(() => watching.stop())
  watching.facts.opsPerSec = 100
  watching.detector.start()
  await until('a refusal', () => /certificate|TLS/i.test(watching.detector.refusal ?? ''))
})
