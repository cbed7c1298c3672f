/** Who has applied what is asked, of those that should: counted from heartbeats, checked against the servers' clients. */

import type { AppInstance } from '../../core/mitigations/app-instance.ts'
import type { Acknowledgement } from '../../core/mitigations/model.ts'
import type { KeyPolicy } from '../../core/protocol/policy.ts'
import type { Topology } from '../../core/sample.ts'
import { primaryOf } from '../../core/topology.ts'
import { NodeFailure } from '../connection/failure.ts'
import type { ActionNodes, OnCommand } from './action-nodes.ts'

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
 * @returns null where a primary does not say
 * @throws Halted
 */
export async function countConnectionsWithoutLibrary(
  topology: Topology,
  nodes: ActionNodes,
  known: ReadonlySet<string>,
  onCommand: OnCommand,
): Promise<number | null> {
  let count = 0
  for (const shard of topology.shards) {
    const address = primaryOf(shard)?.address
    if (address === undefined) return null
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

export function countStrangers(list: string, known: ReadonlySet<string>, own: ReadonlySet<string>): number {
  return list.split('\n').filter((line) => {
    const field = (name: string) => new RegExp(`(?:^| )${name}=(\\S*)`).exec(line)?.[1] ?? ''
    const address = field('addr')
    if (address === '' || own.has(address) || known.has(address) || field('name') === OWN_NAME) return false
    // Replicas, primaries, and whoever watches by MONITOR are no application.
    return !/[SMO]/.test(field('flags'))
  }).length
}
