import { expect, test } from 'vitest'
import { bytesText, cellsOf, countText, cutMiddle, shareText } from '../../../collector/look/cells.ts'
import type { LookResult } from '../../../collector/look/look.ts'
import { lookLines } from '../../../collector/look/look-table.ts'
import { formatKey } from '../../../core/key-text.ts'
import type { CacheHotKey } from '../../../core/model.ts'

const encode = (text: string) => new TextEncoder().encode(text)

const hotKey = (key: string, more: Partial<CacheHotKey> = {}): CacheHotKey => ({
  ...{ cacheId: 'shop', shardId: 2, nodeId: 1, nodeIds: [1], db: 0, rank: 1, source: 'monitor' },
  ...{ key: formatKey(encode(key)), keyBase64: Buffer.from(key).toString('base64') },
  ...{
    share: 0.123,
    shareLow: 0.119,
    shareHigh: 0.127,
    opsPerSec: 1234.5,
    opsPerSecLow: 1190,
    opsPerSecHigh: 1270,
  },
  ...{ readsPerSec: 1200, writesPerSec: 34.5, topCommand: 'HGET', commands: ['HGET'] },
  ...{ cpuShare: null, lfuCounter: null },
  ...{ sizeBytes: 2_000, bytesPerSec: 2_469_000, isMissing: false, probedAt: null },
  window: { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:00:10.000Z', sampledCommands: 900 },
  ...more,
})

const node: LookResult['nodes'][number] = {
  ...{ nodeId: 1, shardId: 2, cacheId: 'shop', address: '10.0.0.1:6379', role: 'primary', state: 'up' },
  ...{ message: null, refusal: null, watching: null, opsPerSec: 10_000 },
  ...{ wasLookedAt: true, sampledCommands: 6_400 },
}

const result = (hotKeys: CacheHotKey[], nodes = [node]): LookResult => ({
  ...{ from: 0, to: 5_000, nodes, hotKeys, patterns: [] },
  cost: {
    ...{ commands: 40, bytes: 1_900_000, connections: 7, windowMs: 230, monitorCpuUs: 30_000 },
    ...{ cpuShare: 0.008, measuredCpuShare: null },
  },
})

const view = { list: 'keys', by: 'rate', top: 20, width: null, color: false } as const

test('a row has share, interval, rates, shard, type and command', () => {
  const lines = lookLines(result([hotKey('user:7')]), view, true)
  expect(lines).toContain('1  user:7  12.3% ±0.4   1,235    1,200        35      2  hash  HGET')
  expect(lines.at(-1)).toBe(
    "Cost: 40 commands, 1.9 MB, 7 connections, MONITOR open 230 ms; 0.80% of the node's CPU by the model, MONITOR too small to be told apart in INFO cpu.",
  )
})

test.each([20, 40, 60, 80, 120])('no line is wider than %i cells, whatever the keys are', (width) => {
  const keys = [
    hotKey('k'.repeat(500)),
    hotKey('日本語のキー'.repeat(20)),
    hotKey('\x1b[2J\x1b]0;title\x07\r\n\u202eevil\u009b31m'),
    hotKey('👩‍👩‍👧‍👦 é'.repeat(9)),
  ]
  for (const line of lookLines(result(keys), { ...view, width }, false)) {
    expect(cellsOf(line)).toBeLessThanOrEqual(width)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/)
  }
})

test('by bytes, missing keys, and sources that know no rate', () => {
  const big = hotKey('big', { bytesPerSec: 9e6, sizeBytes: 5_300 })
  const gone = hotKey('gone', { isMissing: true, sizeBytes: null, bytesPerSec: null })
  const keys = [hotKey('little'), big, gone]
  const byBytes = lookLines(result(keys), { ...view, by: 'bytes' }, true).join('\n')
  expect(byBytes).toMatch(/1 +big +5\.3 kB +9\.0 MB[\s\S]*2 +little/)
  expect(byBytes).not.toContain('gone')
  const missing = lookLines(result(keys), { ...view, list: 'missing' }, true).join('\n')
  expect(missing).toMatch(/1 +gone .* missing/)
  expect(missing).not.toContain('little')
  const unknown = { share: null, shareLow: null, shareHigh: null, opsPerSec: null, readsPerSec: null }
  const ranked = [hotKey('a', { ...unknown, lfuCounter: 213 }), hotKey('b', { ...unknown, cpuShare: 0.2 })]
  const text = lookLines(result(ranked), view, true).join('\n')
  expect(text).toMatch(/a +LFU 213/)
  expect(text).toMatch(/b +20\.0% of CPU/)
  expect(text).not.toContain('uses/s')
})

test('nothing hot, and nodes that could not be read, are said', () => {
  expect(lookLines(result([]), view, true).join('\n')).toContain(
    'Nothing is hot: of 6,400 commands of 10,000/s no key has',
  )
  const idle = [{ ...node, opsPerSec: 0, sampledCommands: 0 }]
  expect(lookLines(result([], idle), view, true).join('\n')).toContain('no client sent commands')
  const refused = [{ ...node, refusal: 'User x may not use MONITOR: ACL SETUSER x +monitor lifts this.' }]
  const text = lookLines(result([], refused), view, true).join('\n')
  expect(text).toContain('Hot keys could not be read')
  expect(text).toContain('10.0.0.1:6379: User x may not use MONITOR')
})

test('what was hardly or never looked at is not said to be without hot keys', () => {
  const hardly = lookLines(result([], [{ ...node, sampledCommands: 200 }]), view, true).join('\n')
  expect(hardly).toContain(
    'Not looked at long enough to say what is hot: 200 commands of 10,000/s seen in 5.0 s',
  )
  const unseen = { ...node, wasLookedAt: false, sampledCommands: null }
  const never = lookLines(result([], [unseen]), view, true).join('\n')
  expect(never).toContain('Not looked at long enough to say what is hot: 0 commands of 10,000/s')
  const half = lookLines(result([], [node, { ...unseen, address: '10.0.0.2:6379' }]), view, true).join('\n')
  expect(half).toContain('Not looked at long enough')
  expect(half).toContain('10.0.0.2:6379: not looked at: no burst was made in this time')
  for (const text of [hardly, never, half]) expect(text).not.toContain('Nothing is hot')
  const listed = [hotKey('a', { sizeBytes: null, bytesPerSec: null })]
  expect(lookLines(result(listed), { ...view, by: 'bytes' }, true).join('\n')).toContain('no size is known')
})

test('the bill of a Memcached never tells of MONITOR, and of no look no measurement', () => {
  const server = { ...node, role: 'server' as const }
  const gone = { ...server, state: 'unreachable' as const, message: 'Nothing listens.' }
  expect(lookLines(result([], [server, gone]), view, true).at(-1)).toBe(
    "Cost: 40 commands, 1.9 MB, 7 connections, watch open 230 ms; 0.80% of the busiest node's CPU by the model.",
  )
  const unopened = result([])
  unopened.cost.windowMs = 0
  expect(lookLines(unopened, view, true).at(-1)).toMatch(
    /MONITOR open 0 ms; 0\.80% of the node's CPU by the model\.$/,
  )
})

test.each([
  ['user:1234567890:cart', 12, 'user:123…art'],
  ['日本語日本語', 7, '日本…語'],
  ['short', 5, 'short'],
  ['ab', 1, '…'],
])('%s in %i cells is %s', (text, cells, cut) => {
  expect(cutMiddle(text, cells)).toBe(cut)
})

test('figures are for people', () => {
  expect([0, 0.04, 3.44, 37.2, 12_345.6, -0.001, null].map(countText)).toEqual([
    ...['0', '0.04', '3.4', '37', '12,346', '0', '–'],
  ])
  expect([12, 999.7, 1_900_000, 52_000].map(bytesText)).toEqual(['12 B', '1.0 kB', '1.9 MB', '52 kB'])
  expect(shareText(0.2, 0.15, 0.27)).toBe('20.0% ±7.0')
  expect(shareText(0.004, 0.0035, 0.0046)).toBe('0.40% ±0.06')
})
