/** HOTKEYS of a real Redis 8.6, and of Valkey 9.2, played by a scripted server in the shape of its documentation. */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { parseHotkeysReply } from '../../../collector/hot-keys/engine-hotkeys-replies.ts'
import { bareKey } from '../../../collector/hot-keys/rung.ts'
import { type CreateHotKeySource, type NodeFacts, noCost } from '../../../collector/hot-keys/source-types.ts'
import { watchLadder } from '../../support/ladder.ts'
import { delay, startRedis, until } from '../../support/redis.ts'
import { type Reply, type ScriptedRedis, startScriptedRedis } from '../../support/scripted-redis.ts'
import { startTraffic } from '../../support/traffic.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const fixture = (name: string): Reply[] =>
  JSON.parse(readFileSync(new URL(`../../fixtures/hotkeys/${name}.json`, import.meta.url), 'utf8'))
const text = (key: Uint8Array | undefined) => Buffer.from(key ?? []).toString()
const unknown = (words: string[]) =>
  new Error(`ERR unknown command '${words[0]}', with args beginning with: `)
const INFO =
  'server_name:valkey\r\nvalkey_version:9.2.0\r\nredis_version:7.2.4\r\nrun_id:a\r\nrole:master\r\n'

async function play(answer: (words: string[]) => Reply | undefined) {
  const server: ScriptedRedis = await startScriptedRedis((words) => {
    const reply = answer(words)
    if (reply !== undefined) return reply
    if (words[0] === 'INFO') return INFO
    return words[0] === 'CLIENT' ? 'OK' : unknown(words)
  })
  ends.push(server.close)
  const watching = await watchLadder({ host: '127.0.0.1', port: server.port }, { opsPerSec: 100_000 })
  ends.push(watching.stop)
  const sent = (prefix: string) => server.commands.filter((command) => command.startsWith(prefix))
  return { ...watching, sent }
}

describe("Valkey's HOTKEYS", () => {
  const valkey = (settings: Record<string, string | number> | null, keys: () => Reply[]) =>
    play(([name, sub]) => {
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

describe.concurrent("Redis' HOTKEYS", () => {
  /** Six of ten commands are of `hot`, three of `warm`. */
  async function loaded(onEnd: OnEnd, fixed: Partial<NodeFacts> = {}, more: More = {}) {
    const server = await startRedis({ engine: 'redis' })
    onEnd(server.stop)
    let sent = 0
    const traffic = await startTraffic(server.port, 2_000, () => {
      sent++
      const place = sent % 10
      return ['GET', place < 6 ? 'hot' : place < 9 ? 'warm' : `cold ${sent % 1_000}`]
    })
    onEnd(() => traffic.stop())
    const user = { username: 'watcher', password: 'secret' }
    const rights = more.createMain ? [] : ['-monitor', '-object']
    await server.command('ACL', 'SETUSER', 'watcher', 'on', '>secret', '~*', '+@all', ...rights)
    const start = async () => {
      const watching = await watchLadder(server, fixed, user, more.createMain, more)
      onEnd(watching.stop)
      watching.ladder.start()
      return watching
    }
    const session = async () => parseHotkeysReply(await server.command('HOTKEYS', 'GET'))
    return { server, start, session }
  }
  /** What holds the server up in a command counts as that command's time: half a minute later is another session. */
  const undisturbed = <T>(probe: () => T) => until('a session that nothing disturbed', probe, 120_000)
  type OnEnd = (end: () => Promise<void>) => void
  type More = { createMain?: CreateHotKeySource; now?: () => number }

  it('runs a short session of its own, tells what it cost, and leaves nothing behind', async ({
    onTestFinished,
  }) => {
    const { start, session } = await loaded(onTestFinished)
    const { ladder } = await start()
    const report = await undisturbed(() => {
      const now = ladder.report(Date.now())
      expect(now?.keys.slice(0, 2).map(({ key }) => text(key))).toEqual(['hot', 'warm'])
      expect(now?.keys[0]?.cpuShare).toBeGreaterThan(0.3)
      expect(now?.keys[0]?.cpuShare).toBeLessThan(0.9)
      return now
    })
    expect(report).toMatchObject({ source: 'hotkeys', sampledCommands: null })
    expect(report.keys[0]).toMatchObject({ share: null, opsPerSec: null, topCommand: null })
    await until('nothing is left of it', async () => (await session())?.kind === 'none')
    // 1,000 commands a second are what the ladder was told, for seven seconds.
    expect(ladder.cost.cpuUs).toBeGreaterThan(1_000)
  }, 180_000)

  it('looks at one use of ten of a node that runs very many, and adds the time to what MONITOR saw', async ({
    onTestFinished,
  }) => {
    const row = (key: string, db: number) => ({
      ...bareKey(db, Buffer.from(key)),
      share: 0.1,
      opsPerSec: 100,
    })
    const keys = [row('hot', 0), row('warm', 0), row('warm', 7), row('only seen', 0)]
    const window = { windowFrom: 1, windowTo: 2, sampledCommands: 500, patterns: [] }
    const createMain: CreateHotKeySource = ({ budget }) => ({
      start: () => {},
      stop: async () => {},
      report: () => ({ source: 'monitor', ...window, keys }),
      refusal: null,
      cost: { ...noCost(), commands: 3, byCommand: new Map([['monitor', 3]]), hits: 2, cpuUs: 70 },
      watching: {
        ...{ source: 'monitor', sources: [{ source: 'monitor', state: 'used', reason: null }], budget },
        ...{ attention: 1, predictedShare: 0.01, measuredShare: null, lastBurst: null },
      },
    })
    const { start, session } = await loaded(onTestFinished, { opsPerSec: 100_000 }, { createMain })
    const { ladder } = await start()
    const running = await until('a session', async () => {
      const now = await session()
      return now?.kind === 'redis' && now.session.isActive ? now.session : null
    })
    expect(running).toMatchObject({ sampleRatio: 10, countsBytes: false })
    const report = await undisturbed(() => {
      const now = ladder.report(Date.now())
      // Of ten thousand uses and more a tenth was timed.
      expect(now?.keys[0]?.cpuShare).toBeGreaterThan(0.2)
      return now
    })
    expect(report).toMatchObject({ source: 'monitor', sampledCommands: 500 })
    // Of `warm` in two databases it is not known which one HOTKEYS means.
    expect(report.keys.map(({ key, db, cpuShare, share }) => [text(key), db, cpuShare, share])).toEqual([
      ['hot', 0, expect.any(Number), 0.1],
      ['warm', 0, null, 0.1],
      ['warm', 7, null, 0.1],
      ['only seen', 0, null, 0.1],
    ])
    expect(report.keys[0]?.cpuShare).toBeLessThanOrEqual(1)
    expect(ladder.watching.sources.slice(0, 2)).toEqual([
      { source: 'monitor', state: 'used', reason: null },
      { source: 'hotkeys', state: 'used', reason: null },
    ])
    expect(ladder.cost).toMatchObject({ commands: 3, hits: 2 })
  }, 180_000)

  it.for([
    ['that runs', false, ['CPU'], /session runs on the node/],
    ['that has ended', true, ['CPU'], /figures of someone else/],
    ['of bytes', true, ['CPU', 'NET'], /figures of someone else/],
  ] as const)(
    'leaves a session of someone else alone %s',
    async ([, isOver, metrics, sentence], { onTestFinished }) => {
      const { server, start, session } = await loaded(onTestFinished)
      await server.command('HOTKEYS', 'START', 'METRICS', metrics.length, ...metrics)
      if (isOver) await server.command('HOTKEYS', 'STOP')
      const { ladder, rung, commands } = await start()
      expect(await until('the reason', () => rung('hotkeys')?.reason)).toMatch(sentence)
      expect(rung('hotkeys')?.state).toBe('refused')
      await ladder.stop()
      expect([...commands.sent.keys()].filter((name) => name.startsWith('hotkeys'))).toEqual(['hotkeys|get'])
      expect(await session()).toMatchObject({ kind: 'redis', session: { isActive: !isOver } })
    },
  )

  it('takes up what a collector of ours left behind, and ends its own session when it stops', async ({
    onTestFinished,
  }) => {
    const later = () => Date.now() + 90_000
    const { server, start, session } = await loaded(onTestFinished, {}, { now: later })
    await server.command('HOTKEYS', 'START', 'METRICS', 1, 'CPU', 'COUNT', 20, 'DURATION', 7)
    const left = await until('it has ended', async () => {
      const now = await session()
      return now?.kind === 'redis' && !now.session.isActive ? now.session : null
    })
    const { ladder } = await start()
    await until('a session of ours', async () => {
      const now = await session()
      return now?.kind === 'redis' && now.session.isActive && now.session.startedAt !== left.startedAt
    })
    await ladder.stop()
    expect(await session()).toEqual({ kind: 'none' })
  })
})
