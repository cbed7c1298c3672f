/** Times to live are cut apart on a real server: never twice, never longer, whatever is killed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spreadTtls } from '../../../collector/mitigations/actions/spread-ttls.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig, type RunOptions } from '../../support/action-context.ts'
import { type RedisProcess, startRedis } from '../../support/redis.ts'
import { startScriptedRedis } from '../../support/scripted-redis.ts'

const TTL_MS = 1_000_000
let server: RedisProcess
let topology: Topology

beforeAll(async () => {
  server = await startRedis()
  topology = topologyOf(server.address)
})
afterAll(async () => {
  await server?.stop()
})

const topologyOf = (address: string): Topology => ({
  ...{ cacheId: 'shop', at: 1 },
  shards: [{ ordinal: 1, slots: null, nodes: [{ address, role: 'primary', clusterNodeId: null }] }],
})

const FILL = `
  redis.call('SELECT', ARGV[1])
  for i = 1, 600 do redis.call('SET', 'article:' .. i, 'v', 'PXAT', ARGV[2]) end
  for i = 1, 100 do redis.call('SET', 'other:' .. i, 'v', 'PXAT', ARGV[2]) end
  for i = 1, 50 do redis.call('SET', 'article:kept:' .. i, 'v') end`
const READ = `
  redis.call('SELECT', ARGV[1])
  local times = {}
  for i = 1, ARGV[3] do times[i] = redis.call('PEXPIRETIME', ARGV[2] .. i) end
  return times`

async function expiries(db: number, prefix: string, count: number): Promise<number[]> {
  return (await server.command('EVAL', READ, 0, db, prefix, count)) as number[]
}

function runOf(pattern: string, more: Partial<RunOptions> = {}): ActionRun {
  let now = 1_000_000
  return new ActionRun({
    action: spreadTtls(),
    name: 'spread-ttls',
    target: { kind: 'cache' },
    parameters: { pattern, spread: 0.2 },
    cache: cacheConfig('standalone'),
    topology,
    mitigationId: 7,
    // Every look is a page later.
    now: () => {
      now += 250
      return now
    },
    ...more,
  })
}

describe('spread-ttls', { timeout: 300_000 }, () => {
  it('cuts each by a share of its own, in every database, the same whatever is killed', async () => {
    let whole: number[] | null = null
    for (let point = 0; ; point += 3) {
      expect(point).toBeLessThan(4_000)
      const at = Date.now() + TTL_MS
      await server.command('FLUSHALL')
      for (const db of [0, 3]) await server.command('EVAL', FILL, 0, db, at)
      const run = runOf('article:*')
      // Points are many: each key is one. Those of the first pages and of the last stand for the others.
      run.killIn(point > 60 && point < 3_000 ? 3_000 : point)
      if (point > 60 && point < 3_000) point = 3_000
      expect(await run.on()).toMatchObject({
        kind: 'finished',
        message: expect.stringMatching(/^1200 of 1300 keys of article:\* expire earlier now/),
      })
      const cut = [...(await expiries(0, 'article:', 600)), ...(await expiries(3, 'article:', 600))]
      for (const expiry of cut) {
        expect(expiry).toBeLessThanOrEqual(at)
        // Once: a second cut would go beyond. Some seconds pass meanwhile.
        expect(expiry).toBeGreaterThan(at - TTL_MS * 0.2 - 1_000)
      }
      // By how much, so that the runs may be as long after one another as this machine needs.
      const cuts = cut.map((expiry) => at - expiry)
      whole ??= cuts
      const differences = cuts.map((ms, index) => Math.abs(ms - (whole?.[index] ?? 0)))
      expect(Math.max(...differences)).toBeLessThan(TTL_MS * 0.02)
      expect(await expiries(0, 'article:kept:', 50)).toEqual(Array.from({ length: 50 }, () => -1))
      expect(new Set(await expiries(0, 'other:', 100))).toEqual(new Set([at]))
      run.close()
      if (run.isKillPending) break
    }
    const spreadOver = Math.max(...(whole ?? [])) - Math.min(...(whole ?? []))
    expect(spreadOver).toBeGreaterThan(TTL_MS * 0.18)
  })

  it('cuts no key twice when the table has grown between a kill and what follows it', async () => {
    await server.command('FLUSHALL')
    const at = Date.now() + TTL_MS
    await server.command('EVAL', FILL, 0, 0, at)
    const run = runOf('article:*')
    // In the middle of the first page, whose keys the grown table spreads over many pages.
    expect(await run.dieAt(400)).toBe(true)
    const cutBefore = (await expiries(0, 'article:', 600)).filter((expiry) => expiry < at)
    expect(cutBefore.length).toBeGreaterThan(100)
    const grow = "for i = 1, 20000 do redis.call('SET', 'new:' .. i, 'v') end"
    await server.command('EVAL', grow, 0)
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    for (const expiry of await expiries(0, 'article:', 600)) {
      expect(expiry).toBeLessThan(at)
      expect(expiry).toBeGreaterThan(at - TTL_MS * 0.2 - 1_000)
    }
  })

  it('cuts a key once that SCAN shows twice', async () => {
    const scripted = await startScriptedRedis(([name, cursor]) => {
      if (name === 'INFO')
        return 'redis_version:7.0.15\r\nrun_id:r\r\nrole:master\r\ndb0:keys=3,expires=3,avg_ttl=9\r\n'
      if (name === 'SCAN') return cursor === '0' ? ['7', ['a', 'b']] : ['0', ['b', 'c']]
      if (name === 'TIME') return ['1000', '0']
      return name === 'PTTL' ? 1_000_000 : 1
    })
    const run = runOf('*', { topology: topologyOf(`127.0.0.1:${scripted.port}`) })
    expect(await run.on()).toMatchObject({
      kind: 'finished',
      message: expect.stringMatching(/^3 of 3 keys/),
    })
    const cut = scripted.commands.filter((words) => words.startsWith('PEXPIREAT'))
    expect(cut.map((words) => words.split(' ')[1]).toSorted()).toEqual(['a', 'b', 'c'])
    await scripted.close()
  })

  it('gives none to a key that has lost its own meanwhile', async () => {
    await server.command('FLUSHALL')
    const at = Date.now() + TTL_MS
    for (const key of ['article:1', 'article:2']) await server.command('SET', key, 'v', 'PXAT', at)
    const real = spreadTtls()
    let isLost = false
    const activate: typeof real.activate = (context) =>
      real.activate({
        ...context,
        // The times are known and none is sent.
        async saveState(state) {
          await context.saveState(state)
          if (!isLost) await server.command('SET', 'article:1', 'v')
          isLost = true
        },
      })
    const run = runOf('article:*', { action: { ...real, activate } })
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    expect(run.sent.filter((words) => words.startsWith('PEXPIREAT article:1 '))).toHaveLength(1)
    expect(await expiries(0, 'article:', 2)).toEqual([-1, expect.toSatisfy((expiry) => expiry < at)])
  })

  it('fails with what was done once the server was restarted', async () => {
    const own = await startRedis()
    await own.command('EVAL', FILL, 0, 0, Date.now() + TTL_MS)
    const run = runOf('article:*', { topology: topologyOf(own.address) })
    // In the second page.
    expect(await run.dieAt(700)).toBe(true)
    await own.kill('SIGKILL')
    await own.restart()
    await own.command('EVAL', FILL, 0, 0, Date.now() + TTL_MS)
    const before = run.sent.length
    expect(await run.on()).toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(
        /was restarted.* [1-9]\d* of [1-9]\d* keys of article:\* expire earlier/,
      ),
    })
    expect(run.sent.slice(before)).toEqual(['INFO server'])
    await own.stop()
  })

  it('leaves alone what Cachescope keeps there itself', async () => {
    await server.command('FLUSHALL')
    const at = Date.now() + TTL_MS
    const own = ['{hk:shop}:pol', '{hk:shop}:i:1', '{hk:shop}:insts', 'hk:apps', '{hk1.17}:article:42']
    for (const key of [...own, 'hk:others', '{hkx}:1']) await server.command('SET', key, 'v', 'PXAT', at)
    const run = runOf('*hk*')
    expect(await run.on()).toMatchObject({ message: expect.stringMatching(/^2 of 2 keys/) })
    const expiryOf = async (key: string) => Number(await server.command('PEXPIRETIME', key))
    for (const key of own) expect(await expiryOf(key)).toBe(at)
    for (const key of ['hk:others', '{hkx}:1']) expect(await expiryOf(key)).toBeLessThan(at)
    run.close()
  })

  it('refuses where nothing expires, and stops when it is called off', async () => {
    await server.command('FLUSHALL')
    await server.command('SET', 'k', 'v')
    const run = runOf('*')
    expect(await run.on()).toMatchObject({ kind: 'refused', message: expect.stringMatching(/time to live/) })
    await server.command('EVAL', FILL, 0, 0, Date.now() + TTL_MS)
    const other = runOf('*')
    await other.dieAt(10)
    expect(await other.drain()).toMatchObject({ kind: 'done' })
    other.close()
  })
})
