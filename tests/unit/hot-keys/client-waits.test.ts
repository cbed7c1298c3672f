/** What the collector remembers of how long applications' reads took, and of whom. */
import { expect, test } from 'vitest'
import { ClientCountsOfCache } from '../../../collector/hot-keys/client-counts.ts'
import type { ClientHotKey } from '../../../core/protocol/heartbeat.ts'
import type { Waits } from '../../../core/waits.ts'
import { clientCounts, heartbeatOf } from '../../support/heartbeat.ts'

const NOW = 1_800_000_000_000
const keyBase64 = Buffer.from('hot').toString('base64')
const HOT = { db: 0, keyBase64 }

function counting() {
  let now = NOW
  const counts = new ClientCountsOfCache(() => now)
  return {
    waits: counts.waits,
    tell(instanceId: string, at: number, waits: Waits, more: Partial<ClientHotKey> = {}) {
      now = at
      const hotKeys = clientCounts({ hot: [100, 0, 0] })
      const timed = waits.reduce((sum, [, count]) => sum + count, 0)
      const keys = hotKeys.keys.map((key) => ({ ...key, timed, waits, ...more }))
      counts.note(heartbeatOf(instanceId, at, { ...hotKeys, keys }), at)
    },
  }
}

test('reads of all instances are one, each heartbeat once', () => {
  const { waits, tell } = counting()
  expect(waits.of(HOT, NOW - 60_000)).toBeNull()
  tell('one', NOW, [[200, 990]])
  tell('one', NOW, [[200, 990]])
  tell('two', NOW + 1_000, [
    [200, 5],
    [40_000, 5],
  ])
  const figures = waits.of(HOT, NOW - 60_000)
  expect(figures?.timed).toBe(1_000)
  expect(figures?.p99Us).toBeLessThan(220)
  expect(figures?.p99HighUs).toBeGreaterThan(35_000)
  expect(waits.of({ ...HOT, db: 1 }, 0)).toBeNull()
})

test('an instance that asks for more weighs more: its sample stands for more reads', () => {
  const { waits, tell } = counting()
  tell('busy', NOW, [[200, 99_000]], { timed: 1_000 })
  tell('idle', NOW, [[40_000, 500]], { timed: 500 })
  expect(waits.of(HOT, 0)).toMatchObject({ timed: 1_500 })
  expect(waits.of(HOT, 0)?.p99Us).toBeLessThan(220)
})

test('a minute is kept, what was before `from` is left out, and who times nothing tells nothing', () => {
  const { waits, tell } = counting()
  for (let step = 0; step <= 40; step++) tell('one', NOW + step * 5_000, [[200, 10]])
  const end = NOW + 200_000
  expect(waits.of(HOT, end - 60_000)?.timed).toBe(130)
  expect(waits.of(HOT, 0)?.timed).toBeLessThan(150)
  expect(waits.of(HOT, end - 20_000)?.timed).toBe(50)
  expect(waits.of(HOT, end + 5_000)).toBeNull()
  tell('two', end, [[200, 10]], { timed: 0 })
  tell('three', end, [], { timed: 10 })
  expect(waits.of(HOT, end)?.timed).toBe(10)
})

test('what was told after `to` is left out', () => {
  const { waits, tell } = counting()
  for (let step = 0; step <= 4; step++) tell('one', NOW + step * 5_000, [[200, 10]])
  expect(waits.of(HOT, NOW, NOW + 10_000)?.timed).toBe(20)
  expect(waits.of(HOT, NOW, NOW + 11_000)?.timed).toBe(20)
})

test('a heartbeat that comes late drops nothing newer; what a clock set back left ahead goes', () => {
  const { waits, tell } = counting()
  tell('one', NOW, [[200, 10]])
  tell('two', NOW - 12_000, [[200, 10]])
  expect(waits.of(HOT, 0)?.timed).toBe(20)
  tell('three', NOW - 100_000, [[200, 10]])
  expect(waits.of(HOT, 0)?.timed).toBe(10)
})

test('so many keys and no more', () => {
  const { waits, tell } = counting()
  for (let key = 0; key < 600; key++) {
    tell(`instance ${key}`, NOW, [[200, 1]], { keyBase64: Buffer.from(`key ${key}`).toString('base64') })
  }
  const of = (key: number) => waits.of({ db: 0, keyBase64: Buffer.from(`key ${key}`).toString('base64') }, 0)
  expect(of(0)?.timed).toBe(1)
  expect(of(599)).toBeNull()
})
