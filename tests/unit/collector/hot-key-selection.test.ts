import { describe, expect, test } from 'vitest'
import { Claims } from '../../../collector/hot-keys/claims.ts'
import type { KeyFacts } from '../../../collector/hot-keys/key-prober.ts'
import { ReportedKeys, selectKeys } from '../../../collector/hot-keys/selection.ts'
import type { HotKeyReport, ReportedKey } from '../../../collector/hot-keys/source-types.ts'

const key = (name: string, share: number, more: Partial<ReportedKey> = {}): ReportedKey => ({
  key: Buffer.from(name),
  db: 0,
  share,
  shareLow: share * 0.8,
  shareHigh: share * 1.2,
  opsPerSec: share * 10_000,
  opsPerSecLow: share * 8_000,
  opsPerSecHigh: share * 12_000,
  readsPerSec: share * 10_000,
  writesPerSec: 0,
  topCommand: 'GET',
  cpuShare: null,
  lfuCounter: null,
  ...more,
})
const report = (keys: ReportedKey[]): HotKeyReport => ({
  source: 'monitor',
  windowFrom: 0,
  windowTo: 10_000,
  sampledCommands: 1_000,
  keys,
  patterns: [],
})
const text = ({ key }: { key: Uint8Array }) => Buffer.from(key).toString()
const sixty = Array.from({ length: 60 }, (_, index) => key(`k${index}`, 0.1 / (index + 1)))

describe('the keys that are kept of sixty', () => {
  test('the twenty hottest where nothing else is known', () => {
    const kept = selectKeys(report(sixty), () => null)
    expect(kept.map(text)).toEqual(sixty.slice(0, 20).map(text))
    expect(kept.map(({ rank }) => rank)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(kept[0]).toMatchObject({ sizeBytes: null, isMissing: null, probedAt: null })
  })

  test('and of the others the ten hottest that are missing, and the ten that move the most bytes', () => {
    const facts = (one: ReportedKey): KeyFacts | null => {
      const index = Number(text(one).slice(1))
      if (index >= 45) return { sizeBytes: null, isMissing: true, probedAt: 7 }
      return { sizeBytes: index === 40 ? 1e6 : 100, isMissing: false, probedAt: 7 }
    }
    const kept = selectKeys(report(sixty), facts)
    expect(kept).toHaveLength(40)
    expect(kept.filter(({ isMissing }) => isMissing).map(text)).toEqual(
      Array.from({ length: 10 }, (_, index) => `k${45 + index}`),
    )
    expect(kept.map(text)).toContain('k40')
    expect(kept.find((one) => text(one) === 'k40')).toMatchObject({ rank: 41, sizeBytes: 1e6, probedAt: 7 })
    expect(kept.map(({ rank }) => rank)).toEqual(kept.map(({ rank }) => rank).toSorted((a, b) => a - b))
  })

  test('with the commands that were seen of each; with none where the source tells none', () => {
    const told = { ...report(sixty), commandsOf: (one: ReportedKey) => [`GET ${text(one)}`, 'INCR'] }
    expect(selectKeys(told, () => null)[2]?.commands).toEqual(['GET k2', 'INCR'])
    expect(selectKeys(report(sixty), () => null)[2]?.commands).toEqual([])
  })

  test('a source without rates keeps its order', () => {
    const ranked = sixty.map((one) => ({ ...one, share: null, opsPerSec: null, lfuCounter: 9 }))
    expect(selectKeys(report(ranked), () => ({ sizeBytes: 1, isMissing: false, probedAt: 1 }))).toHaveLength(
      20,
    )
  })
})

describe('news that cannot wait', () => {
  test('a key that was not there before, among the top ones', () => {
    const reported = new ReportedKeys()
    const before = [key('a', 0.3), key('b', 0.2)]
    expect(reported.hasNews(before, 0)).toBe(true)
    reported.note(before, 0)
    expect(reported.hasNews(before, 1_000)).toBe(false)
    expect(reported.hasNews([...before, key('new', 0.02)], 1_000)).toBe(true)
  })
  test('not one beyond the top ten, nor another order of the same, nor one that is not sure', () => {
    const reported = new ReportedKeys()
    const top = sixty.slice(0, 10)
    reported.note(top, 0)
    expect(reported.hasNews([...top, key('new', 0.001)], 100)).toBe(false)
    expect(reported.hasNews(top.toReversed(), 100)).toBe(false)
    expect(reported.hasNews([key('new', 0.5, { shareLow: 0 })], 100)).toBe(false)
    expect(reported.hasNews([key('new', 0.5, { shareLow: null })], 100)).toBe(false)
  })
  test('one that has surely doubled, and one that comes back', () => {
    const reported = new ReportedKeys()
    reported.note([key('a', 0.01)], 0)
    expect(reported.hasNews([key('a', 0.015)], 1_000)).toBe(false)
    expect(reported.hasNews([key('a', 0.1)], 1_000)).toBe(true)
    expect(reported.hasNews([key('a', 0.01)], 60_000)).toBe(true)
  })
  test('what is remembered is bounded, and databases are told apart', () => {
    const reported = new ReportedKeys()
    for (let at = 0; at < 2_000; at++) reported.note([key(`k${at}`, 0.01)], at)
    expect(reported.hasNews([key('k1999', 0.01)], 2_000)).toBe(false)
    expect(reported.hasNews([key('k0', 0.01)], 2_000)).toBe(true)
    expect(reported.hasNews([key('k1999', 0.01, { db: 1 })], 2_000)).toBe(true)
  })
})

test('one server is read once, under whatever addresses, and given on when it is left', () => {
  const claims = new Claims()
  const [one, other] = [{}, {}]
  expect(claims.claim('run-1', one, 'shop (a:1)')).toBeNull()
  expect(claims.claim('run-1', one, 'shop (a:1)')).toBeNull()
  expect(claims.claim('run-1', other, 'sessions (b:1)')).toBe('shop (a:1)')
  // The server of the first was restarted: a new run id, and the old one is nobody's.
  expect(claims.claim('run-2', one, 'shop (a:1)')).toBeNull()
  expect(claims.claim('run-1', other, 'sessions (b:1)')).toBeNull()
  claims.release(one)
  expect(claims.claim('run-2', other, 'sessions (b:1)')).toBeNull()
})
