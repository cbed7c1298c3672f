import { describe, expect, test } from 'vitest'
import { isSameDay } from '../../app/_components/clock.tsx'
import { skewText, worstLagText } from '../../app/_lib/cache-figures.ts'
import { commandsTitle } from '../../app/_lib/mitigation-commands.ts'

describe('figures of a cache', () => {
  const figures = (nodeCount: number, shardCount: number) => ({
    ...{ nodeCount, shardCount, hottestOverMean: 2.4, worstLagSeconds: 0.5 },
  })
  test.each([
    ['nothing is known of it yet', figures(0, 0), 'unknown', 'unknown'],
    ['a lone node', figures(1, 1), 'one shard', 'no replica'],
    ['a primary and its replica', figures(2, 1), 'one shard', '500 ms'],
    ['three shards without replicas', figures(3, 3), '2.4×', 'no replica'],
    ['three shards with replicas', figures(6, 3), '2.4×', '500 ms'],
  ])('%s', (_, cache, skew, lag) => {
    expect([skewText(cache), worstLagText(cache)]).toEqual([skew, lag])
  })
})

describe('the title of the commands', () => {
  const commands = (...list: string[]) => list.map((command) => ({ node: '10.0.0.1:7000', command }))
  test.each([
    [commands('GET a', 'SET a 1'), '2 commands, as sent: 1 only looks, 1 changes something'],
    [commands('GET a', 'INFO', 'SET a 1', 'DEL a'), '4 commands, as sent: 2 only look, 2 change something'],
    [commands('SET a 1'), '1 command, as sent'],
    [
      commands('MEMORY USAGE <each key>', 'MIGRATE 10.0.0.2 7000 KEYS …'),
      '2 commands, as sent once <…> and … are filled in: 1 only looks, 1 changes something',
    ],
  ])('%j', (list, title) => {
    expect(commandsTitle(list)).toBe(title)
  })
})

describe('a time of today', () => {
  const noon = new Date(2026, 10, 25, 12)
  test('is so by the calendar, not by hours', () => {
    expect(isSameDay(noon, new Date(2026, 10, 25, 23, 59))).toBe(true)
    expect(isSameDay(noon, new Date(2026, 10, 26, 0, 1))).toBe(false)
    expect(isSameDay(noon, new Date(2026, 9, 25, 12))).toBe(false)
  })
})
