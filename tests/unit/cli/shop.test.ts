import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownerOf, parseClusterNodes } from '../../../demo/cluster-roles.ts'
import { Pace } from '../../../demo/shop/pace.ts'
import { readSettings, toEnvironment } from '../../../demo/shop/settings.ts'
import { isViral } from '../../../demo/shop/viral.ts'
import { articleOfRank, drawRank, zipfTable } from '../../../demo/shop/zipf.ts'

test('a rank is drawn in proportion to 1 / rank', () => {
  const table = zipfTable(1000, 1)
  const draws = 100_000
  const counts = new Array<number>(1000).fill(0)
  for (let draw = 0; draw < draws; draw++) {
    const rank = drawRank(table, (draw + 0.5) / draws)
    counts[rank] = (counts[rank] ?? 0) + 1
  }
  expect((counts[0] ?? 0) / (counts[9] ?? 1)).toBeCloseTo(10, 1)
  expect((counts[0] ?? 0) / (counts[99] ?? 1)).toBeCloseTo(100, -1)
})

test('any uniform number falls on a rank', () => {
  const table = zipfTable(50_000, 0.9)
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (uniform) => {
      const rank = drawRank(table, uniform)
      return rank >= 0 && rank < 50_000 && uniform <= (table[rank] as number)
    }),
  )
})

test('every article has a rank, and each rank its own article', () => {
  const articles = new Set(Array.from({ length: 50_000 }, (_, rank) => articleOfRank(rank, 50_000)))
  expect(articles.size).toBe(50_000)
  expect(Math.min(...articles)).toBe(1)
  expect(Math.max(...articles)).toBe(50_000)
})

test.each([
  [0, false],
  [59_999, false],
  [60_000, true],
  [179_999, true],
  [180_000, false],
  [239_999, false],
  [240_000, true],
])('%i ms after the start it is viral: %s', (sinceMs, viral) => {
  expect(isViral({ afterMs: 60_000, onMs: 120_000, offMs: 60_000 }, sinceMs)).toBe(viral)
})

test('the pace keeps its rate over uneven beats, and a pause is not made up for', () => {
  const pace = new Pace()
  let due = 0
  for (let beat = 0; beat < 1_000; beat++) due += pace.due(333, beat % 2 === 0 ? 7 : 33)
  expect(due).toBeGreaterThanOrEqual(6659)
  expect(due).toBeLessThanOrEqual(6660)
  expect(new Pace().due(1_000, 60_000)).toBe(200)
})

test('what the demo tells a shop process arrives', () => {
  const settings = {
    databaseUrl: 'postgres://shop@127.0.0.1:5432/shop',
    nodes: ['127.0.0.1:7001'],
    visitsPerSec: 94.3,
    viralReadsPerSec: 1667,
    startedAt: 1,
    viral: { afterMs: 1, onMs: 2, offMs: 3 },
  }
  expect(readSettings(toEnvironment(settings))).toEqual(settings)
  expect(() => readSettings({})).toThrow()
})

const CLUSTER_NODES = `a1 127.0.0.1:7001@17001 myself,master - 0 1 1 connected 0-5460 [93->-b2]
b2 127.0.0.1:7002@17002,host-2 master - 0 2 2 connected 5461 5463-10922
c3 127.0.0.1:7003@17003 master,fail - 0 3 3 disconnected 10923-16383
d4 127.0.0.1:7004@17004 slave a1 0 4 1 connected
`

test("the cluster's own list says who owns what", () => {
  const roles = parseClusterNodes(CLUSTER_NODES)
  expect(roles.map((role) => [role.address, role.isPrimary, role.isFailed])).toEqual([
    ['127.0.0.1:7001', true, false],
    ['127.0.0.1:7002', true, false],
    ['127.0.0.1:7003', true, true],
    ['127.0.0.1:7004', false, false],
  ])
  expect(ownerOf(93, roles)?.address).toBe('127.0.0.1:7001')
  expect(ownerOf(5461, roles)?.address).toBe('127.0.0.1:7002')
  expect(ownerOf(5462, roles)).toBeNull()
})
