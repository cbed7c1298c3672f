/** Hot keys that are long take their own room only: those beside them are still told, and all bounds hold. */
import { expect, test } from 'vitest'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { bothEngines } from '../../support/engine-keys.ts'
import { monitorLine } from '../../support/monitor-lines.ts'

const table = parseCommandTable([['get', 2, ['readonly', 'fast'], 1, 1, 1]])
const NOW = 1_700_000_000_000

test('five keys of 10 KB are the hottest of a second, and the short ones after them are not lost', () => {
  const long = Array.from({ length: 5 }, (_, at) => String(at).repeat(10_240))
  const short = Array.from({ length: 50 }, (_, at) => `article:${at}`)
  const uses = new Map([
    ...long.map((key, at) => [key, 90 - at] as const),
    ...short.map((key) => [key, 20] as const),
  ])
  for (const engine of bothEngines(table)) {
    engine.begin({ replies: 0, ownAddresses: [], replica: false, primaryAddress: null })
    for (const [key, count] of uses) {
      const line = Buffer.from(monitorLine(['GET', key]))
      for (let use = 0; use < count; use++) engine.feed(line, NOW)
    }
    // In the second after, this one is a past slice, cut to its largest entries.
    for (const now of [NOW, NOW + 1_000]) {
      const merged = engine.merge(now, 100)
      const found = new Map(merged?.keys.map((key) => [Buffer.from(key.key).toString(), key]))
      expect(short.filter((key) => !found.has(key))).toEqual([])
      expect(found.has(long[0] ?? '')).toBe(true)
      for (const [key, { slices, low }] of found) {
        expect(low).toBeLessThanOrEqual(uses.get(key) ?? 0)
        expect(slices[0]?.high).toBeGreaterThanOrEqual(uses.get(key) ?? 0)
      }
      engine.feed(Buffer.from(''), now + 1_000)
    }
    engine.close()
  }
})
