/** Times to live are cut apart on a real server: never twice, never longer, whatever is killed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spreadTtls } from '../../../collector/mitigations/actions/spread-ttls.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig } from '../../support/action-context.ts'
import { type RedisProcess, startRedis } from '../../support/redis.ts'

const TTL_MS = 1_000_000
let server: RedisProcess
let topology: Topology

beforeAll(async () => {
  server = await startRedis()
  const nodes = [{ address: server.address, role: 'primary' as const, clusterNodeId: null }]
  topology = { cacheId: 'shop', at: 1, shards: [{ ordinal: 1, slots: null, nodes }] }
})
afterAll(async () => {
  await server?.stop()
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

function runOf(pattern: string, mitigationId = 7): ActionRun {
  let now = 1_000_000
  return new ActionRun({
    action: spreadTtls(),
    name: 'spread-ttls',
    target: { kind: 'cache' },
    parameters: { pattern, spread: 0.2 },
    cache: cacheConfig('standalone'),
    topology,
    mitigationId,
    // Every look is a page later.
    now: () => {
      now += 250
      return now
    },
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
