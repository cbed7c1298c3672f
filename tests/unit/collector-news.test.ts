import { describe, expect, test } from 'vitest'
import { collectorNews } from '../../app/_lib/collector-news.ts'
import type { Collector } from '../../core/model.ts'

const NOW = Date.parse('2026-01-01T00:10:00.000Z')
const collector = (ageMs: number, over: Partial<Collector> = {}): Collector => ({
  collectorId: `c${ageMs}`,
  host: 'web-1',
  pid: 1,
  version: '0.0.0',
  startedAt: '2026-01-01T00:00:00.000Z',
  heartbeatAt: new Date(NOW - ageMs).toISOString(),
  nodes: 6,
  bufferedTicks: 0,
  droppedTicks: 0,
  ...over,
})

describe('what the collectors say about the figures', () => {
  const dead = collector(15_001)
  test.each<[string, Collector[], ReturnType<typeof collectorNews>]>([
    ['none has ever reported', [], { kind: 'none' }],
    ['one is well', [collector(15_000)], null],
    ['one is silent, whatever the interval of its caches', [dead], { kind: 'dead', newest: dead }],
    ['the last of two is silent', [collector(99_000), dead], { kind: 'dead', newest: dead }],
    ['another has taken over', [collector(99_000), collector(500)], null],
    ['ticks wait behind one slow save', [collector(500, { bufferedTicks: 9 })], null],
    [
      'ticks wait for the database',
      [collector(500, { bufferedTicks: 10, droppedTicks: 2 }), collector(400)],
      { kind: 'waiting', ticks: 10, droppedTicks: 2 },
    ],
    [
      'what a dead one held will not be written',
      [collector(99_000, { bufferedTicks: 50 }), collector(400)],
      null,
    ],
  ])('%s', (_, collectors, news) => {
    expect(collectorNews(collectors, NOW)).toEqual(news)
  })
})
