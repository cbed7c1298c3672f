/** Who has applied what is asked, of those that should: counted from heartbeats, checked against the servers' clients. */

import type { AppInstance } from '../../core/mitigations/app-instance.ts'
import { MAX_LISTED_CLIENTS } from '../../core/mitigations/limits.ts'
import type { Acknowledgement } from '../../core/mitigations/model.ts'
import type { KeyPolicy } from '../../core/protocol/policy.ts'
import type { NodeAddress, Topology } from '../../core/sample.ts'
import { primaryOf } from '../../core/topology.ts'
import { NodeFailure } from '../connection/failure.ts'
import type { NodeReading } from '../reading.ts'
import { numberField } from '../sources/info.ts'
import type { ActionNodes, OnCommand } from './action-nodes.ts'
import { isSentinelName } from './actions/client-list.ts'

const MAX_LAGGARDS = 50

/**
 * @param instances those whose newest heartbeat is fresh
 * @param policy as it is asked for; null where nothing is yet: the revision alone is counted then
 */
export function acknowledge(options: {
  instances: readonly AppInstance[]
  rev: number
  policy: Pick<KeyPolicy, 'id' | 'phase'> | null
  connectionsWithoutLibrary: number | null
  now: number
}): Acknowledgement {
  const { instances, rev, policy, connectionsWithoutLibrary, now } = options
  const late = instances.filter((instance) => instance.rev < rev || !hasApplied(instance, policy))
  return {
    at: new Date(now).toISOString(),
    applied: instances.length - late.length,
    instances: instances.length,
    laggards: late
      // Those that are waited for are not crowded out by those that are not.
      .toSorted((a, b) => Number(isDisabled(a)) - Number(isDisabled(b)) || a.host.localeCompare(b.host))
      .slice(0, MAX_LAGGARDS)
      .map((instance) => ({
        ...{ app: instance.app, host: instance.host, pid: instance.pid },
        ...{ rev: instance.rev, seenAt: instance.seenAt, isDisabled: isDisabled(instance) },
      })),
    connectionsWithoutLibrary,
  }
}

const isDisabled = ({ state }: AppInstance): boolean => state === 'disabled'

/** A document may be read and one of its policies left out: what is told of the policy itself counts. */
function hasApplied({ policies }: AppInstance, policy: Pick<KeyPolicy, 'id' | 'phase'> | null): boolean {
  if (policy === null) return true
  const phase = policies.find(({ id }) => id === policy.id)?.phase
  return phase === policy.phase || (phase === undefined && policy.phase === 'draining')
}

export function sameAcknowledgement(a: Acknowledgement | null, b: Acknowledgement | null): boolean {
  const plain = (one: Acknowledgement | null) =>
    one && JSON.stringify({ ...one, at: '', laggards: one.laggards.map((each) => ({ ...each, seenAt: '' })) })
  return plain(a) === plain(b)
}

/** Ours of any collector have this name. */
const OWN_NAME = 'cachescope'

/**
 * Clients of the primaries that no heartbeat names.
 * @param known ends of the connections of instances with the library, `ip:port`
 * @param reading what a node answered last; null where it has not yet
 * @returns null where a primary does not say, or may have more clients than it is asked to list
 * @throws Halted
 */
export async function countConnectionsWithoutLibrary(
  topology: Topology,
  nodes: Pick<ActionNodes, 'node' | 'ownAddresses'>,
  known: ReadonlySet<string>,
  reading: (address: NodeAddress) => Pick<NodeReading, 'info'> | null,
  onCommand: OnCommand,
): Promise<number | null> {
  const primaries = topology.shards.flatMap((shard) => primaryOf(shard)?.address ?? [])
  if (primaries.length < topology.shards.length) return null
  if (!primaries.every((address) => isListable(reading(address)))) return null
  let count = 0
  for (const address of primaries) {
    try {
      const node = await nodes.node('control', address, 0, onCommand)
      count += countStrangers(String(await node.call('CLIENT', 'LIST')), known, nodes.ownAddresses)
    } catch (error) {
      if (error instanceof NodeFailure) return null
      throw error
    }
  }
  return count
}

/** The list holds the server up for as long as it takes to write it: a quarter of a kilobyte a client. */
function isListable(reading: Pick<NodeReading, 'info'> | null): boolean {
  const clients = reading && numberField(reading.info, 'connected_clients')
  return clients !== null && clients <= MAX_LISTED_CLIENTS
}

const FIELDS = {
  address: /(?:^| )addr=(\S*)/,
  name: /(?:^| )name=(\S*)/,
  flags: /(?:^| )flags=(\S*)/,
}

export function countStrangers(list: string, known: ReadonlySet<string>, own: ReadonlySet<string>): number {
  return list.split('\n').filter((line) => {
    const address = FIELDS.address.exec(line)?.[1] ?? ''
    if (address === '' || own.has(address) || known.has(address)) return false
    const name = FIELDS.name.exec(line)?.[1] ?? ''
    if (name === OWN_NAME || isSentinelName(name)) return false
    // Replicas, primaries, and whoever watches by MONITOR are no application.
    return !/[SMO]/.test(FIELDS.flags.exec(line)?.[1] ?? '')
  }).length
}
