import { describe, expect, it } from 'vitest'
import { ClusterMemory } from '../../../collector/cluster-memory.ts'
import type { ClusterView } from '../../../collector/discovery.ts'

const view = (ids: string[], epoch: number, ok = true): ClusterView => ({
  state: { ok, epoch, knownNodes: ids.length, slotsFail: 0 },
  shards: ids.map((id) => ({
    slots: [],
    nodes: [{ address: `${id}:1`, role: 'primary', clusterNodeId: id, failed: false }],
  })),
})
const choose = (memory: ClusterMemory, ...views: (ClusterView | null)[]) =>
  memory.choose(views.map((one) => async () => one))

describe('ClusterMemory', () => {
  it('leaves a view from before the last election, and takes the next that is not', async () => {
    const memory = new ClusterMemory([])
    const [late, current] = [view(['a', 'b'], 6), view(['a', 'b'], 7)]
    expect(await choose(memory, current)).toBe(current)
    expect(await choose(memory, late)).toBeNull()
    expect(await choose(memory, null, late, current)).toBe(current)
  })

  it('takes another cluster at the same addresses, whose elections count from the start', async () => {
    const memory = new ClusterMemory([])
    await choose(memory, view(['a', 'b'], 40))
    const next = view(['x', 'y'], 2)
    expect(await choose(memory, next)).toBe(next)
    expect(await choose(memory, view(['x', 'y'], 1))).toBeNull()
    expect(await choose(memory, view(['x', 'y'], 3))).not.toBeNull()
  })

  it('does not leave the known cluster for a node that was reset, or while a node speaks for it', async () => {
    const memory = new ClusterMemory(['a', 'b'])
    await choose(memory, view(['a', 'b'], 5))
    expect(await choose(memory, view(['x'], 0, false))).toBeNull()
    expect(await choose(memory, view(['x', 'y'], 9), view(['a', 'b'], 4))).toBeNull()
    const known = view(['a', 'c'], 5, false)
    expect(await choose(memory, view(['x', 'y'], 9), known)).toBe(known)
  })

  it('measures the first view against the cluster that is remembered', async () => {
    expect(await choose(new ClusterMemory(['a']), view(['x'], 0, false))).toBeNull()
    expect(await choose(new ClusterMemory([]), view(['x'], 0, false))).not.toBeNull()
  })
})
