/** How long reads took, as the library tells it of keys without a policy; and that nobody's answers are other for it. */
import { afterEach, describe, expect, test } from 'vitest'
import { cachescope } from '../../../client/index.ts'
import type { ClientHotKey, Heartbeat } from '../../../core/protocol/heartbeat.ts'
import { describeWaits, mergeWaits } from '../../../core/waits.ts'
import { IOREDIS } from '../../support/hot-client.ts'
import { startRedis, until } from '../../support/redis.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const SLOW_MS = 300

function addUp(keys: readonly ClientHotKey[]) {
  const sum = (of: (key: ClientHotKey) => number | undefined) =>
    keys.reduce((total, key) => total + (of(key) ?? 0), 0)
  return {
    reads: sum((key) => key.reads),
    writes: sum((key) => key.writes),
    timed: sum((key) => key.timed),
    waits: mergeWaits(keys.map((key) => key.waits ?? [])),
  }
}

describe.each(IOREDIS)('ioredis $version', ({ Redis }) => {
  /** Every command is looked at, and the server answers late. */
  async function slowServer() {
    const server = await startRedis()
    ends.push(server.stop)
    const proxy = await startTcpProxy(server)
    ends.push(proxy.close)
    const bare = new Redis(server.port)
    const wrapped = new Redis(proxy.port)
    const client = cachescope(wrapped, { app: 'shop', random: () => 0 })
    ends.push(() => {
      for (const one of [bare, client]) one.disconnect()
    })
    await until('it is connected', () => client.status === 'ready')
    const heard = new Map<unknown, Heartbeat>()
    /** Of all heartbeats so far: a read may be counted in one, and its answer in the next. */
    const told = async (key: string) => {
      const [name] = await bare.keys('{hk:shop}:i:*')
      const text = name === undefined ? null : await bare.get(name)
      const heartbeat = text === null ? null : (JSON.parse(text) as Heartbeat)
      if (heartbeat !== null) heard.set(heartbeat.at, heartbeat)
      const keyBase64 = Buffer.from(key).toString('base64')
      return addUp(
        [...heard.values()].flatMap(({ hotKeys }) =>
          hotKeys.keys.filter((one) => one.keyBase64 === keyBase64),
        ),
      )
    }
    await until('its first heartbeat is there', async () => (await bare.keys('{hk:shop}:i:*')).length > 0)
    return { client, proxy, told }
  }

  test('reads that are sent alone are timed, from the sending to the answer', async () => {
    const { client, proxy, told } = await slowServer()
    proxy.slow(SLOW_MS)
    await Promise.all([
      ...Array.from({ length: 20 }, () => client.get('alone')),
      client.pipeline().get('piped').get('piped').exec(),
      client.multi().get('queued').exec(),
      client.set('alone', 'x'),
      client.mget('alone', 'piped'),
      client.lpush('list', 'x'),
      expect(client.get('list')).rejects.toThrow(/WRONGTYPE/),
    ])
    await until('they are told', async () => {
      const [alone, list, piped, queued] = await Promise.all(['alone', 'list', 'piped', 'queued'].map(told))
      const isTold = alone?.timed === 20 && list?.timed === 1
      if (isTold && alone.writes === 1 && piped?.reads && queued?.reads) return true
      throw new Error(JSON.stringify([alone, list, piped, queued]))
    })
    const { waits, ...alone } = await told('alone')
    expect(alone).toEqual({ reads: 21, writes: 1, timed: 20 })
    const figures = describeWaits(waits, alone.timed)
    // Of a bucket the middle is told: it is within a tenth.
    expect(figures?.p50Us).toBeGreaterThan(SLOW_MS * 900)
    // One that is refused is waited for as well.
    expect(await told('list')).toMatchObject({ timed: 1 })
    for (const key of ['piped', 'queued']) expect(await told(key)).toMatchObject({ timed: 0, waits: [] })
  })

  test('a rejection that nobody handles is heard of as often as without the library', async () => {
    const { client } = await slowServer()
    await client.lpush('list', 'x')
    const heard: unknown[] = []
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', (reason) => heard.push(reason))
    ends.push(() => {
      process.removeAllListeners('unhandledRejection')
      for (const listener of others) process.on('unhandledRejection', listener)
    })
    void client.get('list')
    client.get('list').catch(() => {})
    client.get('list', () => {}).catch(() => {})
    await until('the one is heard of', () => heard.length > 0)
    // Whatever was settled along with it would be here by now.
    await client.ping()
    expect(heard.map(String)).toEqual([expect.stringContaining('WRONGTYPE')])
  })
})
