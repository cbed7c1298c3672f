import { describe, expect, test } from 'vitest'
import { heatOf } from '../../../core/hot-keys/heat.ts'
import { mergeHotKeys, mergeHotPatterns, type NodeHotPattern } from '../../../core/hot-keys/merge-nodes.ts'
import { isScript } from '../../../core/hot-keys/script-commands.ts'
import type { HotKey } from '../../../core/model.ts'

const window = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:00:10.000Z', sampledCommands: 100 }
const key = (nodeId: number, name: string, opsPerSec: number | null, over: Partial<HotKey> = {}): HotKey => ({
  cacheId: 'shop',
  shardId: nodeId,
  nodeId,
  key: name,
  keyBase64: btoa(name),
  db: 0,
  share: opsPerSec === null ? null : opsPerSec / 1_000,
  shareLow: null,
  shareHigh: null,
  opsPerSec,
  opsPerSecLow: opsPerSec === null ? null : opsPerSec - 30,
  opsPerSecHigh: opsPerSec === null ? null : opsPerSec + 40,
  readsPerSec: opsPerSec,
  writesPerSec: opsPerSec === null ? null : 0,
  topCommand: 'GET',
  commands: ['GET'],
  cpuShare: null,
  lfuCounter: null,
  sizeBytes: null,
  bytesPerSec: null,
  isMissing: null,
  probedAt: null,
  source: 'monitor',
  rank: 1,
  window,
  ...over,
})
const rates = new Map([['shop', 2_000]])

describe('keys', () => {
  test('the same name in another database or cache is another key', () => {
    const rows = [key(1, 'a', 5), key(1, 'a', 4, { db: 1 }), key(2, 'a', 3, { cacheId: 'other' })]
    const merged = mergeHotKeys(rows, rates)
    expect(merged.map(({ cacheId, db, rank }) => [cacheId, db, rank])).toEqual([
      ['shop', 0, 1],
      ['shop', 1, 2],
      ['other', 0, 1],
    ])
    expect(merged[2]).toMatchObject({ share: null, opsPerSec: 3 })
  })

  test('rates add and their intervals in quadrature; a row without a rate adds nothing to them', () => {
    const rows = [key(1, 'a', 100), key(2, 'a', 300), key(3, 'a', null, { lfuCounter: 9, source: 'lfu' })]
    const [merged] = mergeHotKeys(rows, rates)
    expect(merged).toMatchObject({ opsPerSec: 400, share: 0.2, nodeId: 2, nodeIds: [2, 1, 3], lfuCounter: 9 })
    expect(merged?.opsPerSecLow).toBeCloseTo(400 - Math.hypot(30, 30))
    expect(merged?.opsPerSecHigh).toBeCloseTo(400 + Math.hypot(40, 40))
    expect(merged?.window.sampledCommands).toBe(300)
  })

  test('its commands are those of all nodes, the hottest first, at most eight', () => {
    const others = ['INCR', 'SET', 'EXPIRE', 'TTL', 'STRLEN', 'EXISTS', 'TYPE', 'DUMP']
    const rows = [
      key(1, 'a', 100, { commands: others }),
      key(2, 'a', 300, { commands: ['GET', 'INCR'] }),
      key(3, 'a', null, { commands: [] }),
    ]
    expect(mergeHotKeys(rows, rates)[0]?.commands).toEqual([
      ...['GET', 'INCR', 'SET', 'EXPIRE', 'TTL', 'STRLEN', 'EXISTS', 'TYPE'],
    ])
  })

  test('what no node can tell stays unknown, and its best rank decides', () => {
    const rows = [
      key(1, 'b', null, { rank: 4 }),
      key(2, 'a', null, { rank: 2 }),
      key(2, 'b', null, { rank: 3 }),
    ]
    const merged = mergeHotKeys(rows, rates)
    expect(merged.map((row) => [row.key, row.rank, row.opsPerSec, row.share])).toEqual([
      ['a', 1, null, null],
      ['b', 2, null, null],
    ])
  })

  test('a share is never above 1, whatever the counters say', () => {
    expect(mergeHotKeys([key(1, 'a', 5_000)], rates)[0]?.share).toBe(1)
  })

  const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`
  test.each<[string, Partial<HotKey>[], Partial<HotKey>]>([
    ['never asked for', [{}, {}], { isMissing: null, sizeBytes: null, bytesPerSec: null, probedAt: null }],
    ['missing wherever it was asked for', [{ isMissing: true, probedAt: at(1) }, {}], { isMissing: true }],
    [
      'there on one node',
      [
        { isMissing: true, probedAt: at(3) },
        { isMissing: false, sizeBytes: 10, probedAt: at(2) },
      ],
      { isMissing: false, sizeBytes: 10, bytesPerSec: 2_000, probedAt: at(3) },
    ],
    [
      'of two sizes the newer',
      [
        { isMissing: false, sizeBytes: 7, probedAt: at(1) },
        { isMissing: false, sizeBytes: 9, probedAt: at(2) },
      ],
      { isMissing: false, sizeBytes: 9 },
    ],
  ])('%s', (_, rows, expected) => {
    const merged = mergeHotKeys(
      rows.map((over, index) => key(index + 1, 'a', 100, over)),
      rates,
    )
    expect(merged[0]).toMatchObject(expected)
  })
})

describe('patterns', () => {
  const pattern = (nodeId: number, name: string | null, opsPerSec: number): NodeHotPattern => ({
    cacheId: 'shop',
    nodeId,
    pattern: name,
    share: opsPerSec / 1_000,
    shareLow: 0,
    shareHigh: 1,
    opsPerSec,
    opsPerSecLow: opsPerSec - 3,
    opsPerSecHigh: opsPerSec + 4,
    readsPerSec: opsPerSec,
    writesPerSec: 0,
    keysSeen: 5,
    source: 'monitor',
    window,
  })

  test('are added over the nodes, other last however large; a pattern called null is not other', () => {
    const rows = [
      pattern(1, 'a:*', 100),
      pattern(1, null, 900),
      pattern(2, 'a:*', 300),
      pattern(2, 'null', 7),
    ]
    const merged = mergeHotPatterns(rows, rates)
    expect(merged.map((row) => [row.pattern, row.opsPerSec, row.nodeIds])).toEqual([
      ['a:*', 400, [2, 1]],
      ['null', 7, [2]],
      [null, 900, [1]],
    ])
    expect(merged[0]).toMatchObject({ share: 0.2, keysSeen: 10, opsPerSecLow: 400 - Math.hypot(3, 3) })
    expect(merged[0]).not.toHaveProperty('nodeId')
  })
})

describe('read-hot, write-hot, mixed', () => {
  test.each([
    [100, 0, 'read-hot'],
    [90, 10, 'read-hot'],
    [89, 11, 'mixed'],
    [51, 49, 'mixed'],
    [50, 50, 'write-hot'],
    [0, 1, 'write-hot'],
    [0, 0, null],
    [null, null, null],
  ])('%s reads and %s writes: %s', (readsPerSec, writesPerSec, heat) => {
    expect(heatOf({ readsPerSec, writesPerSec })).toBe(heat)
  })

  test.each([
    ['EVAL', true],
    ['evalsha_ro', true],
    ['FCALL', true],
    ['GET', false],
    [null, false],
  ])('%s is a script: %s', (command, script) => expect(isScript(command)).toBe(script))
})
