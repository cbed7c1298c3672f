/** A primary and its replica, on which actions on servers are run as the reconciler would. */
import { expect } from 'vitest'
import type { Action } from '../../collector/mitigations/action.ts'
import type { ServerAction } from '../../core/mitigations/model.ts'
import type { Topology } from '../../core/sample.ts'
import { ActionRun, cacheConfig, type RunOptions } from './action-context.ts'
import { type RedisProcess, startRedis, until } from './redis.ts'

export type ServerPair = {
  readonly primary: RedisProcess
  readonly replica: RedisProcess
  untilFollows(): Promise<void>
  /** The ids of the nodes are 1 and 2. */
  runOf(
    name: ServerAction,
    action: Action,
    target: RunOptions['target'],
    parameters: Record<string, unknown>,
    more?: Partial<RunOptions>,
  ): ActionRun
  stop(): Promise<void>
}

export async function startServerPair(): Promise<ServerPair> {
  const primary = await startRedis()
  const replica = await startRedis({ replicaOf: primary })
  const untilFollows = async () => {
    await until('the replica follows', async () =>
      String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    )
  }
  await untilFollows()
  const nodes = [
    { address: primary.address, role: 'primary' as const, clusterNodeId: null },
    { address: replica.address, role: 'replica' as const, clusterNodeId: null },
  ]
  const topology: Topology = { cacheId: 'shop', at: 1, shards: [{ ordinal: 1, slots: null, nodes }] }
  return {
    primary,
    replica,
    untilFollows,
    runOf: (name, action, target, parameters, more = {}) =>
      new ActionRun({
        ...{ name, action, target, parameters, topology, cache: cacheConfig('standalone') },
        nodeAddresses: new Map([
          [1, primary.address],
          [2, replica.address],
        ]),
        ...more,
      }),
    async stop() {
      await replica.stop()
      await primary.stop()
    },
  }
}

/** @param check what must hold while it is on, and after */
export async function runThrough(run: ActionRun, check: (isOn: boolean) => Promise<void>): Promise<void> {
  expect(await run.on()).toMatchObject({ kind: 'done' })
  await check(true)
  expect(await run.drain()).toMatchObject({ kind: 'done' })
  await check(false)
  run.close()
}
