/**
 * The shards of a cache over time: which of the discovered ones is which of those before, and what changed.
 * A shard keeps its ordinal over failovers, restarts and moved slots: it is the shard's name and colour.
 */
import type { EventSample, Millis, Topology, TopologyNode, TopologyShard } from './sample.ts'

export type DiscoveredNode = TopologyNode & {
  /** The cluster's own verdict: it takes the node for dead. */
  failed: boolean
}
export type DiscoveredShard = {
  /** Inclusive ranges in order; `[]` owns none, null where the cache has no slots. */
  slots: [number, number][] | null
  nodes: DiscoveredNode[]
}

/**
 * Matches by the nodes that both have (their cluster ids, else addresses), then by shared slots; what is new gets
 * the next ordinal, in the order of slots. A dead or returning primary that lost its slots to its replica
 * stays in its shard, as a replica.
 */
export function assignOrdinals(
  previous: readonly TopologyShard[],
  discovered: readonly DiscoveredShard[],
): TopologyShard[] {
  const owners = discovered.filter((shard) => shard.slots === null || shard.slots.length > 0)
  const matches = matchShards(previous, owners)
  const taken = new Set(matches.values())

  const leftOver: DiscoveredShard[] = []
  const folded = new Map<TopologyShard, DiscoveredNode[]>()
  for (const shard of discovered) {
    if (owners.includes(shard)) continue
    const home = previous.find((before) => sharedNodes(before, shard) > 0)
    if (home && taken.has(home)) folded.set(home, [...(folded.get(home) ?? []), ...shard.nodes])
    else if (home || shard.nodes.some((node) => !node.failed)) leftOver.push(shard)
  }
  for (const [shard, before] of matchShards(
    previous.filter((before) => !taken.has(before)),
    leftOver,
  )) {
    matches.set(shard, before)
  }

  let next = Math.max(0, ...previous.map((shard) => shard.ordinal))
  return [...owners, ...leftOver]
    .sort((a, b) => firstSlot(a) - firstSlot(b) || firstAddress(a).localeCompare(firstAddress(b)))
    .map((shard) => {
      const before = matches.get(shard)
      const former = (before ? folded.get(before) : undefined) ?? []
      return {
        ordinal: before?.ordinal ?? ++next,
        slots: shard.slots,
        nodes: [...shard.nodes, ...former.map((node) => ({ ...node, role: 'replica' as const }))].map(
          ({ address, role, clusterNodeId }) => ({ address, role, clusterNodeId }),
        ),
      }
    })
    .sort((a, b) => a.ordinal - b.ordinal)
}

function matchShards(previous: readonly TopologyShard[], discovered: readonly DiscoveredShard[]) {
  const pairs = discovered
    .flatMap((shard) =>
      previous.map((before) => ({
        shard,
        before,
        nodes: sharedNodes(before, shard),
        slots: sharedSlots(before.slots ?? [], shard.slots ?? []),
      })),
    )
    .filter((pair) => pair.nodes > 0 || pair.slots > 0)
    .sort((a, b) => b.nodes - a.nodes || b.slots - a.slots || a.before.ordinal - b.before.ordinal)
  const matches = new Map<DiscoveredShard, TopologyShard>()
  const taken = new Set<TopologyShard>()
  for (const { shard, before } of pairs) {
    if (matches.has(shard) || taken.has(before)) continue
    matches.set(shard, before)
    taken.add(before)
  }
  return matches
}

const identity = (node: TopologyNode): string => node.clusterNodeId ?? node.address
const firstSlot = (shard: DiscoveredShard): number => shard.slots?.[0]?.[0] ?? 16_384
const firstAddress = (shard: DiscoveredShard): string => shard.nodes[0]?.address ?? ''

function sharedNodes(a: TopologyShard, b: DiscoveredShard): number {
  const ids = new Set(a.nodes.map(identity))
  return b.nodes.filter((node) => ids.has(identity(node))).length
}

function sharedSlots(a: readonly [number, number][], b: readonly [number, number][]): number {
  let shared = 0
  for (const [fromA, toA] of a) {
    for (const [fromB, toB] of b) shared += Math.max(0, Math.min(toA, toB) - Math.max(fromA, fromB) + 1)
  }
  return shared
}

function countSlots(slots: readonly [number, number][]): number {
  return slots.reduce((count, [from, to]) => count + to - from + 1, 0)
}

export function primaryOf(shard: TopologyShard): TopologyNode | null {
  return shard.nodes.find((node) => node.role === 'primary') ?? null
}

/** Whether they have a node in common, by its cluster id, else its address: if not, they are not of one deployment. */
export function shareNode(a: readonly TopologyShard[], b: readonly DiscoveredShard[]): boolean {
  return b.some((shard) => a.some((before) => sharedNodes(before, shard) > 0))
}

/** Whether anything but the time differs. */
export function sameTopology(a: Topology, b: Topology): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))
}
const canonical = (topology: Topology) =>
  topology.shards.map((shard) => ({
    ordinal: shard.ordinal,
    slots: shard.slots,
    nodes: shard.nodes
      .map((node) => [node.address, node.role, node.clusterNodeId])
      .sort((x, y) => String(x[0]).localeCompare(String(y[0]))),
  }))

/** What happened between two topologies of one cache, as events. */
export function diffTopologies(previous: Topology, next: Topology, at: Millis): EventSample[] {
  const before = placesOf(previous)
  const after = placesOf(next)
  const events: EventSample[] = []
  const add = (kind: EventSample['kind'], shardOrdinal: number, address: string | null, message: string) =>
    events.push({ at, cacheId: next.cacheId, address, shardOrdinal, kind, message })

  for (const [address, place] of after) {
    if (before.has(address)) continue
    add('node-added', place.ordinal, address, `${address} joined shard ${place.ordinal} as ${place.role}.`)
  }
  for (const [address, place] of before) {
    if (!after.has(address))
      add('node-removed', place.ordinal, address, `${address} left shard ${place.ordinal}.`)
  }
  for (const shard of next.shards) {
    const was = previous.shards.find((one) => one.ordinal === shard.ordinal)
    if (!was) continue
    const from = primaryOf(was)
    const to = primaryOf(shard)
    if (from && to && from.address !== to.address) {
      const message = `${to.address} took over from ${from.address} as primary of shard ${shard.ordinal}.`
      add('failover', shard.ordinal, to.address, message)
    }
    const slots = shard.slots ?? []
    const slotsBefore = was.slots ?? []
    if (JSON.stringify(slots) === JSON.stringify(slotsBefore)) continue
    const kept = sharedSlots(slotsBefore, slots)
    const gained = countSlots(slots) - kept
    const lost = countSlots(slotsBefore) - kept
    const message = `Shard ${shard.ordinal} gained ${gained} and gave away ${lost} slots; it has ${countSlots(slots)} now.`
    add('slots-moved', shard.ordinal, to?.address ?? null, message)
  }
  return events
}

function placesOf(topology: Topology): Map<string, { ordinal: number; role: string }> {
  return new Map(
    topology.shards.flatMap((shard) =>
      shard.nodes.map((node) => [node.address, { ordinal: shard.ordinal, role: node.role }] as const),
    ),
  )
}
