import { expect, test } from 'vitest'
import type { BurstResult } from '../../../collector/monitor/burst.ts'
import { Ledger } from '../../../collector/monitor/ledger.ts'
import { noCounts } from '../../../collector/monitor/parser-types.ts'

const burst = (windowMs: number, sent: string[]): BurstResult => ({
  end: { kind: 'window' },
  windowMs,
  sent,
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

test('what a burst says is in the bill from when it is sent, what it reads from its end, and each once', () => {
  const ledger = new Ledger(() => 1_700_000_000_000)
  ledger.bill(['auth', 'client|id', 'monitor'], 90)
  expect(ledger.cost).toMatchObject({ commands: 3, connections: 1, bytes: 90 })
  const counts = { ...noCounts(), bytes: 1_000 }
  const result = burst(20, ['auth', 'client|id', 'monitor'])
  ledger.settle({ result, counts, predictedUs: 500, bracket: null, predictedLatencyMs: 1 })
  expect(ledger.cost).toMatchObject({ commands: 3, connections: 1, bytes: 1_090 })
  expect(ledger.cost.byCommand.get('monitor')).toBe(1)
})
