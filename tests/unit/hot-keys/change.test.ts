import { describe, expect, test } from 'vitest'
import { currentSlices } from '../../../core/hot-keys/change.ts'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { hotKeyRates } from '../../../core/hot-keys/report.ts'
import { SpaceSaving } from '../../../core/hot-keys/space-saving.ts'
import { type SliceCount, SlidingWindow } from '../../../core/hot-keys/window.ts'
import { binomial, mulberry } from '../../support/random-draws.ts'

const { commands } = parseCommandTable([['get', 2, ['readonly'], 1, 1, 1]])
const slice = (uses: number, of: number): SliceCount => ({ low: uses, high: uses, commands: of })
const slices = (uses: number[], of = 2_700) => uses.map((each) => slice(each, of))

describe('what a key is now', () => {
  test.each<[string, number[], number, boolean]>([
    ['steady', [27, 25, 29, 30, 22, 27, 31, 24, 28, 26], 10, false],
    ['not there, then hot', [0, 0, 0, 0, 0, 0, 0, 0, 0, 20], 1, true],
    ['since two seconds, the first of them in part', [0, 0, 0, 0, 0, 0, 0, 0, 12, 54], 1, true],
    ['hot, then cold', [54, 50, 58, 49, 60, 52, 55, 51, 20, 0], 1, false],
    ['seen four times by chance', [0, 0, 0, 0, 0, 0, 0, 0, 0, 4], 10, false],
    ['half as much again', [50, 50, 50, 50, 50, 50, 50, 50, 75, 75], 10, false],
    ['waves', [10, 60, 20, 90, 30, 15, 80, 40, 12, 70], 10, false],
    ['too little past', [0, 0, 40], 3, false],
  ])('%s', (_, uses, kept, hasRisen) => {
    const current = currentSlices(slices(uses))
    expect(current.slices).toHaveLength(kept)
    expect(current.hasRisen).toBe(hasRisen)
  })

  test('a slice that has only begun says nothing of a fall', () => {
    const begun = [...slices([54, 50, 58, 49, 60, 52, 55, 51, 52]), slice(0, 40)]
    expect(currentSlices(begun).slices).toHaveLength(10)
  })

  test.each([
    ['steady', 0],
    ['in waves', 0.5],
  ])('a key that is %s does not flap: 2,000 windows of it, each share from 0.1%% to 20%%', (_, wave) => {
    const random = mulberry(11)
    let cuts = 0
    for (let run = 0; run < 2_000; run++) {
      const share = 0.001 * 200 ** random()
      const window = Array.from({ length: 10 }, () => {
        const size = 300 + Math.floor(random() * 2_400)
        return slice(binomial(size, share * (1 + wave * (random() * 2 - 1)), random), size)
      })
      if (currentSlices(window).slices.length < 10) cuts++
    }
    expect(cuts).toBeLessThanOrEqual(4)
  })
})

/** Bursts of about 1,000 lines, five a second; the others are many keys. @returns per burst: the key's rate, or null */
function watch(
  seed: number,
  usesOf: (ms: number) => number,
): { ms: number; rate: number | null; seen: number }[] {
  const random = mulberry(seed)
  const window = new SlidingWindow(new SpaceSaving({ seed }))
  const told: { ms: number; rate: number | null; seen: number }[] = []
  let seen = 0
  for (let ms = 0; ms < 23_000; ms += 140 + Math.floor(random() * 120)) {
    const now = 1_700_000_000_000 + ms
    window.advance(now)
    for (let line = 0; line < 1_000; line++) {
      const isHot = random() < usesOf(ms)
      if (isHot) seen++
      const name = Buffer.from(isHot ? 'fresh' : `other:${Math.floor(50_000 * random() ** 4)}`)
      window.countCommand()
      window.countKey(name, 0, name.length, 0, 0, false)
    }
    const merged = window.merge(now, 300)
    const rates = merged === null ? [] : hotKeyRates(merged, commands, 50_000)
    const fresh = rates.find(({ key }) => Buffer.from(key).toString() === 'fresh')
    told.push({ ms, rate: fresh?.opsPerSec ?? null, seen })
  }
  return told
}

test('a key of 1,000/s on a node of 50,000/s is told within half a second, stays, and goes when it is over', {
  timeout: 60_000,
}, () => {
  const delays: number[] = []
  for (let seed = 1; seed <= 4; seed++) {
    const start = 12_000 + seed * 210
    const end = start + 5_000
    const told = watch(seed, (ms) => (ms >= start && ms < end ? 0.02 : 0))
    const first = told.findIndex(({ rate }) => rate !== null)
    const last = told.findLastIndex(({ rate }) => rate !== null)
    const during = told.slice(
      first,
      told.findIndex(({ ms }) => ms >= end),
    )
    delays.push((told[first]?.ms ?? Number.POSITIVE_INFINITY) - start)
    expect(during.every(({ rate }) => rate !== null)).toBe(true)
    // By then the second in which it began is behind.
    for (const { ms, rate } of during) {
      if (ms < start + 3_000) continue
      expect(rate).toBeGreaterThan(500)
      expect(rate).toBeLessThan(1_600)
    }
    expect((told[last]?.ms ?? 0) - end).toBeLessThan(4_000)
  }
  expect(Math.max(...delays)).toBeLessThan(600)
})
