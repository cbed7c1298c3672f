/** A drain whose nodes answer what a test tells them; its time is over, and nothing of it is saved. */
import type { ActionContext } from '../../collector/mitigations/action.ts'
import type { MitigationAction } from '../../core/mitigations/model.ts'
import { cacheConfig } from './action-context.ts'

const TIME = '2026-01-01T00:00:00.000Z'

export type DrainingOptions = {
  action: MitigationAction
  state: unknown
  parameters?: Record<string, unknown>
  /** Each the primary of a shard. */
  members: string[]
  call(address: string, command: string, ...args: unknown[]): Promise<unknown>
}

/** @param sinceMs since it began to drain, which is when its time was over */
export function drainingContext(sinceMs: number, options: DrainingOptions): ActionContext {
  const { action, state, parameters = {}, members } = options
  return {
    mitigation: {
      ...{
        cacheId: 'shop',
        action,
        target: { kind: 'cache' },
        mitigationId: 1,
        label: 'shop',
        overrides: [],
      },
      parameters,
      ...{ phase: 'draining', phaseSince: TIME, createdAt: TIME, expiresAt: TIME, desired: 'off' },
      ...{
        requestedBy: 'ada',
        actor: 'ada',
        reason: 'x',
        rev: 1,
        message: null,
        outcome: null,
        progress: null,
      },
      ...{ acknowledgement: null, preview: null, proof: null, isMeasured: false },
    },
    cache: cacheConfig('standalone'),
    topology: {
      ...{ cacheId: 'shop', at: 0 },
      shards: members.map((address, index) => ({
        ...{ ordinal: index + 1, slots: null },
        nodes: [{ address, role: 'primary', clusterNodeId: null }],
      })),
    },
    ...{ shardOrdinals: new Map(), nodeAddresses: new Map(), others: [], state },
    ...{ now: () => Date.parse(TIME) + sinceMs, random: () => 0, reading: () => null },
    ...{ isSampled: true, acknowledgement: null, lagSeconds: () => null },
    node: async (address) => {
      const call = (command: string, ...args: unknown[]) => options.call(address, command, ...args)
      return { address, call, callBuffer: call }
    },
    step: (_options, run) => run(),
    saveState: async () => {},
    signal: new AbortController().signal,
  }
}
