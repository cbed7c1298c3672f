import { describe, expect, test } from 'vitest'
import * as lines from '../../app/_lib/shard-series.ts'
import type { Node, Series, Shard } from '../../core/model.ts'

const node = (nodeId: number, role: Node['role']) => ({ nodeId, role, address: `n${nodeId}:6379` }) as Node
const shards = [
  { shardId: 11, ordinal: 1, nodes: [node(1, 'primary'), node(2, 'replica')] },
  { shardId: 12, ordinal: 2, nodes: [node(3, 'primary')] },
] as Shard[]

const series: Series = {
  resolution: 'raw',
  stepMs: 2000,
  at: [0, 2000, 4000],
  lines: [
    {
      nodeId: 1,
      metrics: {
        opsPerSec: [100, null, 200],
        hitsPerSec: [90, null, 0],
        missesPerSec: [10, null, 0],
        commandUsPerSec: [1000, null, 4000],
        usedMemoryBytes: [50, null, 60],
        netOutBytesPerSec: [1, null, 3],
      },
    },
    {
      nodeId: 2,
      metrics: {
        opsPerSec: [10, null, null],
        usedMemoryBytes: [55, null, 50],
        lagSeconds: [0.123456, null, 2],
      },
    },
    { nodeId: 3, metrics: { opsPerSec: [5, 6, 7], netOutBytesPerSec: [2, 2, null] } },
  ],
}
const values = (of: { values: (number | null)[] }[]) => of.map((line) => line.values)

describe('the nodes of a shard as one line', () => {
  test.each([
    [
      'a sum of what is known',
      lines.shardLines(series, shards, 'opsPerSec', 'sum'),
      [
        [110, null, 200],
        [5, 6, 7],
      ],
    ],
    [
      'the highest node',
      lines.shardLines(series, shards, 'usedMemoryBytes', 'max'),
      [
        [55, null, 60],
        [null, null, null],
      ],
    ],
    [
      'a hit rate, unknown where nothing was read',
      lines.hitRateLines(series, shards),
      [
        [0.9, null, null],
        [null, null, null],
      ],
    ],
    [
      'milliseconds per command',
      lines.commandTimeLines(series, shards),
      [
        [0.009091, null, 0.02],
        [null, null, null],
      ],
    ],
    ['replicas alone', lines.replicaLines(series, shards, 'lagSeconds'), [[0.1235, null, 2]]],
    [
      'sent and received',
      lines.networkLines(series),
      [
        [3, 2, 3],
        [null, null, null],
      ],
    ],
  ])('%s', (_, got, expected) => {
    expect(values(got)).toEqual(expected)
  })

  test('carries the colour of its shard', () => {
    expect(lines.replicaLines(series, shards, 'lagSeconds')[0]).toMatchObject({
      label: 'n2:6379',
      ordinal: 1,
    })
  })

  test('the whole cache is the sum of its nodes', () => {
    expect(lines.totalLine(series, 'opsPerSec')).toEqual([115, 6, 207])
    expect(lines.totalLine(undefined, 'opsPerSec')).toEqual([])
  })
})
