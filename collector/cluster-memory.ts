/**
 * Which cluster is watched, and how far its elections have come: tells a view to believe from one to leave.
 * Epochs compare only within one cluster, and a cluster is known by the ids of its nodes.
 */
import type { DiscoveredShard } from '../core/topology.ts'
import type { ClusterView } from './discovery.ts'

export class ClusterMemory {
  #nodeIds: ReadonlySet<string>
  #epoch = 0

  /** @param nodeIds of the cluster that is remembered; none: the first view counts */
  constructor(nodeIds: Iterable<string>) {
    this.#nodeIds = new Set(nodeIds)
  }

  /** The first view that is up to date. One of another cluster counts where nobody asked speaks for the known one. */
  async choose(readers: Iterable<() => Promise<ClusterView | null>>): Promise<ClusterView | null> {
    let other: ClusterView | null = null
    let isKnownAlive = false
    for (const read of readers) {
      const view = await read()
      if (!view || view.shards.length === 0) continue
      if (!this.#isKnown(view)) {
        // Until it serves it is being formed, or a single node that was reset.
        if (view.state.ok) other ??= view
        continue
      }
      // A node that has not yet heard of the last election would undo it.
      if ((view.state.epoch ?? 0) >= this.#epoch) return this.#accept(view)
      isKnownAlive = true
    }
    return other && !isKnownAlive ? this.#accept(other) : null
  }

  #isKnown(view: ClusterView): boolean {
    return this.#nodeIds.size === 0 || nodeIdsOf(view.shards).some((id) => this.#nodeIds.has(id))
  }

  #accept(view: ClusterView): ClusterView {
    this.#epoch = view.state.epoch ?? 0
    this.#nodeIds = new Set(nodeIdsOf(view.shards))
    return view
  }
}

const nodeIdsOf = (shards: readonly DiscoveredShard[]): string[] =>
  shards.flatMap((shard) => shard.nodes.flatMap((node) => node.clusterNodeId ?? []))
