import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Topology, TopologyShard } from '../../../core/sample.ts'
import {
  assignOrdinals,
  type DiscoveredNode,
  type DiscoveredShard,
  diffTopologies,
  sameTopology,
  shareNode,
} from '../../../core/topology.ts'

const node = (name: string, role: 'primary' | 'replica' = 'primary', failed = false): DiscoveredNode => ({
  address: `${name}:1`,
  role,
  clusterNodeId: name,
  failed,
})
const shard = (slots: [number, number][] | null, ...nodes: DiscoveredNode[]): DiscoveredShard => ({
  slots,
  nodes,
})
const topology = (shards: TopologyShard[], at = 1): Topology => ({ cacheId: 'shop', at, shards })

const first = assignOrdinals(
  [],
  [
    shard([[10923, 16383]], node('c'), node('c1', 'replica')),
    shard([[0, 5460]], node('a'), node('a1', 'replica')),
    shard([[5461, 10922]], node('b'), node('b1', 'replica')),
  ],
)
const members = (shards: TopologyShard[]) =>
  Object.fromEntries(shards.map((one) => [one.ordinal, one.nodes.map((n) => `${n.clusterNodeId} ${n.role}`)]))

describe('assignOrdinals', () => {
  it('numbers new shards by their slots', () => {
    expect(members(first)).toEqual({
      1: ['a primary', 'a1 replica'],
      2: ['b primary', 'b1 replica'],
      3: ['c primary', 'c1 replica'],
    })
  })

  it('keeps a dead primary that lost its slots in its shard, as a replica', () => {
    const next = assignOrdinals(first, [
      shard([], node('a', 'primary', true)),
      shard([[0, 5460]], node('a1')),
      shard([[5461, 10922]], node('b'), node('b1', 'replica')),
      shard([[10923, 16383]], node('c'), node('c1', 'replica')),
    ])
    expect(members(next)[1]).toEqual(['a1 primary', 'a replica'])
    expect(next).toHaveLength(3)
  })

  it('keeps one that returns and still thinks it is primary there as well', () => {
    const next = assignOrdinals(first, [shard([], node('a')), shard([[0, 5460]], node('a1'))])
    expect(members(next)).toEqual({ 1: ['a1 primary', 'a replica'] })
  })

  it('keeps a shard whose last slot was moved away', () => {
    const next = assignOrdinals(first, [
      shard([], node('c'), node('c1', 'replica')),
      shard([[0, 16383]], node('a'), node('a1', 'replica')),
    ])
    expect(next.map((one) => [one.ordinal, one.slots])).toEqual([
      [1, [[0, 16383]]],
      [3, []],
    ])
  })

  it('knows a shard by its slots when all its nodes are new', () => {
    const next = assignOrdinals(first, [
      shard([[0, 5460]], node('x')),
      shard([[5461, 10922]], node('b')),
      shard([[10923, 16383]], node('c')),
    ])
    expect(members(next)).toEqual({ 1: ['x primary'], 2: ['b primary'], 3: ['c primary'] })
  })

  it('gives a new shard the next ordinal, even before the others by its slots', () => {
    const next = assignOrdinals(first, [
      shard([[0, 99]], node('d')),
      shard([[100, 5460]], node('a'), node('a1', 'replica')),
      shard([[5461, 10922]], node('b')),
      shard([[10923, 16383]], node('c')),
    ])
    expect(members(next)[4]).toEqual(['d primary'])
  })

  it('leaves out a dead node without slots that nobody knows', () => {
    expect(
      assignOrdinals([], [shard([], node('z', 'primary', true)), shard([[0, 16383]], node('a'))]),
    ).toHaveLength(1)
  })

  it('lets a replica move to another shard', () => {
    const next = assignOrdinals(first, [
      shard([[0, 5460]], node('a')),
      shard([[5461, 10922]], node('b'), node('b1', 'replica'), node('a1', 'replica')),
      shard([[10923, 16383]], node('c')),
    ])
    expect(members(next)[2]).toEqual(['b primary', 'b1 replica', 'a1 replica'])
  })

  it('never uses an ordinal twice, whatever becomes of the nodes', () => {
    const ids = fc.constantFrom('a', 'a1', 'b', 'b1', 'c', 'c1', 'd', 'e')
    const anyShard = fc
      .tuple(fc.uniqueArray(ids, { minLength: 1, maxLength: 3 }), fc.nat(16383), fc.nat(500), fc.boolean())
      .map(([names, from, length, owns]) =>
        shard(
          owns ? [[from, Math.min(16383, from + length)]] : [],
          ...names.map((name, index) => node(name, index === 0 ? 'primary' : 'replica')),
        ),
      )
    fc.assert(
      fc.property(fc.array(fc.array(anyShard, { maxLength: 5 }), { maxLength: 5 }), (steps) => {
        let shards: TopologyShard[] = first
        for (const step of steps) {
          shards = assignOrdinals(shards, step)
          const ordinals = shards.map((one) => one.ordinal)
          expect(new Set(ordinals).size).toBe(ordinals.length)
          expect(Math.min(1, ...ordinals)).toBe(1)
        }
      }),
    )
  })
})

describe('diffTopologies', () => {
  const kinds = (next: DiscoveredShard[]) =>
    diffTopologies(topology(first), topology(assignOrdinals(first, next), 2), 9).map(
      (event) => `${event.kind} ${event.shardOrdinal} ${event.address}`,
    )

  it.each<[string, DiscoveredShard[], string[]]>([
    [
      'nothing new',
      [
        shard([[0, 5460]], node('a'), node('a1', 'replica')),
        shard([[5461, 10922]], node('b1', 'replica'), node('b')),
        shard([[10923, 16383]], node('c'), node('c1', 'replica')),
      ],
      [],
    ],
    [
      'a failover, without other news',
      [
        shard([], node('a', 'primary', true)),
        shard([[0, 5460]], node('a1')),
        shard([[5461, 10922]], node('b'), node('b1', 'replica')),
        shard([[10923, 16383]], node('c'), node('c1', 'replica')),
      ],
      ['failover 1 a1:1'],
    ],
    [
      'a node that came and one that went',
      [
        shard([[0, 5460]], node('a'), node('a2', 'replica')),
        shard([[5461, 10922]], node('b'), node('b1', 'replica')),
        shard([[10923, 16383]], node('c'), node('c1', 'replica')),
      ],
      ['node-added 1 a2:1', 'node-removed 1 a1:1'],
    ],
    [
      'slots that moved',
      [
        shard([[0, 5400]], node('a'), node('a1', 'replica')),
        shard([[5401, 10922]], node('b'), node('b1', 'replica')),
        shard([[10923, 16383]], node('c'), node('c1', 'replica')),
      ],
      ['slots-moved 1 a:1', 'slots-moved 2 b:1'],
    ],
  ])('tells %s', (_, next, expected) => {
    expect(kinds(next)).toEqual(expected)
  })

  it('does not take another order of nodes for a change', () => {
    const turned = first.map((one) => ({ ...one, nodes: [...one.nodes].reverse() }))
    expect(sameTopology(topology(first), topology(turned, 5))).toBe(true)
  })
})

describe('shareNode', () => {
  it.each<[string, DiscoveredShard[], boolean]>([
    ['one node of many', [shard([[0, 16383]], node('x')), shard([], node('b1', 'replica'))], true],
    ['the slots alone', [shard([[0, 5460]], node('x')), shard([[5461, 16383]], node('y'))], false],
    [
      'the addresses alone, with other cluster ids',
      [shard([[0, 16383]], { ...node('x'), address: 'a:1' })],
      false,
    ],
    ['nothing', [], false],
  ])('tells whether two topologies have %s', (_, discovered, expected) => {
    expect(shareNode(first, discovered)).toBe(expected)
  })

  it('goes by the address where there are no cluster ids', () => {
    const bare = (name: string) => shard(null, { ...node(name), clusterNodeId: null })
    const before = assignOrdinals([], [bare('a')])
    expect(shareNode(before, [bare('a')])).toBe(true)
    expect(shareNode(before, [bare('b')])).toBe(false)
  })
})
