/** HOTKEYS of Redis 8.6 and Valkey 9.2, played by a scripted server in the shape of their documentation. */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { bareKey } from '../../../collector/hot-keys/rung.ts'
import { type CreateHotKeySource, noCost } from '../../../collector/hot-keys/source-types.ts'
import { watchLadder } from '../../support/ladder.ts'
import { delay, until } from '../../support/redis.ts'
import { type Reply, type ScriptedRedis, startScriptedRedis } from '../../support/scripted-redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const fixture = (name: string): Reply[] =>
  JSON.parse(readFileSync(new URL(`../../fixtures/hotkeys/${name}.json`, import.meta.url), 'utf8'))
const text = (key: Uint8Array | undefined) => Buffer.from(key ?? []).toString()
const unknown = (words: string[]) =>
  new Error(`ERR unknown command '${words[0]}', with args beginning with: `)
const infoOf = (engine: string) =>
  engine === 'valkey'
    ? 'server_name:valkey\r\nvalkey_version:9.2.0\r\nredis_version:7.2.4\r\nrun_id:a\r\nrole:master\r\n'
    : 'redis_version:8.6.0\r\nrun_id:a\r\nrole:master\r\n'

/** @param createMain what stands in MONITOR's place */
async function play(
  engine: 'redis' | 'valkey',
  answer: (words: string[]) => Reply | undefined,
  createMain?: CreateHotKeySource,
) {
  const server: ScriptedRedis = await startScriptedRedis((words) => {
    const reply = answer(words)
    if (reply !== undefined) return reply
    if (words[0] === 'INFO') return infoOf(engine)
    return words[0] === 'CLIENT' ? 'OK' : unknown(words)
  })
  ends.push(server.close)
  const watching = await watchLadder(
    { host: '127.0.0.1', port: server.port },
    { opsPerSec: 100_000 },
    null,
    createMain,
  )
  ends.push(watching.stop)
  const sent = (prefix: string) => server.commands.filter((command) => command.startsWith(prefix))
  return { ...watching, sent }
}

describe("Valkey's HOTKEYS", () => {
  const valkey = (settings: Record<string, string | number> | null, keys: () => Reply[]) =>
    play('valkey', ([name, sub]) => {
      if (name === 'HOTKEYS' && sub === 'GET') return keys()
      if (name === 'CONFIG') {
        return settings === null
          ? new Error("NOPERM User default has no permissions to run the 'config|get' command")
          : Object.entries(settings).flat().map(String)
      }
      if (name === 'INFO' && sub === 'hotkeys') {
        return '# Hotkeys\r\nhotkeys_last_window_samples:1000\r\nhotkeys_last_window_duration_ms:1002\r\n'
      }
      return undefined
    })
  const ON = { 'hotkeys-top-k': 50, 'hotkeys-sampling-percentage': 1, 'hotkeys-window-seconds': 1 }

  it('gives rates with an interval once MONITOR is not to be had', async () => {
    const { ladder, rung, sent } = await valkey(ON, () => fixture('valkey-9.2-resp2'))
    ladder.start()
    const report = await until('a report', () => ladder.report(Date.now()))
    expect(report).toMatchObject({ source: 'hotkeys', sampledCommands: 1_000, patterns: [] })
    // Of session:1 twelve uses were sampled, ten of which may be the sketch's error: it may not be hot at all.
    expect(report.keys.map(({ key, db }) => [text(key), db])).toEqual([['product:8fd21a', 0]])
    const [first] = report.keys
    expect(first?.opsPerSec).toBeCloseTo(48_200, 6)
    expect(first?.share).toBeCloseTo(0.482, 6)
    // 483 of them were sampled: ±10% by chance and by the sketch.
    expect(first?.opsPerSecLow).toBeGreaterThan(40_000)
    expect(first?.opsPerSecLow).toBeLessThan(46_000)
    expect(first?.opsPerSecHigh).toBeGreaterThan(50_500)
    expect(first?.opsPerSecHigh).toBeLessThan(56_000)
    expect(first).toMatchObject({ readsPerSec: null, writesPerSec: null, cpuShare: null, lfuCounter: null })
    expect(ladder.refusal).toBeNull()
    expect(ladder.watching.source).toBe('hotkeys')
    expect(rung('monitor')?.state).toBe('refused')
    expect(sent('CONFIG SET')).toEqual([])
    expect(sent('HOTKEYS RESET')).toEqual([])
  })

  it('says how to switch it on, and changes nothing', async () => {
    const { ladder, rung, sent } = await valkey({ ...ON, 'hotkeys-top-k': 0 }, () => [])
    ladder.start()
    const reason = await until('the reason', () => rung('hotkeys')?.reason)
    expect(reason).toMatch(/CONFIG SET hotkeys-top-k 50 switches it on/)
    await delay(4_500)
    expect(ladder.refusal).not.toBeNull()
    expect(sent('HOTKEYS').length).toBe(1)
    expect(sent('CONFIG SET')).toEqual([])
  })

  it('goes on without the right to read settings', async () => {
    const { ladder } = await valkey(null, () => fixture('valkey-9.2-resp2'))
    ladder.start()
    const report = await until('a report', () => ladder.report(Date.now()))
    expect(report.keys[0]?.opsPerSec).toBeCloseTo(48_200, 6)
  })
})

describe("Redis' HOTKEYS", () => {
  /** A server with the one session that Redis has. */
  function redis(
    others: { startedAt: number; active: number; durationMs: number; net?: boolean } | null,
    createMain?: CreateHotKeySource,
  ) {
    let session = others
    const recorded = fixture('redis-8.6-resp2')
    return play(
      'redis',
      ([name, sub]) => {
        if (name !== 'HOTKEYS') return undefined
        if (sub === 'START') {
          if (session?.active) return new Error('ERR hotkey tracking session already in progress')
          session = { startedAt: Date.now(), active: 1, durationMs: 7_001 }
          return 'OK'
        }
        if (sub === 'STOP' && session) session.active = 0
        if (sub === 'RESET') session = null
        if (sub !== 'GET') return 'OK'
        if (session === null) return null
        const reply = [...recorded]
        const set = (field: string, value: number) => {
          reply[recorded.indexOf(field) + 1] = value
        }
        set('tracking-active', session.active)
        set('collection-start-time-unix-ms', session.startedAt)
        set('collection-duration-ms', session.durationMs)
        if (session.net) reply.push('by-net-bytes', ['x', 7])
        // Redis 8.6 wraps what it answers.
        return [reply]
      },
      createMain,
    )
  }

  it('runs a short session of its own and leaves nothing behind', async () => {
    const { ladder, sent } = await redis(null)
    ladder.start()
    const report = await until('a report', () => ladder.report(Date.now()))
    expect(report).toMatchObject({ source: 'hotkeys', sampledCommands: null })
    expect(report.keys.map(({ key, cpuShare }) => [text(key), cpuShare])).toEqual([
      ['x', 104 / 220],
      ['y', 98 / 220],
      ['z', 18 / 220],
    ])
    expect(report.keys[0]).toMatchObject({ share: null, opsPerSec: null, topCommand: null })
    expect(sent('HOTKEYS START')).toEqual(['HOTKEYS START METRICS 1 CPU COUNT 20 DURATION 7'])
    expect(sent('HOTKEYS').at(-1)).toBe('HOTKEYS RESET')
  })

  it.each([
    ['that runs', { startedAt: 5, active: 1, durationMs: 900 }, /session runs on the node/],
    ['that has ended', { startedAt: 5, active: 0, durationMs: 900 }, /figures of someone else/],
    ['of our length', { startedAt: 5, active: 0, durationMs: 7_001, net: true }, /figures of someone else/],
  ])('leaves a session of someone else alone %s', async (_, session, sentence) => {
    const { ladder, rung, sent } = await redis(session)
    ladder.start()
    expect(await until('the reason', () => rung('hotkeys')?.reason)).toMatch(sentence)
    expect(rung('hotkeys')?.state).toBe('refused')
    await delay(2_500)
    expect(sent('HOTKEYS')).toEqual(['HOTKEYS GET'])
  })

  it('takes up what a collector of ours left behind, and ends its own session when it stops', async () => {
    const { ladder, sent } = await redis({ startedAt: 5, active: 0, durationMs: 7_001 })
    ladder.start()
    await until('a session', () => sent('HOTKEYS START').length === 1)
    await delay(200)
    await ladder.stop()
    expect(sent('HOTKEYS').slice(-2)).toEqual(['HOTKEYS STOP', 'HOTKEYS RESET'])
  })
  it('adds the part of the command time to what MONITOR saw', async () => {
    const row = (key: string, db: number) => ({
      ...bareKey(db, Buffer.from(key)),
      share: 0.1,
      opsPerSec: 100,
    })
    const keys = [row('x', 0), row('y', 0), row('y', 7), row('only seen', 0)]
    const window = { windowFrom: 1, windowTo: 2, sampledCommands: 500, patterns: [] }
    const { ladder } = await redis(null, (options) => ({
      start: () => {},
      stop: async () => {},
      report: () => ({ source: 'monitor', ...window, keys }),
      refusal: null,
      cost: { ...noCost(), commands: 3, byCommand: new Map([['monitor', 3]]), hits: 2, cpuUs: 70 },
      watching: {
        ...{ source: 'monitor', sources: [{ source: 'monitor', state: 'used', reason: null }] },
        ...{
          budget: options.budget,
          attention: 1,
          predictedShare: 0.01,
          measuredShare: null,
          lastBurst: null,
        },
      },
    }))
    ladder.start()
    const report = await until('the command time', () => {
      const now = ladder.report(Date.now())
      return now?.keys.some(({ cpuShare }) => cpuShare !== null) ? now : null
    })
    expect(report).toMatchObject({ source: 'monitor', sampledCommands: 500 })
    // Of y in two databases it is not known which one HOTKEYS means.
    expect(report.keys.map(({ key, db, cpuShare, share }) => [text(key), db, cpuShare, share])).toEqual([
      ['x', 0, 104 / 220, 0.1],
      ['y', 0, null, 0.1],
      ['y', 7, null, 0.1],
      ['only seen', 0, null, 0.1],
    ])
    expect(ladder.watching.sources.slice(0, 2)).toEqual([
      { source: 'monitor', state: 'used', reason: null },
      { source: 'hotkeys', state: 'used', reason: null },
    ])
    expect(ladder.cost).toMatchObject({ commands: 3, hits: 2, cpuUs: 70 })
  })
})
