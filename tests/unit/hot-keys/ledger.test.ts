import { expect, test } from 'vitest'
import type { BurstResult } from '../../../collector/monitor/burst.ts'
import { Ledger } from '../../../collector/monitor/ledger.ts'
import { noCounts } from '../../../collector/monitor/parser-types.ts'

const burst = (windowMs: number, sent: string[]): BurstResult => ({
  end: { kind: 'window' },
  windowMs,
  sent,
  sentBytes: 0,
  refused: [],
})

test('a burst is charged with what it asks beside MONITOR too, and one that never connected with nothing', () => {
  const ledger = new Ledger(() => 1_700_000_000_000)
  const settle = (result: BurstResult, predictedUs: number) =>
    ledger.settle({ result, counts: noCounts(), predictedUs, bracket: null, predictedLatencyMs: 1 })
  const charged = settle(burst(20, ['monitor']), 500)
  expect(charged).toBeGreaterThan(500)
  expect(settle(burst(50, ['monitor']), 500)).toBeGreaterThan(charged)
  expect(settle(burst(0, []), 0)).toBe(0)
})
