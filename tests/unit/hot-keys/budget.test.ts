import { describe, expect, test } from 'vitest'
import {
  burstCostUs,
  type CostModel,
  costModel,
  type Limits,
  planBurst,
  remember,
  type Seen,
} from '../../../core/hot-keys/budget.ts'
import { gapMs } from '../../../core/hot-keys/schedule.ts'

const OLD = costModel('7.0.15', false)
const LIMITS: Limits = { budget: 0.01, maxLatencyMs: 20, factor: 1 }
const NEW = costModel('8.0.1', false)

describe('the cost model', () => {
  test.each([
    ['6.2.14', OLD],
    ['7.2.4', OLD],
    ['7.4.1', NEW],
    ['8.6.0', NEW],
    [null, OLD],
    ['unknown', OLD],
  ])('version %s', (version, model) => expect(costModel(version, false)).toEqual(model))

  test('TLS makes a connection dearer', () => {
    expect(costModel('8.0.1', true).perConnectionUs).toBeGreaterThan(NEW.perConnectionUs)
  })

  test.each([
    ['GET of 16 bytes on 7.0: about 3.5 to 6 µs', OLD, 1, 70, 3.5, 7],
    ['SET of 1000 ascii bytes on 7.0: about 95 µs', OLD, 1, 1_060, 90, 105],
    ['SET of 1000 ascii bytes on 8.0: about 25 µs', NEW, 1, 1_060, 23, 35],
    ['SET of 1000 binary bytes on 8.0: about 117 µs', NEW, 1, 4_060, 105, 130],
  ])('%s', (_, model, commands, bytes, low, high) => {
    const cost = burstCostUs(model, { commands, bytes, windowMs: 1 }) - model.perConnectionUs
    expect(cost).toBeGreaterThan(low)
    expect(cost).toBeLessThan(high)
  })
})

describe('the plan of a burst', () => {
  const load = (opsPerSec: number, inputBytesPerCommand: number | null = 40) => ({
    opsPerSec,
    inputBytesPerCommand,
    cpuShare: null,
    overrunMs: 0,
  })

  test('never longer than 50 ms, and shorter on busy nodes', () => {
    expect(planBurst(OLD, load(0), null, LIMITS)?.windowMs).toBe(50)
    expect(planBurst(OLD, load(5_000), null, LIMITS)?.windowMs).toBe(50)
    expect(planBurst(OLD, load(20_000), null, LIMITS)?.windowMs).toBeGreaterThan(15)
    expect(planBurst(OLD, load(20_000), null, LIMITS)?.windowMs).toBeLessThan(50)
    const saturated = planBurst(OLD, load(500_000), null, LIMITS)?.windowMs
    expect(saturated).toBeGreaterThanOrEqual(5)
    expect(saturated).toBeLessThan(10)
  })

  test('large values shorten the window; values that hold the node up by themselves rule it out', () => {
    expect(planBurst(OLD, load(2_000, 10_000), null, LIMITS)?.windowMs).toBeLessThan(10)
    expect(planBurst(OLD, load(2_000, 1_000_000), null, LIMITS)).toBeNull()
  })

  test('what earlier bursts saw counts more than what the network suggests', () => {
    const seen: Seen = { commands: 1_000, bytes: 80_000, windowMs: 50 }
    const plan = planBurst(OLD, load(10_000, 5_000), seen, LIMITS)
    expect(plan?.windowMs).toBeGreaterThan(20)
    expect(plan?.predictedUs).toBeLessThan(8_000)
  })

  test('what clients send at once is printed whole: beyond the bound the node is left alone', () => {
    const busy = { ...load(100_000, 1_000), cpuShare: 0.9 }
    expect(planBurst(OLD, { ...busy, overrunMs: 10 }, null, LIMITS)?.predictedLatencyMs).toBeLessThanOrEqual(
      20,
    )
    expect(planBurst(OLD, { ...busy, overrunMs: 77 }, null, LIMITS)).toBeNull()
    expect(planBurst(OLD, { ...busy, overrunMs: 77 }, null, { ...LIMITS, maxLatencyMs: 100 })).not.toBeNull()
  })

  test('stops leave room for a peak, and end a flood', () => {
    const plan = planBurst(OLD, load(20_000), null, LIMITS)
    expect(plan?.maxLines).toBeGreaterThan(1_000)
    expect(plan?.maxLines).toBeLessThan(10_000)
    expect(plan?.maxBytes).toBeLessThan(4 * 1024 * 1024)
  })
})

test('whatever the load, the average cost is the budget at most', () => {
  for (const model of [OLD, NEW]) {
    for (const opsPerSec of [0, 10, 1_000, 5_000, 20_000, 100_000, 400_000]) {
      for (const bytes of [60, 100, 1_000]) {
        let costUs = 0
        let elapsedMs = 0
        let earlier: Seen | null = null
        for (let burst = 0; burst < 200; burst++) {
          const plan = planBurst(
            model,
            { opsPerSec, inputBytesPerCommand: bytes, cpuShare: null, overrunMs: 0 },
            earlier,
            LIMITS,
          )
          if (plan === null) throw new Error('no plan')
          const commands = (opsPerSec * plan.windowMs) / 1_000
          const seen = { commands, bytes: commands * bytes, windowMs: plan.windowMs }
          earlier = remember(earlier, seen)
          const cost = burstCostUs(model, seen)
          costUs += cost
          elapsedMs += plan.windowMs + gapMs(cost, plan.windowMs, 0.01, 1, (burst % 100) / 100)
        }
        expect(costUs / 1_000 / elapsedMs).toBeLessThanOrEqual(0.0102)
      }
    }
  }
})

test.each<[string, CostModel, number, number, number]>([
  ['a quiet node', OLD, 100, 300, 350],
  ['500 commands a second', OLD, 500, 1_500, 1_750],
  ['500 commands a second behind TLS', costModel('7.0.15', true), 500, 600, 800],
  ['5,000 commands a second', OLD, 5_000, 12_000, 16_000],
  ['50,000 commands a second', OLD, 50_000, 12_000, 17_000],
])('%s yields a useful sample within ten seconds', (_, model, opsPerSec, atLeast, atMost) => {
  const bytes = 70
  let earlier: Seen | null = null
  let sampled = 0
  for (let elapsedMs = 0; elapsedMs < 10_000; ) {
    const plan = planBurst(
      model,
      { opsPerSec, inputBytesPerCommand: 40, cpuShare: null, overrunMs: 0 },
      earlier,
      LIMITS,
    )
    if (plan === null) throw new Error('no plan')
    const commands = (opsPerSec * plan.windowMs) / 1_000
    const seen = { commands, bytes: commands * bytes, windowMs: plan.windowMs }
    earlier = remember(earlier, seen)
    sampled += commands
    elapsedMs += plan.windowMs + gapMs(burstCostUs(model, seen), plan.windowMs, 0.01, 1, 0.5)
  }
  expect(sampled).toBeGreaterThan(atLeast)
  expect(sampled).toBeLessThan(atMost)
})
