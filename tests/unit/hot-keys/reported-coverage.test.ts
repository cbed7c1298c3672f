/** Whether the intervals that are reported hold the truth: of the keys that came out as hot, and in what traffic. */
import { describe, expect, test } from 'vitest'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { mergeHotKeys } from '../../../core/hot-keys/merge-nodes.ts'
import { PatternLearner } from '../../../core/hot-keys/patterns.ts'
import { type HotKeyRate, hotKeyRates } from '../../../core/hot-keys/report.ts'
import type { MergedKey, WindowUse } from '../../../core/hot-keys/window.ts'
import type { HotKey } from '../../../core/model.ts'
import { binomial, mulberry, type Random } from '../../support/random-draws.ts'

const RUNS = 1_000
const ZIPF_RUNS = 3_000
const RATE = 50_000
const { commands } = parseCommandTable([
  ['get', 2, ['readonly'], 1, 1, 1],
  ['set', -3, ['write'], 1, 1, 1],
])

/** @param shares of the key in each slice */
function drawKey(
  id: number,
  shares: readonly number[],
  size: number,
  writes: number,
  random: Random,
): MergedKey {
  const slices = shares.map((share) => {
    const uses = binomial(size, Math.min(1, share), random)
    return { low: uses, high: uses, commands: size }
  })
  const low = slices.reduce((sum, slice) => sum + slice.low, 0)
  return {
    key: Buffer.from(String(id)),
    db: 0,
    command: writes > 0 ? 1 : 0,
    commands: [writes > 0 ? 1 : 0],
    writes: low * writes,
    slices,
    low,
  }
}

const holds = ({ opsPerSecLow, opsPerSecHigh }: HotKeyRate, share: number) =>
  opsPerSecLow <= share * RATE && share * RATE <= opsPerSecHigh

function zipfShares(keys: number, exponent: number): number[] {
  const weights = Array.from({ length: keys }, (_, at) => (at + 1) ** -exponent)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}

const BINS = ['of the first three', 'to rank 10', 'to rank 25', 'behind']
const binOf = (rank: number) => (rank < 3 ? 0 : rank < 10 ? 1 : rank < 25 ? 2 : 3)

test.each([
  ['zipf 1.0', 1, 20_000, 10, 1_200, 0],
  ['zipf 1.0 in waves', 1, 20_000, 10, 1_200, 0.3],
  ['zipf 1.3', 1.3, 20_000, 10, 1_200, 0],
  ['zipf 0.8 of 2,000 keys, in waves', 0.8, 2_000, 10, 1_200, 0.2],
  ['zipf 1.0, three seconds', 1, 20_000, 3, 1_200, 0],
])(
  '%s: of the keys that are reported, at every rank',
  { timeout: 60_000 },
  (_, exponent, keys, seconds, size, wave) => {
    const random = mulberry(5)
    const shares = zipfShares(keys, exponent).slice(0, 250)
    const told = BINS.map(() => 0)
    const held = BINS.map(() => 0)
    for (let run = 0; run < ZIPF_RUNS; run++) {
      const drawn = shares.map((share, id) => {
        const slices = Array.from({ length: seconds }, () => share * (1 + wave * (2 * random() - 1)))
        return drawKey(id, slices, size, 0, random)
      })
      for (const rate of hotKeyRates({ keys: drawn }, commands, RATE)) {
        const rank = Number(Buffer.from(rate.key).toString())
        const bin = binOf(rank)
        told[bin] = (told[bin] ?? 0) + 1
        if (holds(rate, shares[rank] ?? 0)) held[bin] = (held[bin] ?? 0) + 1
      }
    }
    BINS.forEach((name, bin) => {
      expect((told[bin] ?? 0) > 100, name).toBe(true)
      expect((held[bin] ?? 0) / (told[bin] ?? 1), name).toBeGreaterThanOrEqual(0.95)
    })
  },
)

describe('of a key that is written', () => {
  test.each([
    [
      'while the mix of the node changes',
      (at: number, swing: number) => 0.05 * (1 + 0.3 * Math.sin(at + swing)),
      0.05,
    ],
    ['that has been hot for two seconds', (at: number) => (at < 8 ? 0 : 0.12), 0.12],
    ['that has been hot for five seconds', (at: number) => (at < 5 ? 0.001 : 0.02), 0.02],
    ['that cooled down', (at: number) => (at < 6 ? 0.2 : 0.02), 0.02],
  ])('%s', (_, shareAt, truth) => {
    const random = mulberry(9)
    let held = 0
    let told = 0
    for (let run = 0; run < RUNS; run++) {
      const swing = random() * 2 * Math.PI
      const shares = Array.from({ length: 10 }, (_, at) => shareAt(at, swing))
      const [rate] = hotKeyRates({ keys: [drawKey(1, shares, 3_000, 0.9, random)] }, commands, RATE)
      if (rate === undefined) continue
      told++
      if (holds(rate, truth)) held++
      expect(rate.writesPerSec).toBeCloseTo(rate.opsPerSec * 0.9, 6)
    }
    expect(told).toBe(RUNS)
    expect(held / told).toBeGreaterThanOrEqual(0.95)
  })
})

test.each([2, 5])('of a key on %i nodes, merged', (nodes) => {
  const random = mulberry(13)
  const at = { from: '', to: '', sampledCommands: null }
  const rest = { cacheId: 'c', keyBase64: 'a', db: 0, rank: 1, window: at, sizeBytes: null, isMissing: null }
  let held = 0
  for (let run = 0; run < RUNS; run++) {
    const rows = Array.from({ length: nodes }, (_, nodeId) => {
      const shares = Array.from({ length: 10 }, () => 0.03 * (1 + 0.3 * (2 * random() - 1)))
      const [rate] = hotKeyRates({ keys: [drawKey(1, shares, 1_000, 0, random)] }, commands, RATE)
      const row: Partial<HotKey> = { ...rest, nodeId, ...pickRates(rate), probedAt: null, lfuCounter: null }
      return row as HotKey
    })
    const [merged] = mergeHotKeys(rows, new Map([['c', nodes * RATE]]))
    const truth = 0.03 * nodes * RATE
    if ((merged?.opsPerSecLow ?? 0) <= truth && truth <= (merged?.opsPerSecHigh ?? 0)) held++
  }
  expect(held / RUNS).toBeGreaterThanOrEqual(0.95)
})

function pickRates(rate: HotKeyRate | undefined) {
  if (rate === undefined) throw new Error('A key of 3% is always reported.')
  const { opsPerSec, opsPerSecLow, opsPerSecHigh, readsPerSec, writesPerSec } = rate
  return { opsPerSec, opsPerSecLow, opsPerSecHigh, readsPerSec, writesPerSec }
}

test('of patterns', () => {
  const random = mulberry(17)
  const truths = new Map([
    ['user:*', 0.6],
    ['order:*', 0.3],
    ['cart:*', 0.1],
  ])
  const names = ['user', 'order', 'cart']
  let held = 0
  let told = 0
  for (let run = 0; run < RUNS / 4; run++) {
    const sample = Array.from({ length: 1_000 }, (_, at): WindowUse => {
      const draw = random()
      const name = names[draw < 0.6 ? 0 : draw < 0.9 ? 1 : 2]
      const key = Buffer.from(`${name}:${Math.floor(random() * 10_000)}`)
      return { key, db: 0, write: false, command: 0, weight: 1, slice: Math.floor(at / 100) }
    })
    for (const rate of new PatternLearner().hotPatterns({ commands: 1_000, keyUses: 1_000, sample }, RATE)) {
      const truth = truths.get(rate.pattern ?? '') ?? 0
      told++
      if (rate.shareLow <= truth && truth <= rate.shareHigh) held++
    }
  }
  expect(told).toBe((RUNS / 4) * 3)
  expect(held / told).toBeGreaterThanOrEqual(0.95)
})
