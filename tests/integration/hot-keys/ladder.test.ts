/** What is left of hot keys where a node forbids one source or another. */
import { afterEach, describe, expect, it } from 'vitest'
import { type WatchedLadder, watchLadder } from '../../support/ladder.ts'
import { delay, type RedisProcess, startRedis, startRedisCluster, until } from '../../support/redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const LFU = { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lfu', 'lfu-log-factor': '1' }
const text = (key: Uint8Array | undefined) => Buffer.from(key ?? []).toString()

async function server(settings: Record<string, string> = {}): Promise<RedisProcess> {
  const node = await startRedis({ settings })
  ends.push(node.stop)
  return node
}
async function watched(...args: Parameters<typeof watchLadder>): Promise<WatchedLadder> {
  const watching = await watchLadder(...args)
  ends.push(watching.stop)
  watching.ladder.start()
  return watching
}
async function load(node: RedisProcess) {
  for (let at = 0; at < 500; at++) await node.command('SET', `key ${at}`, 'v')
  const next = () =>
    Math.random() < 0.3 ? ['GET', 'hot'] : ['GET', `key ${Math.floor(Math.random() * 500)}`]
  await node.command('SET', 'hot', 'v')
  const traffic = await startTraffic(node.port, 2_000, next)
  ends.push(() => traffic.stop())
}
async function statistic(node: RedisProcess, name: string): Promise<number> {
  const info = String(await node.command('INFO', 'everything'))
  return Number(new RegExp(`^${name}:(?:calls=)?(\\d+)`, 'm').exec(info)?.[1] ?? 0)
}

describe('the ladder of sources', () => {
  it('reads by MONITOR where it may, and says of each other source why not', async () => {
    const node = await server()
    await load(node)
    const { ladder, rung } = await watched(node)
    const report = await until('a report', () => (ladder.refusal === null ? ladder.report(Date.now()) : null))
    expect(report.source).toBe('monitor')
    await until('all are asked', () => {
      expect(ladder.watching.source).toBe('monitor')
      expect(ladder.watching.sources.map(({ source, state }) => [source, state])).toEqual([
        ['monitor', 'used'],
        ['hotkeys', 'unsupported'],
        ['client', 'unsupported'],
        ['slot-stats', 'unsupported'],
        ['lfu', 'unsupported'],
      ])
      return true
    })
    expect(rung('lfu')?.reason).toMatch(/noeviction: allkeys-lfu/)
    expect(rung('hotkeys')?.reason).toMatch(/no HOTKEYS/)
  })

  it('falls back to OBJECT FREQ without MONITOR, and counts the hits that it adds', async () => {
    const node = await server({ ...LFU, 'rename-command': 'MONITOR ' })
    for (let at = 0; at < 700; at++) await node.command('SET', `key ${at}`, 'v')
    await node.command('SET', 'hot', 'v')
    for (let at = 0; at < 300; at++) await node.command('GET', 'hot')
    const hits = await statistic(node, 'keyspace_hits')
    const misses = await statistic(node, 'keyspace_misses')
    const watching = await watched(node)
    const { ladder, rung } = watching
    // A few keys at a time are looked at.
    const report = await until('a report that has come to the key', () => {
      const now = ladder.report(Date.now())
      return text(now?.keys[0]?.key) === 'hot' ? now : null
    })
    expect(report.source).toBe('lfu')
    expect(report.keys[0]).toMatchObject({
      share: null,
      opsPerSec: null,
      readsPerSec: null,
      topCommand: null,
    })
    // It begins at 5 and grows by chance, to some 29.
    expect(report.keys[0]?.lfuCounter).toBeGreaterThan(10)
    expect(ladder.refusal).toBeNull()
    expect(ladder.watching.source).toBe('lfu')
    expect(rung('monitor')).toMatchObject({ state: 'refused' })
    expect(rung('monitor')?.reason).toMatch(/MONITOR/)
    // More than one look at all 701 keys: the cursor went on, and began anew.
    await until('a whole round', () => ladder.cost.hits > 1_000)
    await watching.stop()
    expect(await statistic(node, 'keyspace_hits')).toBe(hits + ladder.cost.hits)
    expect(await statistic(node, 'keyspace_misses')).toBe(misses + ladder.cost.misses)
  })

  it('asks a node without any source seldom, and says so once', async () => {
    const node = await server()
    await node.command('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '+@all', '-monitor', '-object')
    const user = { username: 'weak', password: 'secret' }
    const { ladder, logs, commands, rung } = await watched(node, {}, user)
    const others = ['hotkeys', 'client', 'slot-stats', 'lfu']
    await until('the refusal of each', () => {
      const isRefused = (source: string) => /^(unsupported|refused)$/.test(rung(source)?.state ?? '')
      return ladder.refusal !== null && others.every(isRefused)
    })
    const sent = [...commands.sent.values()].reduce((sum, count) => sum + count, 0)
    await delay(5_000)
    expect(ladder.refusal).toMatch(/User weak may not use MONITOR: ACL SETUSER weak \+monitor/)
    expect(ladder.report(Date.now())).toBeNull()
    expect(ladder.watching.source).toBeNull()
    expect([...commands.sent.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(sent + 2)
    expect(logs.filter(({ message }) => message === 'MONITOR is not used').length).toBe(1)
    expect(rung('hotkeys')?.state).toBe('unsupported')
    expect(await statistic(node, 'cmdstat_monitor')).toBe(0)
  })

  it.each([
    ['CONFIG disabled', { 'rename-command': 'CONFIG ' }, null],
    ['CONFIG, CLIENT, MEMORY and OBJECT denied', {}, ['-config', '-client', '-memory', '-object']],
  ])('loses nothing of MONITOR with %s', async (_, settings, rights) => {
    const node = await server(settings)
    await load(node)
    if (rights) await node.command('ACL', 'SETUSER', 'some', 'on', '>secret', '~*', '+@all', ...rights)
    const { ladder } = await watched(node, {}, rights && { username: 'some', password: 'secret' })
    const report = await until('a report', () => (ladder.refusal === null ? ladder.report(Date.now()) : null))
    expect(report.source).toBe('monitor')
  })

  it('says what OBJECT FREQ lacks, and asks for it once only', async () => {
    const node = await server(LFU)
    for (let at = 0; at < 100; at++) await node.command('SET', `key ${at}`, 'v')
    await node.command('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '+@all', '-monitor', '-object')
    const { rung, commands } = await watched(node, {}, { username: 'weak', password: 'secret' })
    expect(await until('the reason', () => rung('lfu')?.reason)).toMatch(/\+object\|freq lifts this/)
    await delay(4_500)
    expect(commands.sent.get('object|freq')).toBe(1)
    expect(rung('lfu')?.state).toBe('refused')
  })

  it('takes up MONITOR once it is allowed, and lets the other go', async () => {
    const node = await server(LFU)
    await load(node)
    await node.command('ACL', 'SETUSER', 'later', 'on', '>secret', '~*', '+@all', '-monitor')
    const { ladder, facts } = await watched(node, {}, { username: 'later', password: 'secret' })
    expect((await until('a report', () => ladder.report(Date.now()))).source).toBe('lfu')
    await node.command('ACL', 'SETUSER', 'later', '+monitor')
    // Another run of the server is another node: what was refused is asked for again.
    facts.runId = 'another'
    await ladder.stop()
    ladder.start()
    const report = await until('MONITOR', () => {
      const now = ladder.report(Date.now())
      return now?.source === 'monitor' && now.keys.length > 0 ? now : null
    })
    expect(text(report.keys[0]?.key)).toBe('hot')
    await until('it is told', () => ladder.watching.source === 'monitor')
  })

  it('asks a node of a cluster without SLOT-STATS once, and stops without a trace', async () => {
    const cluster = await startRedisCluster({ primaries: 1, replicasPerPrimary: 1, settings: LFU })
    ends.push(cluster.stop)
    for (const node of [cluster.primaries[0], cluster.replicas[0]?.[0]]) {
      const watching = await watchLadder(node as RedisProcess)
      watching.ladder.start()
      await until('it is asked', () => watching.rung('slot-stats')?.state === 'unsupported')
      expect(watching.rung('slot-stats')?.reason).toMatch(/no CLUSTER SLOT-STATS/)
      await watching.stop()
      expect(watching.commands.sent.get('cluster|slot-stats')).toBe(1)
    }
  })
  it("reads a cluster's replica by OBJECT FREQ, once it has said that it only reads", async () => {
    const settings = { ...LFU, 'rename-command': 'MONITOR ' }
    const cluster = await startRedisCluster({ primaries: 1, replicasPerPrimary: 1, settings })
    ends.push(cluster.stop)
    const replica = cluster.replicas[0]?.[0] as RedisProcess
    for (let at = 0; at < 20; at++) await cluster.primaries[0]?.command('SET', `key ${at}`, 'v')
    for (let at = 0; at < 200; at++) await cluster.primaries[0]?.command('APPEND', 'key 7', 'v')
    const { ladder, commands, rung } = await watched(replica)
    await until('it is used', () => rung('lfu')?.state === 'used' || rung('lfu')?.state === 'refused')
    const report = await until('a report', () => ladder.report(Date.now()))
    expect(report.source).toBe('lfu')
    expect(commands.sent.get('readonly')).toBe(1)
    expect(ladder.cost.misses).toBeLessThan(5)
  })
})
