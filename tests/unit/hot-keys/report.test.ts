import { describe, expect, test } from 'vitest'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { clientRate, hotKeyRates } from '../../../core/hot-keys/report.ts'
import { SpaceSaving } from '../../../core/hot-keys/space-saving.ts'
import { SlidingWindow } from '../../../core/hot-keys/window.ts'

const { commands } = parseCommandTable([
  ['get', 2, ['readonly'], 1, 1, 1],
  ['config', -2, [], 0, 0, 0, [], [], [], [['config|get', -3, ['admin'], 0, 0, 0, [], [], [], []]]],
  ['replconf', -1, ['admin'], 0, 0, 0],
])

describe("the rate of clients' commands", () => {
  test('is without what MONITOR hides, and without what scripts run', () => {
    const calls = new Map([
      ['get', 900],
      ['replconf', 60],
      ['config|get', 40],
    ])
    expect(clientRate(1_000, calls, commands, { commands: 300, others: 0 })).toBe(900)
    expect(clientRate(1_000, calls, commands, { commands: 100, others: 200 })).toBeCloseTo(300)
    expect(clientRate(10, calls, commands, { commands: 1, others: 0 })).toBe(0)
  })
})

describe('hot keys as rates', () => {
  const key = (name: string, uses: number, writes = 0) => ({
    key: Buffer.from(name),
    db: 0,
    low: uses,
    writes,
    command: 0,
    commands: [0],
    slices: [{ low: uses, high: uses, commands: 1_000 }],
  })
  const merged = (keys: ReturnType<typeof key>[]) => ({ keys })

  test('share × rate, the interval scaled alike, reads and writes apart', () => {
    const [first] = hotKeyRates(merged([key('a', 100, 25)]), commands, 5_000)
    expect(first).toMatchObject({
      share: 0.1,
      opsPerSec: 500,
      readsPerSec: 375,
      writesPerSec: 125,
      topCommand: 'GET',
    })
    expect(first?.opsPerSecLow).toBe((first?.shareLow ?? 0) * 5_000)
    expect(first?.opsPerSecHigh).toBe((first?.shareHigh ?? 0) * 5_000)
  })

  test('of a key that is only written no read, and of one that is only read no write', () => {
    for (let rate = 1; rate < 2_000; rate += 0.7) {
      const keys = [key('written', 137, 137), key('read', 137)]
      const rates = hotKeyRates(merged(keys), commands, rate)
      expect(rates.map(({ readsPerSec }) => readsPerSec).sort()[0]).toBe(0)
      expect(rates.map(({ writesPerSec }) => writesPerSec).sort()[0]).toBe(0)
    }
  })

  test('at most sixty, the hottest first, and none that was hardly seen', () => {
    const keys = Array.from({ length: 100 }, (_, at) => key(`k${at}`, at))
    const rates = hotKeyRates(merged(keys), commands, 1_000)
    expect(rates).toHaveLength(60)
    expect(Buffer.from(rates[0]?.key ?? []).toString()).toBe('k99')
    expect(hotKeyRates(merged([key('once', 1), key('four times', 4)]), commands, 1_000)).toEqual([])
  })

  test.each<[string, number, number, boolean]>([
    ['0.1% of a large sample', 20, 20_000, false],
    ['0.25%, which may be less than 0.2%', 50, 20_000, false],
    ['0.4%', 80, 20_000, true],
    ['5% of a small sample', 20, 400, true],
  ])('%s', (_, uses, sampled, isReported) => {
    const slices = Array.from({ length: 10 }, () => ({
      low: uses / 10,
      high: uses / 10,
      commands: sampled / 10,
    }))
    const window = merged([{ ...key('k', uses), slices }])
    expect(hotKeyRates(window, commands, 5_000)).toHaveLength(isReported ? 1 : 0)
  })

  test.each([
    [5_000, 300],
    [5_000, 1_500],
    [5_000, 15_000],
    [50_000, 3_000],
  ])('nothing where %i keys are used alike, in a sample of %i', (keys, sampled) => {
    let seed = 42
    const window = new SlidingWindow(new SpaceSaving({ seed: 7 }))
    for (let seen = 0; seen < sampled; seen++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      const name = Buffer.from(`article:${Math.floor((seed / 2 ** 32) * keys)}`)
      window.advance(1_700_000_000_000 + Math.floor((seen / sampled) * 10_000))
      window.countCommand()
      window.countKey(name, 0, name.length, 0, 0, false)
    }
    const seen = window.merge(1_700_000_009_999, 60)
    expect(seen?.commands).toBe(sampled)
    expect(seen && hotKeyRates(seen, commands, 1_000)).toEqual([])
  })
})
