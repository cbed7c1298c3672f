import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { Claims } from '../../../collector/hot-keys/claims.ts'
import { LookPace } from '../../../collector/hot-keys/look-pace.ts'
import {
  HotKeyReporter,
  type HotKeyReporterOptions,
  type HotKeyRows,
} from '../../../collector/hot-keys/reporter.ts'
import {
  type HotKeyReport,
  type HotKeySource,
  type HotKeySourceOptions,
  noCost,
  type ReportedKey,
  type ReportedPattern,
} from '../../../collector/hot-keys/source-types.ts'
import { parseConfig } from '../../../core/config.ts'

const START = 1_700_000_000_000
beforeEach(() => void vi.useFakeTimers({ now: START }))
afterEach(() => void vi.useRealTimers())

const quiet = () => {}
const hotKey = (name: string, share: number): ReportedKey => ({
  key: Buffer.from(name),
  db: 0,
  share,
  shareLow: share * 0.8,
  shareHigh: share * 1.2,
  opsPerSec: share * 1_000,
  opsPerSecLow: share * 800,
  opsPerSecHigh: share * 1_200,
  readsPerSec: share * 1_000,
  writesPerSec: 0,
  topCommand: 'GET',
  cpuShare: null,
  lfuCounter: null,
})

const PATTERN: ReportedPattern = {
  pattern: 'k*',
  share: 0.5,
  shareLow: 0.4,
  shareHigh: 0.6,
  opsPerSec: 500,
  opsPerSecLow: 400,
  opsPerSecHigh: 600,
  readsPerSec: 500,
  writesPerSec: 0,
  keysSeen: 7,
}

/** A reporter whose source says what the test has it say. */
function setUp(hotKeys = '{}', more: Partial<HotKeyReporterOptions> = {}) {
  const [cache] = parseConfig(
    `caches: [{ name: shop, kind: standalone, nodes: [redis://a], hotKeys: ${hotKeys} }]`,
    {},
  ).caches
  if (!cache) throw new Error('no cache')
  const credentials = { username: null, password: null, tls: null }
  const place = { host: 'a', port: 6379, address: 'a:6379' }
  const calls: string[] = []
  const rows: HotKeyRows[] = []
  const state = { pause: null as string | null, keys: [] as ReportedKey[], patternsAsked: 0 }
  const made: { options: HotKeySourceOptions | null } = { options: null }
  const createHotKeySource = (options: HotKeySourceOptions): HotKeySource => {
    made.options = options
    return {
      start: () => void calls.push('start'),
      stop: async () => void calls.push('stop'),
      report: (now): HotKeyReport => ({
        source: 'monitor',
        windowFrom: now - 10_000,
        windowTo: now,
        sampledCommands: 1_000,
        keys: state.keys,
        get patterns() {
          state.patternsAsked++
          return [PATTERN]
        },
      }),
      refusal: null,
      cost: noCost(),
      watching: {
        source: null,
        sources: [],
        budget: options.budget,
        attention: null,
        predictedShare: null,
        measuredShare: null,
        lastBurst: null,
      },
    }
  }
  const reporter = new HotKeyReporter({
    cache,
    credentials,
    watcher: {
      place,
      connection: new NodeConnection(place, credentials),
      state: 'up',
      reading: null,
      shaped: null,
    },
    loadCommandTable: () => Promise.reject(new Error('not asked for')),
    onHotKeys: (reported) => void rows.push(reported),
    hotKeyPause: () => state.pause,
    createHotKeySource,
    clock: { now: () => Date.now(), monotonic: () => Date.now(), random: () => 0 },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    ...more,
  })
  return { reporter, state, calls, rows, options: () => made.options }
}

it('pauses and resumes the source within a second, and says why it waits', async () => {
  const { reporter, state, calls } = setUp()
  state.pause = 'The lease is gone.'
  reporter.start()
  expect([calls, reporter.refusal]).toEqual([[], 'The lease is gone.'])
  state.pause = null
  vi.advanceTimersByTime(3_000)
  expect([calls, reporter.refusal]).toEqual([['start'], null])
  state.pause = 'The lease is gone again.'
  vi.advanceTimersByTime(3_000)
  expect([calls, reporter.refusal]).toEqual([['start', 'stop'], 'The lease is gone again.'])
  await reporter.stop()
})

describe('what the configuration says', () => {
  it.each([
    ['of the cache', '{ budget: 2%, maxLatency: 30ms }', 0.02, 30],
    ['of the node', '{ budget: 2%, nodes: { "a:6379": { budget: 0.5% } } }', 0.005, 20],
    ['of another node', '{ budget: 2%, nodes: { "b:6379": { budget: 0.5% } } }', 0.02, 20],
  ])('%s goes to the source', (_, hotKeys, budget, maxLatencyMs) => {
    const { options, reporter } = setUp(hotKeys)
    expect(options()).toMatchObject({ budget, maxLatencyMs })
    expect(reporter.watching?.budget).toBe(budget)
  })

  it.each([
    ['{ enabled: false }', /for this cache/],
    ['{ nodes: { "a:6379": { enabled: false } } }', /for a:6379/],
  ])('%s: no source is made', (hotKeys, sentence) => {
    const { options, reporter } = setUp(hotKeys)
    reporter.start()
    expect(options()).toBeNull()
    expect(reporter.refusal).toMatch(sentence)
    expect(reporter.watching).toBeNull()
  })

  it('one node may be watched where the cache is not', () => {
    const { options } = setUp('{ enabled: false, nodes: { "a:6379": { enabled: true } } }')
    expect(options()).not.toBeNull()
  })
})

it('a server that another cache reads is left to it, until it is given up', async () => {
  const claims = new Claims()
  const one = setUp('{}', { claims })
  const other = setUp('{}', { claims })
  one.reporter.start()
  other.reporter.start()
  expect([one.calls, other.calls]).toEqual([['start'], []])
  expect(other.reporter.refusal).toMatch(/as a node of shop \(a:6379\) already/)
  await one.reporter.stop()
  vi.advanceTimersByTime(1_000)
  expect(other.calls).toEqual(['start'])
  expect(other.reporter.refusal).toBeNull()
  await other.reporter.stop()
})

describe('when rows are made', () => {
  it('every five seconds while nothing is new, patterns with each third', async () => {
    const { reporter, state, rows } = setUp()
    state.keys = [hotKey('k', 0.3)]
    reporter.start()
    vi.advanceTimersByTime(31_000)
    expect(rows.length).toBeGreaterThanOrEqual(6)
    expect(rows.length).toBeLessThanOrEqual(7)
    expect(rows.map(({ isUrgent }) => isUrgent)).toEqual(rows.map((_, index) => index === 0))
    const withPatterns = rows.flatMap(({ patterns }, index) => (patterns.length > 0 ? [index] : []))
    expect(withPatterns).toEqual([0, 3, 6].filter((index) => index < rows.length))
    expect(rows[0]?.keys[0]).toMatchObject({ cacheId: 'shop', address: 'a:6379', rank: 1, source: 'monitor' })
    expect(rows[0]?.patterns[0]).toMatchObject({ cacheId: 'shop', rank: 1, pattern: 'k*' })
    await reporter.stop()
  })

  it('at once when a burst brings a new key', async () => {
    const { reporter, state, rows, options } = setUp()
    state.keys = [hotKey('k', 0.3)]
    reporter.start()
    vi.advanceTimersByTime(2_500)
    expect(rows).toHaveLength(1)
    state.keys = [hotKey('k', 0.3), hotKey('new', 0.05)]
    options()?.onNews()
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatchObject({ isUrgent: true })
    options()?.onNews()
    vi.advanceTimersByTime(150)
    options()?.onNews()
    expect(rows).toHaveLength(2)
    await reporter.stop()
  })

  it('keys that come and go all the time do not make a flood', async () => {
    const { reporter, state, rows, options } = setUp()
    reporter.start()
    for (let at = 0; at < 100; at++) {
      state.keys = [hotKey(`k${at}`, 0.3)]
      options()?.onNews()
      vi.advanceTimersByTime(50)
    }
    expect(rows.length).toBeLessThanOrEqual(18)
    await reporter.stop()
  })

  it('looks for news only while the process has time, and keeps its rhythm all the same', async () => {
    const pace = new LookPace({ monotonic: () => Date.now() })
    const { reporter, state, rows, options } = setUp('{}', { pace })
    state.keys = [hotKey('k', 0.3)]
    reporter.start()
    vi.advanceTimersByTime(1_500)
    pace.spend(2_000)
    state.keys = [hotKey('new', 0.5)]
    for (let at = 0; at < 20; at++) {
      options()?.onNews()
      vi.advanceTimersByTime(100)
    }
    expect(rows).toHaveLength(1)
    vi.advanceTimersByTime(4_000)
    expect(rows).toHaveLength(2)
    vi.advanceTimersByTime(4_000)
    state.keys = [hotKey('newer', 0.5)]
    options()?.onNews()
    expect(rows.at(-1)?.keys[0]?.key.toString()).toBe('newer')
    await reporter.stop()
  })

  it('asks for patterns when they are due only, also where no key is hot', async () => {
    const { reporter, state, rows, options } = setUp()
    reporter.start()
    for (let at = 0; at < 310; at++) {
      options()?.onNews()
      vi.advanceTimersByTime(100)
    }
    expect(rows.length).toBeGreaterThanOrEqual(6)
    expect(state.patternsAsked).toBe(rows.filter(({ patterns }) => patterns.length > 0).length)
    expect(state.patternsAsked).toBeGreaterThanOrEqual(2)
    await reporter.stop()
  })

  it('never while it pauses', async () => {
    const { reporter, state, rows, options } = setUp()
    state.keys = [hotKey('k', 0.3)]
    state.pause = 'The lease is gone.'
    reporter.start()
    options()?.onNews()
    vi.advanceTimersByTime(10_000)
    expect(rows).toEqual([])
    await reporter.stop()
  })
})
